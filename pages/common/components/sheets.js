// Maps as sheets that stand beside one another, seen from the side: what lies at one place of all maps lies on one line.

const SIDE = 30; // of a cell, in units of the drawing
const [ACROSS, UP] = [21, 10.5]; // from a cell to the one in the next column
const BETWEEN = 15; // sheets
const [ABOVE, BELOW] = [20, 26]; // a line of sheets: for its title, and for theirs
const SMALLEST = 0.72; // of its size, to which a drawing shrinks before its lines are broken
const LARGEST = 1.4;
const drawings = new WeakMap(); // element -> Drawing; Streamlit calls again and again

export default function ({ parentElement, data, setTriggerValue }) {
  const element = parentElement.querySelector(".sheets");
  if (!drawings.has(element)) drawings.set(element, new Drawing(element));
  drawings.get(element).update(data, setTriggerValue);
}

class Drawing {
  at = 0; // the cell that the keyboard is at

  constructor(element) {
    this.svg = element.querySelector("svg");
    this.label = element.querySelector(".label");
    new ResizeObserver(() => this.data && this.fit() && this.draw()).observe(element);
    const cell = ({ target }) => (target.dataset?.cell === undefined ? null : Number(target.dataset.cell));
    this.svg.addEventListener("pointerover", (event) => this.say(cell(event)));
    this.svg.addEventListener("pointerleave", () => this.say(null));
    this.svg.addEventListener("focusin", (event) => this.say(cell(event)));
    this.svg.addEventListener("focusout", () => this.say(null));
    this.svg.addEventListener("click", (event) => this.choose(cell(event)));
    this.svg.addEventListener("keydown", (event) => this.press(event));
  }

  update(data, setTriggerValue) {
    this.setTriggerValue = setTriggerValue; // a new one each time: it knows the fragment to rerun
    if (data === this.data) return; // only the theme changed, and that is CSS’s affair
    this.data = data;
    // The keyboard starts from the chosen cell, but is not torn away from where it is.
    this.at = Math.min(this.hasFocus ? this.at : (data.chosen ?? this.at), data.labels.length - 1);
    this.fit();
    this.draw();
    this.say(this.hasFocus ? this.at : null);
  }

  /** Finds how many sheets stand in a line; whether that or the room is another one than before. */
  fit() {
    const { lines, columns, noted } = this.data;
    this.step = columns * ACROSS + BETWEEN;
    this.beside = noted;
    const most = Math.max(...lines.map(({ sheets }) => sheets.length));
    const room = this.svg.parentElement.clientWidth || 700;
    const rows = Math.ceil(most / Math.max(1, Math.floor((room / SMALLEST - this.beside) / this.step)));
    const before = [this.across, this.room];
    [this.across, this.room] = [Math.ceil(most / rows), room];
    return before[0] !== this.across || before[1] !== this.room;
  }

  get hasFocus() {
    return this.svg.contains(this.svg.getRootNode().activeElement);
  }

  draw() {
    const { svg, data } = this;
    const { lines, rows, columns, alt, lit, chosen, choosable } = data;
    const high = rows * SIDE + columns * UP;
    const hadFocus = this.hasFocus;
    const parts = [];
    let top = 0;
    for (const { title, note, sheets } of lines) {
      if (title) parts.push(word("line", 0, top + 12, title));
      top += title ? ABOVE : 6;
      for (let i = 0; i < sheets.length; i += this.across) {
        const some = sheets.slice(i, i + this.across);
        parts.push(...this.lineOf(some, top + columns * UP));
        if (note && i + this.across >= sheets.length) {
          note.split("\n").forEach((words, n) => parts.push(word("note", some.length * this.step, top + high / 2 + 17 * n, words)));
        }
        top += high + BELOW;
      }
    }
    const wide = this.across * this.step + this.beside;
    svg.setAttribute("viewBox", `-2 0 ${wide} ${top}`);
    svg.setAttribute("width", Math.min(this.room, wide * LARGEST));
    svg.setAttribute("aria-label", alt);
    svg.classList.toggle("dimmed", lit.some(Boolean));
    svg.classList.toggle("choosable", choosable);
    svg.replaceChildren(...parts);
    if (chosen !== null) this.cell(chosen)?.classList.add("chosen");
    this.cell(this.at)?.setAttribute("tabindex", 0);
    if (hadFocus) this.cell(this.at)?.focus({ preventScroll: true });
  }

  /** The sheets of a line with their cells, the chosen ones last, and a tube through those that are lit. */
  lineOf(sheets, top) {
    const { rows, columns, titles, lit, numbers } = this.data;
    const [below, above, tubes] = [[], [], []];
    sheets.forEach((sheet, i) => {
      const left = i * this.step;
      const middle = left + (columns * ACROSS) / 2;
      for (let cell = 0; cell < rows * columns; cell++) {
        const number = sheet * rows * columns + cell;
        const [x, y] = corner(left, top, Math.floor(cell / columns), cell % columns);
        (lit[number] ? above : below).push(this.drawn(number, x, y));
        if (numbers[number]) {
          const text = word("number", x + ACROSS / 2, y - UP / 2 + SIDE / 2, numbers[number]);
          text.classList.toggle("lit", Boolean(lit[number]));
          above.push(text);
        }
        const next = (sheet + 1) * rows * columns + cell;
        if (i + 1 < sheets.length && sheets[i + 1] === sheet + 1 && lit[number] && lit[next] && this.data.tubed) {
          const [near, far] = [x + ACROSS, x + this.step];
          tubes.push(vector("path", "tube", { d: `M${near} ${y - UP}H${far + ACROSS}L${far} ${y}V${y + SIDE}H${x}l${ACROSS} ${-UP}z` }));
        }
      }
      above.push(word("title", middle, top + rows * SIDE + 14, titles[sheet]));
    });
    return [...below, ...tubes, ...above];
  }

  drawn(number, x, y) {
    const { shades, sets, lit, labels, chosen, choosable } = this.data;
    const path = vector("path", "cell", {
      d: `M${x} ${y}l${ACROSS} ${-UP}v${SIDE}l${-ACROSS} ${UP}z`,
      role: choosable ? "button" : "img",
      tabindex: -1,
      "aria-label": labels[number],
      "data-cell": number,
    });
    if (choosable) path.setAttribute("aria-pressed", number === chosen);
    const share = Math.abs(shades[number]);
    path.classList.toggle("less", shades[number] < 0);
    path.classList.toggle("lit", Boolean(lit[number]));
    path.style.setProperty("--share", sets ? `${25 + 40 * share}%` : `${62 * share}%`);
    if (sets) path.style.setProperty("--hue", `oklch(0.65 0.16 ${(sets[number] * 137.5) % 360})`);
    return path;
  }

  cell(number) {
    return this.svg.querySelector(`[data-cell="${number}"]`);
  }

  say(cell) {
    this.label.textContent = this.data?.labels[cell ?? this.data.chosen] ?? "";
  }

  choose(cell) {
    if (cell === null || !this.data.choosable) return;
    this.at = cell;
    this.setTriggerValue("clicked", cell);
  }

  press(event) {
    const { rows, columns, labels } = this.data;
    const [size, column, row] = [rows * columns, this.at % columns, Math.floor((this.at % (rows * columns)) / columns)];
    const right = column < columns - 1 ? this.at + 1 : this.at + size - columns + 1;
    const left = column > 0 ? this.at - 1 : this.at - size + columns - 1;
    const up = row > 0 ? this.at - columns : this.at;
    const down = row < rows - 1 ? this.at + columns : this.at;
    const to = { ArrowRight: right, ArrowLeft: left, ArrowUp: up, ArrowDown: down, Home: 0, End: labels.length - 1 }[event.key];
    if (event.key === "Enter" || event.key === " ") this.choose(this.at);
    else if (to === undefined || event.altKey || event.metaKey) return;
    else if (to >= 0 && to < labels.length) this.go(to);
    event.preventDefault(); // neither scrolls the page
  }

  go(cell) {
    this.cell(this.at)?.setAttribute("tabindex", -1);
    this.at = cell;
    this.cell(cell).setAttribute("tabindex", 0);
    this.cell(cell).focus();
  }
}

function corner(left, top, row, column) {
  return [left + column * ACROSS, top + row * SIDE - column * UP];
}

function vector(kind, name, attributes) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", kind);
  made.setAttribute("class", name);
  for (const [attribute, value] of Object.entries(attributes)) made.setAttribute(attribute, value);
  return made;
}

function word(name, x, y, text) {
  const made = vector("text", name, { x, y });
  made.textContent = text;
  return made;
}
