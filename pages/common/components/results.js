// What is shown beside the sliders: readings with bars, convolutions as volumes, bars of blocks, lines, and a
// mark on a grid.
// Every number and every word comes from the server; here is only where they stand.

const TALL = 58; // pixels of the longest side of maps
const LOW = 34; // on a phone
const NARROW = 480;
const SKEW = 0.38; // of a side that goes to the back
const LEAST = 1.5; // pixels of what would be too thin to be seen
const WORDS = [76, 66, 58]; // pixels for what is written below a box: the first that has room for all
const [GAP, NARROW_GAP] = [15, 10]; // pixels between boxes, for an arrow
const [UNNAMED, LEANING] = ["unnamed", "leaning"];
const SIGNS = { shuffle: "⤨" };

class Results {
  look = "";
  width = 560;
  large = 1; // how much larger than usual type is

  constructor(element, below) {
    this.element = element;
    this.below = below; // the sliders; there is a picture that need not stay in view
    new ResizeObserver(([{ contentRect }]) => {
      const large = parseFloat(getComputedStyle(document.documentElement).fontSize) / 16;
      if (!contentRect.width || (Math.abs(contentRect.width - this.width) < 2 && large === this.large)) return;
      this.width = contentRect.width;
      this.large = large;
      if (this.frame) this.draw(this.frame);
    }).observe(element);
  }

  /** Makes room for what is the same in all frames. */
  describe(look) {
    const said = JSON.stringify(look);
    if (said === this.look) return;
    this.look = said;
    this.words = look;
    const parts = [this.readings(look)];
    if (look.sides) parts.push(this.chains(look));
    if (look.bars) parts.push(this.bars(look.bars));
    this.curves = look.curves && new Curves(look.curves);
    if (this.curves) parts.push(this.curves.element);
    this.below.replaceChildren(...(look.grid ? [this.grid(look.grid)] : []));
    this.refusal = element("p", "refused");
    this.refusal.setAttribute("role", "alert");
    this.spoken = element("p", "spoken");
    this.spoken.setAttribute("aria-live", "polite");
    this.shown = element("div", "shown", ...parts);
    this.element.replaceChildren(this.refusal, this.shown, this.spoken);
    this.shown.classList.toggle("lined", Boolean(this.curves));
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
    write(this.refusal, frame.refused ?? "");
    if (frame.refused) return;
    frame.readings.forEach((reading, i) => this.reading(this.numbers[i], reading));
    if (frame.chains) this.volumes(frame.chains);
    if (frame.bars) this.lengths(frame.bars);
    if (frame.curves) this.curves.draw(frame.curves, this.width, this.large);
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
    write(value, number);
    write(note, beside);
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
      const row = this.rows[i];
      const made = steps.map((step, n) => shape(step, naming(n, steps, scale)));
      if (String(made) !== row.made) {
        row.made = String(made);
        row.boxes = made.map((of) => this.step(of));
        row.steps.replaceChildren(...row.boxes.map(({ whole }) => whole));
        row.whole.classList.toggle("joined", joined === "add");
      }
      row.steps.style.gap = `${scale.gap}px`;
      steps.forEach((step, n) => this.size(row.boxes[n], step, scale));
    });
  }

  /** Pixels a row, a channel and for words, the same for all boxes; where there is no room, `naming` says whose. */
  scale(chains) {
    const { large } = this;
    const tall = (this.width < NARROW ? LOW : TALL) * large;
    const boxes = chains.flat().filter(([, , rows]) => rows);
    const side = Math.min(tall / Math.max(...boxes.flatMap(([, , rows, columns]) => [rows, columns])), 9 * large);
    const most = Math.min((2 * tall) / Math.max(...boxes.map(([, channels]) => channels)), 9 * large);
    const named = WORDS.map((words) => ({ words: words * large, few: false, gap: GAP }));
    const widths = [...named, { ...named.at(-1), few: true, gap: NARROW_GAP }];
    const has = (channel) => (words) => chains.every((steps) => this.fits(steps, { side, channel, ...words }));
    const words = widths.find(has(most / 4)) ?? widths.at(-1);
    let channel = most;
    for (let tries = 0; tries < 24 && !has(channel)(words); tries++) channel *= 0.85;
    return { side, channel, ...words, tall: tall * (1 + SKEW) + 12 };
  }

  fits(steps, scale) {
    const widths = steps.map((step, n) => room(step, scale, naming(n, steps, scale)));
    return widths.reduce((sum, width) => sum + width, 0) + scale.gap * (steps.length - 1) <= this.width - 4;
  }

  /** A box with its words, which are both still empty. */
  step([kind, shown, naming]) {
    const paths = Array.from({ length: shown }, () => ["top", "end", "front"].map((side) => vector("path", side))).flat();
    const picture = vector("svg", "", ...paths);
    picture.setAttribute("aria-hidden", "true");
    const box = element("div", "box", shown ? picture : (SIGNS[kind] ?? ""));
    const lines = kind === "maps" ? ["size"] : shown ? ["title", "reads", "macs"] : ["title"];
    const words = Object.fromEntries(lines.map((name) => [name, element("span", name)]));
    const whole = element("div", `step ${kind}`, box, element("div", "words", ...Object.values(words)));
    if (naming) whole.classList.add(naming);
    return { whole, box, picture, paths, words, naming };
  }

  /** Gives a box its size and its words. */
  size({ whole, box, picture, paths, words, naming }, step, scale) {
    const [kind, channels, rows, columns, count, title, macs] = step;
    whole.style.width = `${room(step, scale, naming)}px`;
    whole.style.setProperty("--top", `${scale.tall - 22}px`);
    box.style.height = `${scale.tall}px`;
    if (kind === "maps") write(words.size, `${channels}×${rows}×${columns}`);
    else write(words.title, title);
    if (words.reads) {
      const reads = `${rows}×${columns}×${channels}`;
      write(words.reads, this.words.reads.replace("{count}", count).replace("{size}", reads));
      write(words.macs, macs);
    }
    if (naming === UNNAMED) whole.title = Object.values(words).map((line) => line.textContent).join(", ");
    if (paths.length) drawing(picture, paths, channels * scale.channel, rows * scale.side, columns * scale.side);
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
      write(place, number);
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

function vector(kind, name, ...children) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", kind);
  if (name) made.setAttribute("class", name);
  made.append(...children);
  return made;
}

/** Text that is only written where it is another one, for then the browser lays it out anew. */
function write(place, text) {
  if (place.textContent !== text) place.textContent = text;
}

/** All by which boxes differ but for their sizes: the kind, how many are drawn of it, and where their words stand. */
function shape([kind, , rows, , count], naming) {
  return [kind, rows && (kind === "maps" ? 1 : Math.min(count, 3)), naming];
}

/** Where the words of a box stand: below it; where there is no room, those of kernels begin below the maps before. */
function naming(place, steps, { few }) {
  if (!few || place < 2 || place === steps.length - 1) return "";
  return steps[place][0] === "maps" ? UNNAMED : LEANING;
}

/** Pixels of the width of a box with its words. */
function room([kind, channels, , columns, count], { side, channel, words }, naming) {
  const boxes = Math.max(channels * channel, LEAST) + Math.max(columns * side, LEAST) * SKEW + 2;
  const least = { [UNNAMED]: words * 0.46, [LEANING]: words * 0.28 }; // with two gaps, room for words of a kernel
  return Math.max(boxes + (kind === "maps" ? 0 : 4 * (Math.min(count, 3) - 1)), least[naming] ?? words);
}

/** A box seen from the front and a little from above and from the right; several of them, where there are several. */
function drawing(picture, paths, length, rows, columns) {
  const [wide, tall] = [Math.max(length, LEAST), Math.max(rows, LEAST)];
  const back = Math.max(columns, LEAST) * SKEW;
  const shift = 4 * (paths.length / 3 - 1);
  const [width, height] = [wide + back + shift + 2, tall + back + shift + 2];
  for (const [name, value] of Object.entries({ width, height, viewBox: `0 0 ${width} ${height}` })) {
    picture.setAttribute(name, value);
  }
  const far = `l${back} ${-back}`;
  paths.forEach((path, i) => {
    const [x, y] = [1 + shift - 4 * Math.floor(i / 3), 1 + 4 * Math.floor(i / 3) + back];
    const sides = [
      `M${x} ${y}${far}h${wide}l${-back} ${back}z`,
      `M${x + wide} ${y}${far}v${tall}l${-back} ${back}z`,
      `M${x} ${y}h${wide}v${tall}h${-wide}z`,
    ];
    path.setAttribute("d", sides[i % 3]);
  });
}
