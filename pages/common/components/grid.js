// A picture under an invisible grid. Cells are found by arithmetic, not by elements: 3,025 of them weigh what four do.

const MARGIN = 8; // pixels between the tooltip, its cell and the edge of the window
const grids = new WeakMap(); // frame -> Grid. Streamlit calls again and again; listeners, focus and hover must outlive that.

export default function ({ parentElement, data, setTriggerValue }) {
  const frame = parentElement.querySelector(".frame");
  if (!grids.has(frame)) grids.set(frame, new Grid(frame));
  grids.get(frame).update(data, setTriggerValue);
}

const clamp = (value, low, high) => Math.max(low, Math.min(value, high));

class Grid {
  cell = 0; // where the cursor is, for the pointer and the keyboard alike
  shown = false;

  constructor(frame) {
    this.frame = frame;
    for (const part of ["img", ".ring", ".row", ".cursor", ".tooltip"]) {
      this[part.replace(".", "")] = frame.querySelector(part);
    }
    const on = (type, listener) => frame.addEventListener(type, listener);
    on("pointerdown", (event) => this.point(event));
    on("pointermove", (event) => this.point(event));
    on("pointerleave", (event) => {
      // A finger that is lifted “leaves” too, but its label should stay to be read until the next tap elsewhere.
      if (event.pointerType !== "touch") this.show(this.frame.matches(":focus-visible"));
    });
    on("pointercancel", () => this.show(false));
    on("click", (event) => this.choose(event.target === this.cursor ? this.cell : this.cellUnder(event)));
    on("keydown", (event) => this.press(event));
    on("focus", () => this.frame.matches(":focus-visible") && this.show(true)); // the pointer has shown its cell already
    on("blur", () => this.show(false));
    this.follow = () => (frame.isConnected ? this.placeTooltip() : removeEventListener("scroll", this.follow, true));
  }

  update(data, setTriggerValue) {
    this.setTriggerValue = setTriggerValue; // a new one each time: it knows the fragment to rerun
    if (data === this.data) return; // only the theme changed, and that is CSS’s affair
    const { frame, img, ring } = this;
    const first = !this.data;
    const moved = data.selected !== this.data?.selected;
    this.data = data;

    const source = `data:image/${data.kind};base64,${data.picture}`;
    if (img.src !== source) img.src = source;
    frame.style.aspectRatio = data.size.join(" / "); // the height is right before the picture is decoded
    frame.style.setProperty("--aspect", data.size[0] / data.size[1]);
    frame.style.setProperty("--widest", data.width === null ? "100%" : `${data.width}px`);
    frame.classList.toggle("pixelated", data.pixelated);
    frame.setAttribute("aria-label", data.alt);
    frame.setAttribute("aria-rowcount", data.rows);
    frame.dataset.share = data.share;
    frame.setAttribute("aria-colcount", data.columns);

    ring.hidden = data.selected === null;
    if (!ring.hidden) this.lay(ring, data.selected);
    // The keyboard starts from the selected cell, but is not torn away by a selection made elsewhere.
    if (data.selected !== null && moved && (first || !this.shown)) this.cell = data.selected;
    this.cell = clamp(this.cell, 0, data.cells - 1);
    this.show(this.shown);
  }

  cellUnder(event) {
    const { rows, columns, cells, share } = this.data;
    const box = this.frame.getBoundingClientRect();
    const down = (event.clientY - box.top) / (box.height * share);
    if (share < 1 && down >= 1) return null; // on the strip below the cells
    const row = clamp(Math.floor(down * rows), 0, rows - 1);
    const column = clamp(Math.floor(((event.clientX - box.left) / box.width) * columns), 0, columns - 1);
    const cell = row * columns + column;
    return cell < cells ? cell : null; // the last row of a montage may be short
  }

  point(event) {
    const cell = this.cellUnder(event);
    this.frame.classList.toggle("empty", cell === null);
    if (cell === this.cell && this.shown) return;
    this.cell = cell ?? this.cell;
    this.show(cell !== null);
  }

  press(event) {
    const { columns, cells } = this.data;
    const start = this.cell - (this.cell % columns);
    const target = {
      ArrowLeft: this.cell > start ? this.cell - 1 : this.cell,
      ArrowRight: this.cell < start + columns - 1 ? this.cell + 1 : this.cell,
      ArrowUp: this.cell - columns,
      ArrowDown: this.cell + columns,
      Home: event.ctrlKey ? 0 : start,
      End: event.ctrlKey ? cells - 1 : Math.min(start + columns, cells) - 1,
    }[event.key];
    if (event.key === "Escape") return this.tooltip.hidePopover();
    if (event.key === "Enter" || event.key === " ") this.choose(this.cell);
    else if (target === undefined || event.altKey || event.metaKey) return;
    else if (target >= 0 && target < cells) this.cell = target;
    event.preventDefault(); // neither scrolls the page
    this.show(true);
    this.cursor.scrollIntoView({ block: "nearest", inline: "nearest" });
  }

  choose(cell) {
    if (cell !== null) this.setTriggerValue("clicked", cell);
  }

  show(shown) {
    const { frame, row, cursor, tooltip, data, cell } = this;
    if (!frame.isConnected) return; // a popover outside the document throws
    this.shown = shown;
    row.hidden = !shown; // and with it the cursor: a row must not be without its cell
    const label = shown ? this.label(cell) : "";
    tooltip.textContent = label;
    tooltip.togglePopover(label !== "");
    const listen = label === "" ? removeEventListener : addEventListener;
    listen("scroll", this.follow, true); // captured, because Streamlit scrolls an inner element
    if (!shown) return frame.removeAttribute("aria-activedescendant");

    this.lay(cursor, cell);
    this.placeTooltip();
    cursor.id = `cell-${cell}`; // a new name, or a screen reader would not notice that the one element has moved
    frame.setAttribute("aria-activedescendant", cursor.id);
    row.setAttribute("aria-rowindex", Math.floor(cell / data.columns) + 1);
    cursor.setAttribute("aria-colindex", (cell % data.columns) + 1);
    cursor.setAttribute("aria-selected", cell === data.selected);
    cursor.setAttribute("aria-label", label);
  }

  label(cell) {
    const { columns, labels, template } = this.data;
    const slots = { cell, row: Math.floor(cell / columns), column: cell % columns, label: labels?.[cell] ?? "" };
    return template.replace(/\{(\w+)\}/g, (slot, name) => slots[name] ?? slot);
  }

  lay(element, cell) {
    const { rows, columns, share } = this.data;
    const percent = (part, whole) => `${(100 * part) / whole}%`;
    element.style.left = percent(cell % columns, columns);
    element.style.top = percent(share * Math.floor(cell / columns), rows);
    element.style.width = percent(1, columns);
    element.style.height = percent(share, rows);
  }

  placeTooltip() {
    const { rows, columns, share } = this.data;
    const { clientWidth, clientHeight } = document.documentElement;
    const box = this.frame.getBoundingClientRect();
    const step = (share * box.height) / rows;
    const top = box.top + Math.floor(this.cell / columns) * step;
    const bottom = top + step;
    const middle = box.left + (((this.cell % columns) + 0.5) / columns) * box.width;

    const { offsetWidth: width, offsetHeight: height, style } = this.tooltip;
    const above = top - height - MARGIN;
    const x = clamp(middle - width / 2, MARGIN, clientWidth - width - MARGIN);
    const y = above >= MARGIN ? above : Math.min(bottom + MARGIN, clientHeight - height - MARGIN);
    style.translate = `${Math.round(x)}px ${Math.round(y)}px`;
    style.visibility = bottom < 0 || top > clientHeight ? "hidden" : ""; // scrolled away
  }
}
