// Maps as sheets that stand beside one another, seen from the side or from the front: what lies at one place of all maps
// lies on one line.

const SIDE = 30; // of a cell, in units of the drawing
const SLANTED = { across: 21, up: 10.5 }; // from a cell to the one in the next column
const FLAT = { across: SIDE, up: 0 };
const BETWEEN = 15; // sheets
const [ABOVE, BELOW] = [20, 26]; // a line of sheets: for its title, and for theirs
const SMALLEST = 0.72; // of its size, to which a drawing shrinks before its lines are broken
const LARGEST = 1.4; // as large as the words around it: see present.css
const STEP = 450; // milliseconds, of a window that moves by itself
const drawings = new WeakMap(); // element -> Drawing; Streamlit calls again and again

export default function ({ parentElement, data, setTriggerValue }) {
  const element = parentElement.querySelector(".sheets");
  if (!drawings.has(element)) drawings.set(element, new Drawing(element));
  drawings.get(element).update(data, setTriggerValue);
}

class Drawing {
  at = 0; // the cell that the keyboard is at
  reach = new Reach();

  constructor(element) {
    this.svg = element.querySelector("svg");
    watchThumbs(element, (thumb) => this.follow(thumb));
    this.label = element.querySelector(".label");
    new ResizeObserver(() => this.data && this.fit() && this.draw()).observe(element);
    const cell = ({ target }) => (target.dataset?.cell === undefined ? null : Number(target.dataset.cell));
    this.svg.addEventListener("pointerover", (event) => this.say(cell(event)));
    this.svg.addEventListener("pointerleave", () => this.say(null));
    this.svg.addEventListener("focusin", (event) => this.say(cell(event)));
    this.svg.addEventListener("focusout", () => this.say(null));
    this.svg.addEventListener("click", (event) => this.choose(cell(event)));
    this.svg.addEventListener("keydown", (event) => this.press(event));
    this.svg.addEventListener("pointerdown", (event) => this.take(cell(event)));
    this.svg.addEventListener("pointerover", (event) => this.drags && this.stand(cell(event)));
    this.svg.addEventListener("pointercancel", () => this.drop(false)); // for the page is scrolled
    this.button = element.querySelector(".play");
    this.button.addEventListener("click", () => (this.playing ? this.pause() : this.play()));
  }

  update(data, setTriggerValue) {
    this.setTriggerValue = setTriggerValue; // a new one each time: it knows the fragment to rerun
    if (data === this.given) return; // only the theme changed, and that is CSS’s affair
    this.given = this.data = data;
    this.reach.learn(data.reach);
    this.drags = false;
    this.stop();
    // The keyboard starts from the chosen cell, but is not torn away from where it is.
    this.at = Math.min(this.hasFocus ? this.at : (data.chosen ?? this.at), data.labels.length - 1);
    this.fit();
    this.draw();
    this.say(this.hasFocus ? this.at : null);
  }

  /** Draws what a slider of the page is dragged to. */
  follow(thumb) {
    const frame = this.reach.at(thumb);
    if (!frame) return;
    this.data = { ...this.given, ...frame };
    this.due ??= requestAnimationFrame(() => {
      this.due = null;
      if (this.data.lit.join() === this.stacked) this.refresh();
      else this.draw();
      this.say(this.hasFocus ? this.at : null);
    });
  }

  // A window that moves -------------------------------------------------------------------------------------------

  /** Has the window stand where it makes this cell, and says its sum; whether the cell is one that it makes. */
  stand(cell) {
    const { given } = this;
    const place = given.walk && cell !== null ? cell - given.walk.first : -1;
    const seen = given.walk?.windows[place];
    if (!seen) return false;
    const { first, always, sums, grows } = given.walk;
    const lit = new Set([...always, ...seen, cell]);
    this.data = { ...given, chosen: cell, lit: given.labels.map((_, i) => lit.has(i)) };
    for (const [what, values] of Object.entries(grows)) {
      this.data[what] = [...given[what].slice(0, first), ...values.map((value, i) => (i <= place ? value : what === "shades" ? 0 : ""))];
    }
    this.refresh();
    this.label.textContent = sums[place];
    this.moves(true);
    return true;
  }

  /** Tells the page whether the window moves, for what it says of it is then of another place. */
  moves(does) {
    document.documentElement.toggleAttribute("data-window-moves", does);
  }

  /** The hand takes the window at this cell, if there is one. */
  take(cell) {
    this.drags = this.stand(cell);
    if (this.drags) window.addEventListener("pointerup", () => this.drop(), { once: true });
  }

  /** The hand lets go of the window: it stays there, or goes back to where it was. */
  drop(stays = true) {
    if (!this.drags) return;
    this.drags = false;
    this.moves(false);
    if (stays) return this.choose(this.data.chosen);
    this.data = this.given;
    this.refresh();
  }

  /** What is in the cells and beside them, without drawing them anew: that would take longer, and a browser forgets a
   * pointer whose cell is taken away. */
  refresh() {
    const { lit, chosen, shades, labels } = this.data;
    for (const path of this.svg.querySelectorAll(".cell")) {
      const cell = Number(path.dataset.cell);
      path.classList.toggle("lit", Boolean(lit[cell]));
      path.classList.toggle("chosen", cell === chosen);
      path.classList.toggle("less", shades[cell] < 0);
      path.setAttribute("aria-label", labels[cell]);
      path.style.setProperty("--share", this.share(cell));
    }
    for (const text of this.svg.querySelectorAll("text")) {
      const words = text.says();
      if (text.textContent !== words) text.textContent = words;
    }
  }

  play() {
    const { first, windows, pause } = this.given.walk;
    const next = (cell) => (cell - first + 1 < windows.length ? cell + 1 : null);
    this.stand(next(this.data.chosen) ?? first);
    this.button.textContent = pause;
    this.playing = setInterval(() => {
      const cell = next(this.data.chosen);
      if (cell === null || !this.svg.isConnected) this.pause();
      else this.stand(cell);
    }, STEP);
  }

  /** Where it stands now, the server writes out its sum. */
  pause() {
    this.stop();
    this.moves(false);
    this.choose(this.data.chosen);
  }

  stop() {
    clearInterval(this.playing);
    this.playing = null;
    this.button.hidden = !this.data.walk;
    this.button.textContent = this.data.walk?.play ?? "";
  }

  /** Finds which sheets stand in which line; whether that or the room is another one than before. */
  fit() {
    const { lines, sizes, noted, flat } = this.data;
    this.slant = flat ? FLAT : SLANTED;
    let start = 0;
    this.sheets = sizes.map(([rows, columns]) => {
      const { across, up } = this.slant;
      const sheet = { rows, columns, start, wide: columns * across, high: rows * SIDE + columns * up };
      start += rows * columns;
      return sheet;
    });
    const room = this.svg.parentElement.clientWidth || 700;
    const most = room / SMALLEST - noted;
    const before = JSON.stringify([this.rows, this.room]);
    this.rows = lines.map(({ sheets }) => this.broken(sheets, most));
    this.room = room;
    return before !== JSON.stringify([this.rows, this.room]);
  }

  /** The sheets of a line in as many rows as they need, about equally many in each. */
  broken(sheets, most) {
    for (let count = 1; ; count++) {
      const some = Math.ceil(sheets.length / count);
      const rows = Array.from({ length: Math.ceil(sheets.length / some) }, (_, i) => sheets.slice(i * some, (i + 1) * some));
      if (some === 1 || rows.every((row) => this.wide(row) <= most)) return rows;
    }
  }

  wide(row) {
    return row.reduce((sum, sheet) => sum + this.sheets[sheet].wide + BETWEEN, 0);
  }

  get hasFocus() {
    return this.svg.contains(this.svg.getRootNode().activeElement);
  }

  draw() {
    const { svg, data } = this;
    const { lines, alt, lit, chosen, choosable, noted, notes } = data;
    const hadFocus = this.hasFocus;
    const parts = [];
    let top = 0;
    lines.forEach(({ title }, n) => {
      const note = notes[n];
      if (title) parts.push(word("line", 0, top + 12, () => title));
      top += title ? ABOVE : 6;
      for (const row of this.rows[n]) {
        const high = Math.max(...row.map((sheet) => this.sheets[sheet].high));
        parts.push(...this.lineOf(row, top, high));
        if (note && row === this.rows[n].at(-1)) {
          note.split("\n").forEach((_, i) => {
            const says = () => this.data.notes[n].split("\n")[i] ?? "";
            parts.push(word("note", this.wide(row), top + high / 2 + 17 * i, says));
          });
        }
        top += high + BELOW;
      }
    });
    const wide = Math.max(...this.rows.flat().map((row) => this.wide(row))) + noted;
    svg.setAttribute("viewBox", `-2 0 ${wide} ${top}`);
    const width = Math.min(this.room, wide * LARGEST * enlarged());
    svg.setAttribute("width", width);
    svg.style.setProperty("--shrunk", Math.max(1, wide / width)); // its words do not shrink along
    svg.setAttribute("aria-label", alt);
    this.stacked = lit.join(); // lit cells lie above the others
    svg.classList.toggle("dimmed", lit.some(Boolean));
    svg.classList.toggle("choosable", choosable);
    svg.replaceChildren(...parts);
    if (chosen !== null) this.cell(chosen)?.classList.add("chosen");
    this.cell(this.at)?.setAttribute("tabindex", 0);
    if (hadFocus) this.cell(this.at)?.focus({ preventScroll: true });
  }

  /** The sheets of a row with their cells, those that are lit last, and a band from one of these to the next. */
  lineOf(row, top, most) {
    const { lit, numbers, tubed, walk } = this.data;
    const { across, up } = this.slant;
    const [below, above, tubes] = [[], [], []];
    let left = 0;
    for (const number of row) {
      const { rows, columns, start, wide, high } = this.sheets[number];
      const bottom = top + (most + high) / 2; // small sheets stand in the middle of large ones
      for (let i = 0; i < rows * columns; i++) {
        const [r, c, cell] = [Math.floor(i / columns), i % columns, start + i];
        const [x, y] = [left + c * across, bottom - (rows - r) * SIDE - c * up];
        (lit[cell] ? above : below).push(this.drawn(cell, x, y));
        if (numbers.length || walk) {
          above.push(word("number", x + across / 2, y - up / 2 + SIDE / 2, () => this.data.numbers[cell] ?? ""));
        }
        if (tubed && row.includes(number + 1) && lit[cell] && lit[cell + rows * columns]) {
          const [near, far] = [x + across, x + wide + BETWEEN];
          tubes.push(vector("path", "tube", { d: `M${near} ${y - up}H${far + across}L${far} ${y}V${y + SIDE}H${x}l${across} ${-up}z` }));
        }
      }
      above.push(word("title", left + wide / 2, bottom + 14, () => this.data.titles[number]));
      left += wide + BETWEEN;
    }
    return [...below, ...tubes, ...above];
  }

  drawn(number, x, y) {
    const { shades, sets, lit, labels, chosen, choosable } = this.data;
    const { across, up } = this.slant;
    const path = vector("path", "cell", {
      d: `M${x} ${y}l${across} ${-up}v${SIDE}l${-across} ${up}z`,
      role: choosable ? "button" : "img",
      tabindex: -1,
      "aria-label": labels[number],
      "data-cell": number,
    });
    if (choosable) path.setAttribute("aria-pressed", number === chosen);
    path.classList.toggle("less", shades[number] < 0);
    path.classList.toggle("lit", Boolean(lit[number]));
    path.style.setProperty("--share", this.share(number));
    if (sets) path.style.setProperty("--hue", `oklch(0.65 0.16 ${(sets[number] * 137.5) % 360})`);
    return path;
  }

  /** How strong the colour of a cell is. */
  share(number) {
    const { shades, sets } = this.data;
    const shade = Math.abs(shades[number]);
    return sets ? `${25 + 40 * shade}%` : `${62 * shade}%`;
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
    const { labels } = this.data;
    const number = this.sheets.findLastIndex(({ start }) => start <= this.at);
    const { rows, columns, start } = this.sheets[number];
    const [row, column] = [Math.floor((this.at - start) / columns), (this.at - start) % columns];
    const to = {
      ArrowRight: column < columns - 1 ? this.at + 1 : this.beside(number + 1, row, 0),
      ArrowLeft: column > 0 ? this.at - 1 : this.beside(number - 1, row, Infinity),
      ArrowUp: row > 0 ? this.at - columns : this.at,
      ArrowDown: row < rows - 1 ? this.at + columns : this.at,
      Home: 0,
      End: labels.length - 1,
    }[event.key];
    if (event.key === "Enter" || event.key === " ") this.choose(this.at);
    else if (to === undefined || event.altKey || event.metaKey) return;
    else this.go(to);
    event.preventDefault(); // neither scrolls the page
  }

  /** The cell of another sheet that is nearest to this row and column; where there is no such sheet, the one here. */
  beside(number, row, column) {
    const sheet = this.sheets[number];
    if (!sheet) return this.at;
    return sheet.start + Math.min(row, sheet.rows - 1) * sheet.columns + Math.min(column, sheet.columns - 1);
  }

  go(cell) {
    this.cell(this.at)?.setAttribute("tabindex", -1);
    this.at = cell;
    this.cell(cell).setAttribute("tabindex", 0);
    this.cell(cell).focus();
  }
}

/** How large the page's words are, in units of the usual size. */
function enlarged() {
  return parseFloat(getComputedStyle(document.documentElement).fontSize) / 16;
}

function vector(kind, name, attributes) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", kind);
  made.setAttribute("class", name);
  for (const [attribute, value] of Object.entries(attributes)) made.setAttribute(attribute, value);
  return made;
}

/** Words that `says` gives, now and whenever they may be other ones. */
function word(name, x, y, says) {
  const made = vector("text", name, { x, y });
  made.says = says;
  made.textContent = says();
  return made;
}
