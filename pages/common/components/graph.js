// A layer graph as SVG that can be dragged, zoomed, opened and pointed at. Where things stand is decided in Python.
// graph.pen.js and graph.overview.js stand before this file where it is mounted.

const SVG = "http://www.w3.org/2000/svg";
const MARGIN = 16; // pixels between the drawing and the edge of the canvas
const DISTANCE = 12; // … between a tooltip and its box
const EDGE = 8; // … and the edge of the window
const TITLE = 14; // font sizes and distances below are in the drawing's units: pixels at zoom 1
const TEXT = 12;
const LINE = 16; // from one line of text to the next
const PAD = 10; // between a box and its text
const BESIDE_PICTURE = 7; // from a picture to the text
const KNOB = 9; // radius of the button that opens and closes
const CORNER = 7; // radius of rounded boxes and lines
const READABLE = 11 / TEXT; // zoom at which the smallest text has 11 pixels
const LEGIBLE = 9; // pixels that a text needs
const NAMES_ONLY = 8.5 / TEXT; // zoom below which boxes show their names alone, and larger
const NAME = 11; // pixels that these names would like to have
const MOST_GROWN = 2.8; // times the usual size of a name
const [LEAST, LARGEST, LARGEST_FIRST, LARGEST_INTO] = [0.02, 4, 2.75, 1.5];
const OTHER_SHAPE = 1.6; // times wider or narrower than the canvas, from which on another drawing is asked for
const VIEW = "convscope.graph.view"; // how canvases that move together tell each other
const DRAWER = "convscope.drawer"; // how a drawer tells that it stands over a part of the page: drawer.js
const STEP = 1.35; // of the zoom buttons
const LEAST_FREE = 120; // pixels beside a drawer that a box can be brought to
const DRAG = { mouse: 4, pen: 6, touch: 9 }; // pixels that a click may tremble
const REACH = { mouse: 13, pen: 14, touch: 17 }; // pixels around the middle of a knob that belong to it
const PATIENCE = 2000; // milliseconds that an answer may take before the next thing is asked
const SCROLLED = 250; // … after which the page has scrolled to the canvas
const SETTLING = 1500; // milliseconds in which a window that becomes full is still growing
const ARROWS = { ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] };

const canvases = new WeakMap(); // frame -> Canvas. Streamlit calls again and again; the view and what is in it must outlive that.

export default function ({ parentElement, data, setTriggerValue }) {
  const frame = parentElement.querySelector(".frame");
  if (!canvases.has(frame)) canvases.set(frame, new Canvas(frame));
  canvases.get(frame).update(data, setTriggerValue);
}

/** What of the data is seen on the canvas. */
const drawnOf = ({ boxes, lines, looks, header, legend }) => JSON.stringify([boxes, lines, looks, header, legend]);

const clamp = (value, low, high) => Math.max(low, Math.min(value, high));
const apart = (one, other) => Math.max(one / other, other / one); // how many times one is larger than the other
const calm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

function element(name, attributes = {}, ...children) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

class Canvas {
  boxes = new Map(); // id -> box, in the order of the drawing
  lines = [];
  zoom = 1;
  x = 0; // where the drawing's corner is on the canvas
  y = 0;
  width = 0; // of the canvas, 0 while it is hidden
  height = 0;
  selected = null;
  hovered = null;
  cursor = null; // where the keyboard is
  toggled = null; // asked to be opened or closed, and not yet answered
  sent = []; // selections that Python has not answered yet
  waitingList = []; // what is to be asked after that
  pointers = new Map();
  presented = false; // whether the page is
  settling = 0; // until when it grows or shrinks for that
  gliding = 0; // the frame in which the view goes on gliding, if it does
  aim = null; // what finds the way anew, where it glides to something in the drawing
  leads = false; // whether what moves with this canvas has to follow it

  constructor(frame) {
    this.frame = frame;
    this.stage = frame.parentElement;
    for (const part of ["canvas", "view", "frames", "lines", "lit", "boxes", "headers", "rings", "toolbar", "tooltip", "note"]) {
      this[`${part}Part`] = frame.querySelector(`.${part}`);
    }
    this.legendPart = frame.nextElementSibling;
    const go = (x, y) => {
      this.leads = true;
      this.stop();
      this.hide();
      [this.x, this.y] = [this.width / 2 - x * this.zoom, this.height / 2 - y * this.zoom];
      this.show();
    };
    this.overview = new Overview(frame.querySelector(".overview"), go, () => this.free(), (...area) => this.isOver(...area));
    const canvas = this.canvasPart;
    const on = (type, listener, options) => canvas.addEventListener(type, (event) => listener.call(this, event), options);
    on("pointerdown", this.press);
    on("pointermove", this.move);
    on("pointerup", this.release);
    on("pointercancel", this.release);
    on("pointerleave", (event) => event.pointerType !== "touch" && this.hover(null));
    on("click", this.click);
    on("wheel", this.wheel, { passive: false });
    on("keydown", this.key);
    on("focus", () => canvas.matches(":focus-visible") && this.walk(this.cursor));
    on("blur", () => this.leave());
    this.toolbarPart.addEventListener("click", (event) => {
      const button = event.target.closest("button");
      this.leads = true;
      if (button?.matches(".whole")) this.fit();
      else if (button?.matches(".full")) this.fill();
      else if (button) this.zoomTo(this.zoom * (button.matches(".closer") ? STEP : 1 / STEP), this.middle(), true);
    });
    this.follow = () => {
      if (!frame.isConnected) return removeEventListener("scroll", this.follow, true);
      this.hide();
    };
    this.notePart.querySelector("button").addEventListener("click", () => {
      this.fitting = true; // what is left
      this.ask("shrink", null);
    });
    const filled = () => (frame.isConnected ? this.filled() : document.removeEventListener("fullscreenchange", filled));
    document.addEventListener("fullscreenchange", filled);
    this.listen = (event) => {
      if (!frame.isConnected) return removeEventListener(VIEW, this.listen);
      const { detail } = event;
      if (detail.from !== this && detail.group && detail.group === this.data?.together) this.goAlong(detail);
    };
    addEventListener(VIEW, this.listen);
    const covered = () => (frame.isConnected ? this.uncover() : removeEventListener(DRAWER, covered));
    addEventListener(DRAWER, covered);
    new ResizeObserver(() => this.resize()).observe(frame);
  }

  // Data -----------------------------------------------------------------------------------------------------------

  update(data, setTriggerValue) {
    this.setTriggerValue = setTriggerValue; // a new one each time: it knows the fragment to rerun
    if (data !== this.said) this.renew(this.agreed(data));
    this.said = data;
    this.paint();
    this.answer();
  }

  /** What Python says, with the drawing that is here already while Python has not heard yet what changed it. */
  agreed(data) {
    const { foreseen } = this;
    if (foreseen && performance.now() < foreseen.until && drawnOf(data) === foreseen.before) return { ...data, ...foreseen.next };
    this.foreseen = null;
    return data;
  }

  renew(data) {
    const before = this.data;
    this.data = data;
    const { frame, canvasPart } = this;
    frame.style.setProperty("--height", data.height);
    canvasPart.setAttribute("aria-label", data.words.canvas);
    frame.querySelector("#hint").textContent = data.words.hint;
    for (const [name, word] of [["closer", "zoom_in"], ["farther", "zoom_out"], ["whole", "fit"], ["full", "full"]]) {
      const button = frame.querySelector(`.${name}`);
      button.title = data.words[word];
      button.setAttribute("aria-label", data.words[word]);
    }
    frame.querySelector(".full").hidden = !document.fullscreenEnabled;
    this.overview.part.setAttribute("aria-label", data.words.overview);
    this.notePart.querySelector("button").textContent = data.words.shrink;

    const drawn = drawnOf(data);
    const redrawn = drawn !== this.drawn;
    this.drawn = drawn;
    const old = this.boxes;
    if (redrawn) this.draw(data);
    this.answered = redrawn ? this.toggled : null;
    if (redrawn) this.waiting(null);

    const elsewhere = data.selected !== before?.selected && !this.sent.includes(data.selected);
    this.sent = elsewhere ? [] : this.sent.slice(this.sent.indexOf(data.selected) + 1);
    if (!this.sent.length) this.selected = data.selected; // or else the answer to a later click is on its way
    this.measure();
    if (redrawn && this.width) this.settle(old, before && data.aspect !== before.aspect);
    if (elsewhere && before && this.boxes.has(data.selected)) this.reveal(this.boxes.get(data.selected), "middle");
    this.mark();
    this.show();
    this.reshape();
  }

  /** One thing after the other: of two that reach a running script, Streamlit would forget the first. */
  ask(kind, id) {
    if (kind === "select") this.waitingList = this.waitingList.filter((asked) => asked.kind !== "select");
    this.waitingList.push({ kind, id });
    if (!this.unanswered) this.answer();
  }

  answer() {
    clearTimeout(this.unanswered);
    if ("leaving" in document.documentElement.dataset) this.waitingList = []; // arrival.leaving.js
    const next = this.waitingList.shift();
    this.unanswered = next && setTimeout(() => this.answer(), PATIENCE);
    if (next) this.setTriggerValue("asked", next);
  }

  select(id) {
    this.selected = id;
    this.sent.push(id);
    this.mark(); // at once; Python will agree in a fifth of a second
    this.ask("select", id);
  }

  toggle(box) {
    if (!box?.openable) return;
    this.hide();
    this.waiting(box.id);
    const next = this.foresight(box.id);
    if (next) {
      this.foreseen = { before: this.drawn, next, until: performance.now() + PATIENCE };
      this.renew({ ...this.data, ...next }); // at once; Python will agree
      this.paint();
    }
    this.ask("toggle", box.id);
  }

  /** What it looks like when this block is turned, if that has been sent: see foresight.js. */
  foresight(id) {
    const known = globalThis.convscopeForesight?.get(this.data.name);
    const open = this.frames.map((box) => box.id).sort();
    return known && JSON.stringify([...known.opened].sort()) === JSON.stringify(open) ? known.drawings[id] : undefined;
  }

  waiting(id) {
    this.boxes.get(this.toggled)?.part.classList.remove("waiting");
    this.toggled = id;
    this.boxes.get(id)?.part.classList.add("waiting");
  }

  // Drawing --------------------------------------------------------------------------------------------------------

  draw(data) {
    const { id, corner, texts, label, state, count, look, twin, room = [], picture = [] } = data.boxes;
    const list = id.map((name, i) => {
      const [x, y, width, height] = corner[i];
      const box = { id: name, number: i, x, y, width, height, texts: texts[i], label: label[i], count: count[i], twin: twin[i] };
      Object.assign(box, { room: room[i] ?? 0, picture: picture[i], start: PAD }); // where its texts begin
      return Object.assign(box, { open: state[i] === 2, openable: state[i] > 0, look: data.looks[look[i]], stuck: y, in: [], out: [] });
    });
    this.list = list;
    this.boxes = new Map(list.map((box) => [box.id, box]));
    this.pen = new Pen(getComputedStyle(this.canvasPart).fontFamily);
    this.dark = undefined; // everything is to be painted anew

    const frames = document.createDocumentFragment();
    const boxes = document.createDocumentFragment();
    const headers = document.createDocumentFragment();
    this.frames = []; // open blocks, each with the block that it stands in
    const around = []; // open blocks that may hold the next box
    for (const box of list) {
      while (around.length && !holds(around.at(-1), box)) around.pop();
      box.parent = around.at(-1) ?? null;
      if (box.open) {
        around.push(box);
        this.frames.push(box);
        frames.append(this.frameOf(box));
        headers.prepend(this.headerOf(box, data)); // below those of the blocks around it, under which it slides
      } else boxes.append(this.boxOf(box, data));
      box.part.setAttribute("role", "button");
      box.part.setAttribute("aria-label", box.label);
      if (box.openable) box.part.setAttribute("aria-expanded", box.open);
    }
    this.framesPart.replaceChildren(frames);
    this.boxesPart.replaceChildren(boxes);
    this.headersPart.replaceChildren(headers);
    this.drawLines(data.lines);
    this.drawLegend(data);
    this.overview.draw(data.size, list, data.looks);
    if (document.fonts.status !== "loaded") {
      document.fonts.ready.then(() => data === this.data && (this.draw(data), this.paint(), this.mark(), this.show()));
    }
  }

  drawLines({ ends, points, implied }) {
    const hidden = new Set(implied);
    const drawn = document.createDocumentFragment();
    this.lines = ends.map(([from, to], i) => {
      const source = this.list[from];
      const target = this.list[to];
      const enters = holds(source, target); // from the upper edge of a block to what stands in it
      const leaves = holds(target, source); // … to the lower edge of its block
      const line = { source, target, enters, leaves, points: points[i], implied: hidden.has(i) };
      line.path = path(points[i], !leaves);
      if (!line.implied) drawn.append(element("path", { d: line.path }));
      source?.out.push(line);
      target?.in.push(line);
      return line;
    });
    this.linesPart.replaceChildren(drawn);
    for (const box of this.list) box.spine = spine(box);
  }

  drawLegend({ legend, looks }) {
    this.colours = legend.map(([text, light, dark, edge]) => {
      const face = element("rect", { class: "face", x: 1, y: 1, width: 12, height: 12, rx: 3, ...edged(edge) });
      const swatch = element("svg", { viewBox: "0 0 14 14", "aria-hidden": true }, face);
      const hatched = looks.some((look) => look[4] && !edge && look[0] === light && look[1] === dark);
      if (hatched) swatch.append(hatching({ x: 0.5, y: 0.5, width: 13, height: 13, rx: 3 }));
      const item = document.createElement("li");
      item.append(swatch, text);
      return { item, face, look: [light, dark] };
    });
    this.legendPart.replaceChildren(...this.colours.map(({ item }) => item));
    this.legendPart.hidden = !legend.length;
  }

  /** The ground of an open block; its header lies above everything that stands in it. */
  frameOf(box) {
    const { x, y, width, height } = box;
    box.ground = element("rect", { class: "face", x, y, width, height, rx: CORNER, ...edged(box.look[5]) });
    return element("g", { class: "item", "data-box": box.number }, box.ground);
  }

  headerOf(box, data) {
    const { width } = box;
    const height = data.header;
    box.face = element("path", { class: "face", d: tab(width, height), ...edged(box.look[5]) });
    const room = width - 3 * PAD - 2 * KNOB;
    box.words = element("g", {}, ...this.textsOf(box, [box.texts[0]], room, height / 2, "title", [width - 2 * PAD, height / 2, height]));
    const asides = this.asides(box, width, height);
    box.words.append(...asides);
    const written = [this.pen.width(box.texts[0], TITLE), ...asides.map((text) => this.pen.width(text.textContent, TEXT))];
    box.slack = Math.max(0, width - 3 * PAD - 2 * KNOB - written.reduce((sum, one) => sum + one + PAD));
    box.knob = { x: width - PAD - KNOB, y: height / 2 };
    box.button = this.buttonOf(box);
    box.part = element("g", { class: "item", id: `box-${box.number}`, "data-box": box.number, "data-header": "" });
    box.part.append(box.face, ...(box.look[4] ? [hatching({ width, height, rx: CORNER })] : []), box.words, box.button);
    return box.part;
  }

  /** What is left of the texts, behind the title if there is room: all of them, or the first. */
  asides(box, width, height) {
    const start = box.start + this.pen.width(box.texts[0], TITLE) + PAD * 0.8;
    const room = width - start - PAD / 2 - (box.openable ? PAD + 2 * KNOB : 0);
    const fits = (text) => text && this.pen.width(text, TEXT) <= room;
    const rest = [box.texts.slice(1).filter(Boolean).join(" · "), box.texts[1]].find(fits);
    if (!rest) return [];
    return [element("text", { class: "quiet", x: start, y: height / 2 + 0.5 }, rest)];
  }

  boxOf(box) {
    const { x, y, width, height } = box;
    const [title, subtitle, note] = box.texts;
    box.part = element("g", { class: "item", id: `box-${box.number}`, "data-box": box.number, transform: `translate(${x} ${y})` });
    box.cards = [2, 1].slice(0, box.count > 1 ? 2 : 0).map((i) => // a fold looks like a stack of cards
      element("rect", { class: "face", x: 5 * i, y: 4 * i, width: width - 10 * i, height, rx: CORNER }));
    box.face = element("rect", { class: "face", width, height, rx: CORNER, ...edged(box.look[5]) });
    box.part.append(...box.cards, box.face, ...(box.look[4] ? [hatching({ width, height, rx: CORNER })] : []));

    if (box.room) box.part.append(pictureOf(box));
    const room = width - box.start - PAD;
    const rows = Math.max(1, Math.floor((height - 6) / LINE)); // of text that the box is high enough for
    const rest = [subtitle, note].filter(Boolean);
    const shared = rest.length === 2 && rows === 2 ? [rest] : rest.slice(0, rows - 1).map((text) => [text]);
    let middle = height / 2 - (LINE / 2) * shared.length;
    const beside = box.openable ? 2 * KNOB + PAD / 2 : 0;
    box.knob = { x: width - PAD / 2 - KNOB - 1, y: middle };
    box.part.append(...this.textsOf(box, [title], room - beside, middle, "title", [room - beside, height / 2, height]));
    if (rows === 1) box.part.append(...this.asides(box, width, height));
    for (const row of shared) {
      middle += LINE;
      box.part.append(...this.textsOf(box, row, room, middle, "quiet"));
    }
    if (box.openable) box.part.append((box.button = this.buttonOf(box)));
    return box.part;
  }

  /** One row of text, cut to the room there is; a second text stands at its right end.
   *
   * A name can grow where it stands alone: as much as its room and the height of its box allow, in their middle.
   */
  textsOf(box, [first, second], room, y, kind = "title", [space, alone, height] = []) {
    const size = kind === "title" ? TITLE : TEXT;
    const right = second ? this.pen.width(second, size) + PAD / 2 : 0;
    const cut = this.pen.cut(first, size, Math.max(room - right, room / 3));
    const made = [element("text", { class: kind, x: box.start, y }, cut)];
    if (height) {
      box.most = Math.max(1, Math.min(space / Math.max(1, this.pen.width(cut, size)), (height - 2) / (1.02 * size)));
      made[0].style.setProperty("--most", box.most.toFixed(2));
      made[0].style.setProperty("--drop", `${alone - y}px`);
    }
    if (second) {
      const left = room - this.pen.width(cut, size) - PAD / 2;
      made.push(element("text", { class: kind, x: box.start + room, y, "text-anchor": "end" }, this.pen.cut(second, size, left)));
    }
    return made;
  }

  buttonOf(box) {
    const { x, y } = box.knob;
    const sign = box.open ? "M-4 0h8" : "M-4 0h8M0 -4v8";
    return element(
      "g",
      { class: "toggle", transform: `translate(${x} ${y})`, "aria-hidden": true },
      element("circle", { class: "knob", r: KNOB - 1 }),
      element("path", { class: "sign", d: sign }),
    );
  }

  /** Colours of the theme that the page has now. */
  paint() {
    const dark = luminance(getComputedStyle(this.frame).backgroundColor) < 0.5;
    if (dark === this.dark) return;
    this.dark = dark;
    const give = (part, name, value) => (value ? part?.setAttribute(name, value) : part?.removeAttribute(name));
    this.overview.paint(dark);
    for (const { look, part, face, ground, cards } of [...this.list, ...this.colours]) {
      for (const area of [face, ground, ...(cards ?? [])]) give(area, "fill", look[dark ? 1 : 0]);
      give(part, "color", look[dark ? 3 : 2]);
    }
  }

  /** Rings around what is selected, found and reached by the keyboard; lines of what is looked at. */
  mark() {
    const ring = (box, kind, distance) => {
      const { x, width } = box;
      const y = box.open && kind === "cursor" ? box.stuck : box.y;
      const height = box.open && kind === "cursor" ? this.data.header : box.height;
      const place = { x: x - distance, y: y - distance, width: width + 2 * distance, height: height + 2 * distance };
      return element("rect", { class: kind, ...place, rx: CORNER + distance });
    };
    const found = (ids, kind, distance) =>
      ids.filter((id) => this.boxes.has(id)).map((id) => ring(this.boxes.get(id), kind, distance));
    const walking = this.walking ? [this.cursor] : [];
    this.ringsPart.replaceChildren(
      ...found([this.twin], "twin", 5.5),
      ...found([this.selected], "selected", 2.5),
      ...found(walking, "cursor", 5.5),
    );
    if (this.pressed !== this.selected) this.boxes.get(this.pressed)?.part.removeAttribute("aria-pressed");
    this.boxes.get(this.selected)?.part.setAttribute("aria-pressed", true);
    this.pressed = this.selected;

    const lit = new Set();
    for (const id of [this.selected, this.hovered, ...walking]) {
      const box = this.boxes.get(id);
      for (const line of box?.in ?? []) if (!(box.open && line.leaves)) backwards(line, lit);
      for (const line of box?.out ?? []) if (!(box.open && line.enters)) forwards(line, lit);
    }
    this.litPart.replaceChildren(
      ...[...lit].map((line) => element("path", { d: line.path, ...(line.implied && { class: "implied" }) })),
    );
  }

  // View -----------------------------------------------------------------------------------------------------------

  measure() {
    this.width = this.frame.clientWidth;
    this.height = this.frame.clientHeight;
  }

  resize() {
    const { width, height } = this;
    this.measure();
    if (!this.data || !this.width || (width === this.width && height === this.height)) return;
    const isReshaped = !this.full && apart(this.width / this.height, this.openedFor) >= OTHER_SHAPE;
    if (!width || !this.opened || isReshaped) this.open();
    else {
      this.x += (this.width - width) / 2;
      this.y += (this.height - height) / 2;
    }
    const presented = "presenting" in document.documentElement.dataset;
    if (presented !== this.presented) [this.presented, this.settling] = [presented, performance.now() + SETTLING];
    if (performance.now() < this.settling) this.fit();
    this.show();
    this.reshape();
  }

  /** The zoom at which this part of the drawing, by default all of it, fills so much of the canvas, by default all of it. */
  filling([width, height] = this.data.size, [wide, high] = [this.width, this.height]) {
    return Math.min((wide - 2 * MARGIN) / width, (high - 2 * MARGIN) / height, LARGEST_FIRST);
  }

  /** How large the names of most boxes are at this zoom, in pixels: nine of ten have more. */
  namesAt(zoom, boxes = this.list) {
    const grown = this.grown(zoom);
    const sizes = boxes.map((box) => TITLE * zoom * Math.min(grown, box.most)).sort((a, b) => a - b);
    return sizes[Math.floor(sizes.length / 10)] ?? TITLE * zoom;
  }

  /** How many times as large as usual names are at this zoom. */
  grown(zoom) {
    return zoom < NAMES_ONLY ? clamp(Math.ceil((10 * NAME) / (TITLE * zoom)) / 10, 1, MOST_GROWN) : 1;
  }

  /** Everything, if it can be read; or else at a size that can be read, from the top. */
  open() {
    [this.opened, this.openedFor] = [true, this.width / this.height];
    const [width, height] = this.data.size;
    const room = this.width - 2 * MARGIN;
    this.zoom = this.filling();
    [this.x, this.y] = [(this.width - width * this.zoom) / 2, (this.height - height * this.zoom) / 2];
    if (this.namesAt(this.zoom) < LEGIBLE) {
      this.zoom = room / width >= READABLE ? Math.min(room / width, 1) : READABLE;
      const spare = room - width * this.zoom;
      const centred = this.width / 2 - (this.inOrder()[0]?.spine ?? width / 2) * this.zoom;
      this.x = spare >= 0 ? MARGIN + spare / 2 : clamp(centred, MARGIN + spare, MARGIN);
      this.y = MARGIN;
    }
    this.uncover(false);
  }

  /** What is selected comes to where no drawer stands over it, and the tooltip goes. */
  uncover(gliding = true) {
    const box = this.boxes.get(this.selected);
    if (!box || !this.width) return;
    if (!this.walking) this.hide();
    const isOver = document.querySelector('.st-key-drawer[data-place="over"]');
    if (isOver) keepInView(this.frame, "start", "instant"); // keeping.js
    const reveal = () => {
      if (this.selected !== box.id) return;
      this.reveal(this.boxes.get(box.id) ?? box, "middle", gliding);
      this.show();
    };
    if (isOver) setTimeout(reveal, SCROLLED);
    else reveal();
  }

  /** Whether a closed box, the header of an open one or the note stands in this part of the canvas. */
  isOver(left, top, right, bottom) {
    const { zoom, notePart } = this;
    const meets = (x, y, width, height) => x < right && x + width > left && y < bottom && y + height > top;
    const { offsetLeft, offsetTop, offsetWidth, offsetHeight } = notePart;
    if (!notePart.hidden && meets(offsetLeft, offsetTop, offsetWidth, offsetHeight)) return true;
    return this.list.some((box) => {
      const [x, y] = [this.x + box.x * zoom, this.y + (box.open ? box.stuck : box.y) * zoom];
      return meets(x, y, box.width * zoom, this.depth(box) * zoom);
    });
  }

  /** After the drawing has changed: what was toggled stays where it is and then fills the view.
   *
   * Where nothing was toggled, such as by another colour, what is in the middle of the view stays there. What was made for
   * another shape is looked at from its beginning.
   */
  settle(old, isReshaped) {
    if (!this.opened || isReshaped) return this.open();
    const stays = (id) => old.has(id) && this.boxes.has(id);
    const turned = this.list.filter((box) => stays(box.id) && old.get(box.id).open !== box.open);
    const toggled = this.boxes.get(this.answered) ?? (turned.length === 1 ? turned[0] : null);
    const distance = ({ x, width, y, height }) =>
      Math.hypot(this.x + (x + width / 2) * this.zoom - this.width / 2, this.y + (y + height / 2) * this.zoom - this.height / 2);
    let anchor = toggled && stays(toggled.id) ? old.get(toggled.id) : null;
    for (const box of anchor ? [] : old.values()) {
      if (stays(box.id) && (!anchor || distance(box) < distance(anchor))) anchor = box;
    }
    if (!anchor) return this.open(); // another network
    const now = this.boxes.get(anchor.id);
    this.x += (anchor.spine - now.spine) * this.zoom;
    this.y += (anchor.stuck - now.y) * this.zoom;
    if (!calm()) this.appear(old);
    if (!this.boxes.has(this.cursor)) this.cursor = anchor.id;
    if (this.fitting || turned.length > 1) this.fit();
    else if (toggled) this.zoomInto(toggled.open ? toggled : toggled.parent);
    else this.aim?.(); // the server lays the drawing out otherwise than was foreseen, while the view still glides
    this.fitting = false;
  }

  /** A block fills the view, or as much of its beginning as can be read; without a block the whole network does. */
  zoomInto(box) {
    if (!box) return this.fit();
    const again = () => this.zoomInto(this.boxes.get(box.id));
    const inside = this.list.filter((other) => other !== box && holds(box, other));
    const [wide, high] = this.free();
    const zoom = Math.min(this.filling([box.width, box.height], [wide, high]), LARGEST_INTO);
    if (this.namesAt(zoom, inside) >= LEGIBLE) {
      const x = wide / 2 - (box.x + box.width / 2) * zoom;
      return this.glide(zoom, x, high / 2 - (box.y + box.height / 2) * zoom, again);
    }
    const [width, height] = [box.width * READABLE, box.height * READABLE];
    const at = (start, length, room) => (length < room - 2 * MARGIN ? (room - length) / 2 : MARGIN) - start * READABLE;
    this.glide(READABLE, at(box.x, width, wide), at(box.y, height, high), again);
  }

  /** What is new comes up slowly enough to be noticed. */
  appear(old) {
    const fresh = this.list.filter((box) => !old.has(box.id) || old.get(box.id).open !== box.open);
    const parts = fresh.flatMap(({ part, ground }) => [part, ground ?? []].flat());
    if (!parts.length || parts.length > 400) return;
    for (const part of [...parts, this.linesPart]) part.animate({ opacity: [0, 1] }, { duration: 200, easing: "ease-out" });
  }

  fit() {
    const [width, height] = this.data.size;
    const zoom = this.filling();
    this.glide(zoom, (this.width - width * zoom) / 2, (this.height - height * zoom) / 2, () => this.fit());
    this.tellOthers({ fit: true });
  }

  /** Says below which zoom nothing can be read any more, and offers to close what is too small. */
  advise() {
    const size = this.namesAt(this.zoom);
    const { note } = this.data.words;
    this.notePart.hidden = size >= LEGIBLE - 0.5 || !this.frames.length;
    this.notePart.querySelector("span").textContent = note.replace("{size}", size.toFixed(0)).replace("{count}", this.list.length);
  }

  fill() {
    if (document.fullscreenElement) document.exitFullscreen();
    else this.stage.requestFullscreen().catch(() => {}); // a browser may forbid it
  }

  /** Full screen has begun, or has ended. */
  filled() {
    const root = this.frame.getRootNode();
    const full = (root.fullscreenElement ?? document.fullscreenElement) === this.stage;
    if (full === this.full || (!full && !this.full)) return;
    this.full = full;
    requestAnimationFrame(() => {
      this.measure();
      this.fit();
    });
  }

  /** Asks for a drawing that is wider or narrower, where this one leaves much of the canvas empty. */
  reshape() {
    if (!this.width || this.full || !this.data.aspect) return;
    const aspect = this.width / this.height;
    if (apart(aspect, this.data.aspect) < OTHER_SHAPE || aspect === this.shape) return;
    this.shape = aspect;
    this.ask("shape", aspect);
  }

  // Together with another canvas ----------------------------------------------------------------------------------

  tellOthers(detail) {
    const group = this.data?.together;
    if (group && (this.leads || "hover" in detail)) dispatchEvent(new CustomEvent(VIEW, { detail: { group, from: this, ...detail } }));
  }

  /** Does as another canvas does: stands where its boxes stand, those near the middle most of all. */
  goAlong({ from, fit, hover }) {
    if (!this.width || !this.data) return;
    if (hover !== undefined) {
      this.twin = this.list.find((box) => hover && box.twin === hover)?.id ?? null;
      return this.mark();
    }
    this.leads = false;
    this.hide();
    this.stop();
    if (fit) return this.fit();
    const middle = (canvas) => [(canvas.width / 2 - canvas.x) / canvas.zoom, (canvas.height / 2 - canvas.y) / canvas.zoom];
    const [x, y] = middle(from);
    let [right, down, sum] = [0, 0, 0];
    for (const box of this.list) {
      const other = from.boxes.get(box.twin);
      if (!other || other.open !== box.open || box.open) continue;
      const [dx, dy] = [x - other.x - other.width / 2, y - other.y - other.height / 2];
      const weight = 1 / (900 + dx * dx + dy * dy) ** 2;
      right += weight * (box.x + box.width / 2 + dx);
      down += weight * (box.y + box.height / 2 + dy);
      sum += weight;
    }
    const [width, height] = this.data.size;
    const [wide, high] = from.data.size;
    const target = sum ? [right / sum, down / sum] : [(x / wide) * width, (y / high) * height];
    this.zoom = from.zoom;
    this.x = this.width / 2 - target[0] * this.zoom;
    this.y = this.height / 2 - target[1] * this.zoom;
    this.show();
  }

  /** How high a box is where it stands for itself: an open block is its header. */
  depth(box) {
    return box.open ? this.data.header : box.height;
  }

  middle() {
    return { x: this.width / 2, y: this.height / 2 };
  }

  /** What is under the point stays under it. */
  zoomTo(zoom, { x, y }, gliding = false) {
    zoom = clamp(zoom, LEAST, LARGEST);
    const ratio = zoom / this.zoom;
    const target = [zoom, x - (x - this.x) * ratio, y - (y - this.y) * ratio];
    if (gliding) return this.glide(...target);
    this.stop();
    [this.zoom, this.x, this.y] = target;
    this.show();
  }

  /** Moves so little that the box is in view, or puts it into the middle. */
  reveal(box, where, gliding = true) {
    const { zoom } = this;
    const height = this.depth(box);
    const [free, below] = this.free();
    const place = (start, length, shift, room) => {
      const [low, high] = [start * zoom + shift, (start + length) * zoom + shift];
      const seen = low >= MARGIN && high <= room - MARGIN;
      if (seen) return shift;
      if (where === "middle" && high - low < room) return shift + room / 2 - (low + high) / 2;
      return low < MARGIN || high - low > room - 2 * MARGIN ? shift + MARGIN - low : shift + room - MARGIN - high;
    };
    // An open block may be wider than the view; then its middle has to do.
    const wide = box.width * zoom > free - 2 * MARGIN;
    const x = wide ? place(box.spine - 20, 40, this.x, free) : place(box.x, box.width, this.x, free);
    const y = place(box.y, height, this.y, below);
    if (x === this.x && y === this.y) return;
    if (gliding) return this.glide(zoom, x, y);
    [this.x, this.y] = [x, y];
  }

  /** The width and the height of the canvas that no drawer stands over, from its upper left corner on. */
  free() {
    const drawer = document.querySelector(".st-key-drawer")?.getBoundingClientRect();
    if (!drawer?.width || this.full) return [this.width, this.height];
    const { left, top } = this.canvasPart.getBoundingClientRect();
    const [across, down] = [drawer.left - left, drawer.top - top];
    if (across > LEAST_FREE) return [Math.min(this.width, across), this.height];
    return [this.width, down > LEAST_FREE ? Math.min(this.height, down) : this.height];
  }

  /** @param again what finds the way anew, if the drawing changes before the end of it */
  glide(zoom, x, y, again = null) {
    this.stop();
    const from = [this.zoom, this.x, this.y];
    if (calm()) {
      [this.zoom, this.x, this.y] = [zoom, x, y];
      return this.show();
    }
    const begun = performance.now();
    const step = (now) => {
      const t = clamp((now - begun) / 240, 0, 1);
      const part = 1 - (1 - t) ** 3;
      this.zoom = from[0] * (zoom / from[0]) ** part;
      const even = zoom === from[0] ? part : (this.zoom - from[0]) / (zoom - from[0]); // or a zoom would wobble
      this.x = from[1] + (x - from[1]) * even;
      this.y = from[2] + (y - from[2]) * even;
      this.show();
      if (t < 1 && this.frame.isConnected) this.gliding = requestAnimationFrame(step);
      else this.stop();
    };
    this.gliding = requestAnimationFrame(step);
    this.aim = again;
  }

  stop() {
    cancelAnimationFrame(this.gliding);
    [this.gliding, this.aim] = [0, null];
  }

  show() {
    if (!this.width || !this.data) return;
    const [width, height] = this.data.size;
    const least = 60; // pixels of the drawing that stay in view
    this.x = clamp(this.x, least - width * this.zoom, this.width - least);
    this.y = clamp(this.y, least - height * this.zoom, this.height - least);
    this.viewPart.setAttribute("transform", `translate(${this.x} ${this.y}) scale(${this.zoom})`);
    this.canvasPart.classList.toggle("far", this.zoom < NAMES_ONLY);
    this.canvasPart.style.setProperty("--grown", this.grown(this.zoom));
    this.stick();
    this.advise();
    this.overview.show([-this.x / this.zoom, -this.y / this.zoom, this.width / this.zoom, this.height / this.zoom]);
    this.tellOthers({});
    if (this.walking && !this.silent) this.tell(this.boxes.get(this.cursor)?.label, this.boxes.get(this.cursor));
  }

  /** The headers of open blocks stay in view as long as a part of the block is. */
  stick() {
    const { header } = this.data;
    const [left, right] = [-this.x / this.zoom, (this.width - this.x) / this.zoom];
    for (const box of this.frames) {
      const top = box.parent ? box.parent.stuck + header : -this.y / this.zoom;
      box.stuck = Math.max(box.y, Math.min(top, box.y + box.height - header));
      const slide = clamp(left - box.x, 0, box.slack); // no further than its words stay inside
      const back = clamp(box.x + box.width - right, 0, box.slack - slide);
      box.part.setAttribute("transform", `translate(${box.x} ${box.stuck})`);
      box.words.setAttribute("transform", `translate(${slide} 0)`);
      box.knob.x = box.width - PAD - KNOB - back;
      box.button.setAttribute("transform", `translate(${box.knob.x} ${box.knob.y})`);
    }
  }

  // Pointer --------------------------------------------------------------------------------------------------------

  point(event) {
    const box = this.canvasPart.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  }

  /** The box under the pointer, and whether it is at its knob. */
  under(event) {
    const part = event.target.closest?.("[data-box]");
    if (!part) return {};
    const box = this.list[part.dataset.box];
    const { x, y } = this.point(event);
    const { knob } = box;
    const top = box.open ? box.stuck : box.y;
    const away = Math.hypot(x - this.x - (box.x + knob.x) * this.zoom, y - this.y - (top + knob.y) * this.zoom);
    const reach = Math.min(REACH[event.pointerType] ?? REACH.mouse, (box.width / 4) * this.zoom);
    const knobbed = box.openable && away <= Math.max(reach, KNOB * this.zoom);
    return { box, atKnob: knobbed, ground: box.open && !part.closest(".headers") && !knobbed };
  }

  press(event) {
    if (event.button !== 0) return;
    this.leads = true;
    this.stop();
    if (!this.pointers.size) this.dragged = false;
    this.pointers.set(event.pointerId, { ...this.point(event), from: this.point(event) });
    if (this.walking) this.leave();
  }

  move(event) {
    const pointer = this.pointers.get(event.pointerId);
    if (!pointer) return event.pointerType !== "touch" && this.hover(event);
    const { x, y } = this.point(event);
    if (!this.dragged) {
      const far = Math.hypot(x - pointer.from.x, y - pointer.from.y) > (DRAG[event.pointerType] ?? DRAG.mouse);
      if (!far && this.pointers.size === 1) return;
      this.dragged = true;
      this.hide();
      this.canvasPart.classList.add("dragged");
    }
    // Not before it is a drag: what holds a pointer also gets its click.
    for (const id of this.pointers.keys()) this.canvasPart.setPointerCapture(id);
    const other = [...this.pointers].find(([id]) => id !== event.pointerId)?.[1];
    const before = { x: pointer.x, y: pointer.y };
    Object.assign(pointer, { x, y });
    if (!other) {
      this.x += x - before.x;
      this.y += y - before.y;
      return this.show();
    }
    const apart = (a, b) => Math.max(20, Math.hypot(a.x - b.x, a.y - b.y));
    this.x += (x - before.x) / 2;
    this.y += (y - before.y) / 2;
    const middle = { x: (x + other.x) / 2, y: (y + other.y) / 2 };
    this.zoomTo((this.zoom * apart(pointer, other)) / apart(before, other), middle);
  }

  release(event) {
    this.pointers.delete(event.pointerId);
    if (!this.pointers.size) this.canvasPart.classList.remove("dragged");
  }

  click(event) {
    if (this.dragged) return;
    const { box, atKnob } = this.under(event);
    const second = event.detail > 0 && event.detail % 2 === 0;
    if (box) this.cursor = box.id;
    if (box && (atKnob || (second && box.openable))) return this.toggle(box);
    if (second && box?.id === this.selected) return; // the first click has said it all
    if (box || this.selected !== null) this.select(box?.id ?? null);
    if (event.pointerType === "touch") return this.hover(box ? event : null); // a tap is all the pointing there is
    this.silenced = box?.id; // what is looked at closely says more
    this.hide();
  }

  wheel(event) {
    if (!event.ctrlKey && !event.metaKey) return this.hide(); // scrolls the page
    event.preventDefault();
    this.leads = true;
    this.hide();
    const lines = event.deltaMode === 1 ? 16 : 1;
    this.zoomTo(this.zoom * Math.exp(-0.012 * clamp(event.deltaY * lines, -25, 25)), this.point(event));
  }

  hover(event) {
    const { box, atKnob, ground } = event ? this.under(event) : {};
    const id = box && !ground ? box.id : null; // what stands in a block is in front of it
    if (id !== this.hovered) {
      this.hovered = id;
      this.silenced = null;
      this.mark();
      this.tellOthers({ hover: id });
    }
    const { open, close } = this.data.words;
    if (id !== null && (atKnob || id !== this.silenced)) this.tell(atKnob ? (box.open ? close : open) : box.label, box);
    else if (!this.walking) this.hide();
  }

  // Tooltip --------------------------------------------------------------------------------------------------------

  /** Text about a box, beside it: what is above and below is what it is connected to. */
  tell(text, box) {
    const { tooltipPart: tooltip, frame } = this;
    if (!text || !box || !frame.isConnected) return this.hide(); // a popover outside the document throws
    if (tooltip.textContent !== text) tooltip.textContent = text;
    if (!tooltip.matches(":popover-open")) {
      tooltip.showPopover();
      addEventListener("scroll", this.follow, true); // captured, because Streamlit scrolls an inner element
    }
    const canvas = this.canvasPart.getBoundingClientRect();
    const [wide, high] = this.free();
    const clientWidth = wide < this.width ? canvas.left + wide : document.documentElement.clientWidth;
    const clientHeight = high < this.height ? canvas.top + high : document.documentElement.clientHeight;
    const { offsetWidth: width, offsetHeight: height } = tooltip;
    const [start, top, length, depth] = [box.x, box.open ? box.stuck : box.y, box.width, this.depth(box)];
    const left = canvas.left + clamp(this.x + start * this.zoom, 0, this.width);
    const right = canvas.left + clamp(this.x + (start + length) * this.zoom, 0, this.width);
    const upper = canvas.top + clamp(this.y + top * this.zoom, 0, this.height);
    const lower = canvas.top + clamp(this.y + (top + depth) * this.zoom, 0, this.height);

    let x = right + DISTANCE;
    let y = (upper + lower - height) / 2;
    if (x + width > clientWidth - EDGE) x = left - DISTANCE - width;
    if (x < EDGE) {
      x = (left + right - width) / 2;
      y = lower + DISTANCE + height < clientHeight - EDGE ? lower + DISTANCE : upper - DISTANCE - height;
    }
    x = clamp(x, EDGE, clientWidth - width - EDGE);
    y = clamp(y, EDGE, clientHeight - height - EDGE);
    tooltip.style.translate = `${Math.round(x)}px ${Math.round(y)}px`;
  }

  hide() {
    if (this.tooltipPart.isConnected) this.tooltipPart.hidePopover();
    removeEventListener("scroll", this.follow, true);
  }

  // Keyboard -------------------------------------------------------------------------------------------------------

  /** Boxes from top to bottom, as they are read. */
  inOrder() {
    return [...this.list].sort((a, b) => a.y - b.y || a.x - b.x);
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const box = this.boxes.get(this.cursor);
    const { key } = event;
    this.leads = true;
    this.silent = key === "Escape"; // until the next key, also where the view still glides
    if (this.silent) return this.hide();
    if (ARROWS[key]) this.walk((this.walking ? this.next(box, ...ARROWS[key]) : box)?.id);
    else if (key === "Home") this.walk(this.inOrder()[0]?.id);
    else if (key === "End") this.walk(this.inOrder().at(-1)?.id);
    else if (key === "Enter" && box) this.select(box.id);
    else if (key === " ") this.toggle(box);
    else if (key === "+" || key === "=") box?.open || this.toggle(box);
    else if (key === "-") this.toggle(box?.open ? box : box?.parent);
    else if (key === "f" || key === "F") this.fit();
    else return;
    event.preventDefault(); // nothing of this scrolls the page
  }

  /** The keyboard goes to a box, or starts where it was, at what is selected or at the top. */
  walk(id) {
    const box = this.boxes.get(id) ?? this.boxes.get(this.selected) ?? this.inOrder()[0];
    if (!box) return;
    this.cursor = box.id;
    this.walking = true;
    this.canvasPart.setAttribute("aria-activedescendant", box.part.id);
    this.reveal(box, "nearest");
    this.mark();
    this.tell(box.label, box);
  }

  leave() {
    this.walking = false;
    this.canvasPart.removeAttribute("aria-activedescendant");
    this.hide();
    this.mark();
  }

  /** The nearest box in a direction, where what lies straight ahead is nearer than what lies to the side. */
  next(box, right, down) {
    const area = (box) => [box.x, box.x + box.width, box.y, box.y + this.depth(box)];
    const between = (a, b, c, d) => Math.max(c - b, a - d, 0); // the gap between [a, b] and [c, d]
    const [left0, right0, top0, bottom0] = area(box);
    let best = box;
    let least = Infinity;
    for (const other of this.list) {
      const [left1, right1, top1, bottom1] = area(other);
      const ahead = right ? right * (left1 + right1 - left0 - right0) : down * (top1 + bottom1 - top0 - bottom0);
      const clear = right ? (right > 0 ? left1 - right0 : left0 - right1) : down > 0 ? top1 - bottom0 : top0 - bottom1;
      if (other === box || ahead <= 0 || clear < -4) continue;
      const aside = right ? between(top0, bottom0, top1, bottom1) : between(left0, right0, left1, right1);
      if (right && aside > clear + 60) continue; // that is below, not beside
      const shift = Math.abs(right ? top1 + bottom1 - top0 - bottom0 : other.spine - box.spine);
      const far = clear + 2 * aside + 0.1 * shift;
      if (far < least) [best, least] = [other, far];
    }
    return best;
  }
}
