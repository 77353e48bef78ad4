// What is shown beside the sliders: readings with bars, convolutions as volumes, bars of blocks, and a mark on a grid.
// Every number and every word comes from the server; here is only where they stand.

const TALL = 58; // pixels of the longest side of maps
const LOW = 34; // on a phone
const NARROW = 480;
const SKEW = 0.38; // of a side that goes to the back
const LEAST = 1.5; // pixels of what would be too thin to be seen
const WORDS = [76, 66, 58]; // pixels for what is written below a box: the first that has room for all
const GAP = 15; // pixels between boxes, for an arrow
const SIGNS = { shuffle: "⤨" };

class Results {
  look = "";
  width = 560;

  constructor(element, below) {
    this.element = element;
    this.below = below; // the sliders; there is a picture that need not stay in view
    new ResizeObserver(([{ contentRect }]) => {
      if (!contentRect.width || Math.abs(contentRect.width - this.width) < 2) return;
      this.width = contentRect.width;
      if (this.frame) this.draw(this.frame);
    }).observe(element);
  }

  /** Makes room for what is the same in all frames. */
  describe(look) {
    const said = JSON.stringify(look);
    if (said === this.look) return;
    this.look = said;
    this.words = look;
    this.drawn = null;
    const parts = [this.readings(look)];
    if (look.sides) parts.push(this.chains(look));
    if (look.bars) parts.push(this.bars(look.bars));
    this.below.replaceChildren(...(look.grid ? [this.grid(look.grid)] : []));
    this.refusal = element("p", "refused");
    this.refusal.setAttribute("role", "alert");
    this.spoken = element("p", "spoken");
    this.spoken.setAttribute("aria-live", "polite");
    this.shown = element("div", "shown", ...parts);
    this.element.replaceChildren(this.refusal, this.shown, this.spoken);
    this.element.setAttribute("aria-label", look.label);
    this.element.hidden = false;
  }

  /** Draws a frame as soon as the browser paints. */
  draw(frame) {
    this.frame = frame;
    this.due ??= requestAnimationFrame(() => {
      this.due = null;
      this.paint(this.frame);
    });
  }

  paint(frame) {
    this.element.classList.toggle("impossible", Boolean(frame.refused));
    this.refusal.textContent = frame.refused ?? "";
    if (frame.refused) return;
    frame.readings.forEach((reading, i) => this.reading(this.numbers[i], reading));
    if (frame.chains) this.volumes(frame.chains);
    if (frame.bars) this.lengths(frame.bars);
    if (frame.mark) this.place(frame.mark);
  }

  /** For those who hear the page: what the readings are now. */
  say() {
    if (!this.frame) return;
    const { refused, readings } = this.frame;
    this.spoken.textContent =
      refused ?? readings.map(([value, note], i) => `${this.words.readings[i]}: ${value}, ${note}`).join("; ");
  }

  // Readings ------------------------------------------------------------------------------------------------------

  readings({ readings }) {
    this.numbers = readings.map((label) => {
      const [value, note, pair] = [element("dd", "value"), element("dd", "note"), element("dd", "pair")];
      pair.setAttribute("aria-hidden", "true");
      const whole = element("div", "reading", element("dt", "", label), value, note, pair);
      return { whole, value, note, pair };
    });
    return element("dl", "readings", ...this.numbers.map(({ whole }) => whole));
  }

  reading({ value, note, pair }, [number, beside, parts = []]) {
    value.textContent = number;
    note.textContent = beside;
    while (pair.children.length < parts.length) pair.append(element("i", "side"));
    parts.forEach((part, i) => pair.children[i].style.setProperty("--part", part));
  }

  // Volumes -------------------------------------------------------------------------------------------------------

  chains({ sides, scale }) {
    this.rows = sides.map((name) => {
      const steps = element("div", "steps");
      return { steps, whole: element("figure", "chain", element("figcaption", "side", name), steps) };
    });
    return element("div", "chains", ...this.rows.map(({ whole }) => whole), element("p", "scale", scale));
  }

  volumes(chains) {
    const scale = this.scale(chains.map(({ steps }) => steps));
    chains.forEach(({ steps, joined }, i) => {
      const { steps: place, whole } = this.rows[i];
      whole.classList.toggle("joined", joined === "add");
      place.replaceChildren(...steps.map((step, n) => this.step(step, scale, isNamed(n, steps, scale))));
    });
  }

  /** Pixels a row, a channel and for words, the same for all boxes; where there is no room, few boxes have words. */
  scale(chains) {
    const tall = this.width < NARROW ? LOW : TALL;
    const boxes = chains.flat().filter(([, , rows]) => rows);
    const side = Math.min(tall / Math.max(...boxes.flatMap(([, , rows, columns]) => [rows, columns])), 9);
    const most = Math.min((2 * tall) / Math.max(...boxes.map(([, channels]) => channels)), 9);
    const widths = [...WORDS.map((words) => ({ words, few: false })), { words: WORDS.at(-1), few: true }];
    const has = (channel) => (words) => chains.every((steps) => this.fits(steps, { side, channel, ...words }));
    const words = widths.find(has(most / 4)) ?? widths.at(-1);
    let channel = most;
    for (let tries = 0; tries < 24 && !has(channel)(words); tries++) channel *= 0.85;
    return { side, channel, ...words, tall: tall * (1 + SKEW) + 12 };
  }

  fits(steps, scale) {
    const widths = steps.map((step, n) => room(step, scale, isNamed(n, steps, scale)));
    return widths.reduce((sum, width) => sum + width, 0) + GAP * (steps.length - 1) <= this.width - 4;
  }

  step(volume, scale, isNamed) {
    const [kind, channels, rows, columns, count, title, macs] = volume;
    const lines = [];
    const size = `${rows}×${columns}×${channels}`;
    if (kind === "maps") lines.push(element("span", "size", `${channels}×${rows}×${columns}`));
    else lines.push(element("b", "", title));
    if (kind !== "maps" && rows) {
      lines.push(element("span", "reads", this.words.reads.replace("{count}", count).replace("{size}", size)));
      lines.push(element("span", "macs", macs));
    }
    const box = element("div", "box");
    box.style.height = `${scale.tall}px`;
    if (rows) box.innerHTML = drawing(kind, channels * scale.channel, rows * scale.side, columns * scale.side, count);
    else box.textContent = SIGNS[kind] ?? "";
    const whole = element("div", `step ${kind}`, box, element("div", "words", ...lines));
    whole.style.width = `${room(volume, scale, isNamed)}px`;
    whole.style.setProperty("--top", `${scale.tall - 22}px`);
    if (!isNamed) {
      whole.classList.add("unnamed");
      whole.title = lines.map((line) => line.textContent).join(", ");
    }
    return whole;
  }

  // Bars and grid -------------------------------------------------------------------------------------------------

  bars({ label, names, kinds, beside }) {
    this.lines = names.map((name) => {
      const [track, number] = [element("div", "stack"), element("span", "number")];
      return { track, number, cells: [element("span", "", name), track, number] };
    });
    const key = Object.entries(kinds).map(([kind, name]) => element("span", `kind ${kind}`, name));
    const legend = element("p", "legend", ...key, element("span", "kind beside", beside));
    const rows = element("div", "rows", ...this.lines.flatMap(({ cells }) => cells));
    return element("figure", "blocks", element("figcaption", "", label), rows, legend);
  }

  lengths(bars) {
    bars.forEach(({ parts, beside, number }, i) => {
      const { track, number: place } = this.lines[i];
      while (track.children.length < parts.length + 1) track.append(element("i", ""));
      [...track.children].forEach((piece, n) => {
        const [kind, part] = n < parts.length ? parts[n] : ["beside", beside];
        piece.className = `kind ${kind}`;
        piece.style.setProperty("--part", part);
      });
      place.textContent = number;
    });
  }

  grid({ label, picture, alt, width, height }) {
    const image = element("img", "");
    Object.assign(image, { src: picture, alt });
    const cover = element("div", "cover");
    cover.innerHTML = `<svg viewBox="0 0 ${+width} ${+height}" aria-hidden="true"><rect class="mark"/></svg>`;
    this.mark = cover.querySelector("rect");
    return element("figure", "grid", element("figcaption", "", label), element("div", "sheet", image, cover));
  }

  place([x, y, width, height]) {
    const sizes = { x, y, width, height, rx: width < 30 ? width / 2 : 3 };
    for (const [name, value] of Object.entries(sizes)) this.mark.setAttribute(name, value);
  }
}

function element(kind, name, ...children) {
  const made = document.createElement(kind);
  if (name) made.className = name;
  made.append(...children);
  return made;
}

function isNamed(place, steps, { few }) {
  return !few || place < 2 || place === steps.length - 1;
}

/** Pixels of the width of a box with its words. */
function room([kind, channels, , columns, count], { side, channel, words }, isNamed) {
  const boxes = Math.max(channels * channel, LEAST) + Math.max(columns * side, LEAST) * SKEW + 2;
  return Math.max(boxes + (kind === "maps" ? 0 : 4 * (Math.min(count, 3) - 1)), isNamed ? words : 8);
}

/** A box seen from the front and a little from above and from the right; several of them, where there are several. */
function drawing(kind, length, rows, columns, count) {
  const [wide, tall] = [Math.max(length, LEAST), Math.max(rows, LEAST)];
  const back = Math.max(columns, LEAST) * SKEW;
  const shown = kind === "maps" ? 1 : Math.min(count, 3);
  const shift = 4 * (shown - 1);
  const [width, height] = [wide + back + shift + 2, tall + back + shift + 2];
  const boxes = Array.from({ length: shown }, (_, i) => {
    const [x, y] = [1 + shift - 4 * i, 1 + 4 * i];
    const far = `l${back} ${-back}`;
    return (
      `<path class="top" d="M${x} ${y + back}${far}h${wide}l${-back} ${back}z"/>` +
      `<path class="end" d="M${x + wide} ${y + back}${far}v${tall}l${-back} ${back}z"/>` +
      `<path class="front" d="M${x} ${y + back}h${wide}v${tall}h${-wide}z"/>`
    );
  });
  return `<svg width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" aria-hidden="true">${boxes.join("")}</svg>`;
}
