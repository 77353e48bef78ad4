// A field to draw in, by mouse, finger or pen. While one draws, its strokes are reported: see reports.js.

const NEAR = 6; // a point that is nearer to the one before is left out
const LINE = 0.075; // width of the pen, in sides of the field
const fields = new WeakMap(); // element -> Field; Streamlit calls again and again

export default function ({ parentElement, data, setTriggerValue }) {
  const element = parentElement.querySelector(".drawing");
  if (!fields.has(element)) fields.set(element, new Field(element, data));
  fields.get(element).update(data, setTriggerValue);
}

class Field {
  pointer = null; // that which draws

  constructor(element, data) {
    this.element = element;
    this.strokes = data.strokes; // of the visit before; from now on the hand knows better
    this.reports = new Reports(() => this.strokes, (strokes) => this.setTriggerValue("drawn", structuredClone(strokes)));
    this.reports.told = JSON.stringify(this.strokes);
    for (const name of ["paper", "hint", "undo", "clear", "use", "bars", "note"]) {
      this[name] = element.querySelector(`.${name}`);
    }
    this.output = element.querySelector("output");
    this.seen = element.querySelector("img");
    this.caption = element.querySelector("figcaption");
    this.paper.addEventListener("pointerdown", (event) => this.begin(event));
    this.paper.addEventListener("pointermove", (event) => this.go(event));
    for (const end of ["pointerup", "pointercancel"]) this.paper.addEventListener(end, (event) => this.end(event));
    this.undo.addEventListener("click", () => this.keep(this.strokes.slice(0, -1)));
    this.clear.addEventListener("click", () => this.keep([]));
    this.use.addEventListener("click", () => this.setTriggerValue("used", this.strokes));
    new ResizeObserver(() => this.draw()).observe(this.paper);
  }

  update(data, setTriggerValue) {
    this.setTriggerValue = setTriggerValue; // a new one each time: it knows the fragment to rerun
    if (data === this.data) return; // only the theme changed, and that is CSS’s affair
    this.data = data;
    this.reports.answered();
    for (const name of ["hint", "undo", "clear", "use"]) this[name].textContent = data.words[name];
    this.paper.setAttribute("aria-label", data.words.field);
    this.output.textContent = data.answer;
    this.note.textContent = data.note;
    this.caption.textContent = data.words.seen;
    this.seen.src = data.seen;
    this.bars.replaceChildren(...data.bars.map((bar) => this.bar(bar)));
    this.draw();
  }

  bar({ name, share, text, best }) {
    const element = document.createElement("div");
    element.className = best ? "bar best" : "bar";
    element.setAttribute("role", "listitem");
    element.innerHTML = '<span class="name"></span><span class="track"><span></span></span><span class="share"></span>';
    element.querySelector(".name").textContent = name;
    element.querySelector(".share").textContent = text;
    element.style.setProperty("--share", share);
    return element;
  }

  // Drawing -------------------------------------------------------------------------------------------------------

  begin(event) {
    const { most, most_strokes } = this.data;
    if (this.pointer !== null || event.button !== 0 || this.points >= most || this.strokes.length >= most_strokes) return;
    event.preventDefault();
    this.pointer = event.pointerId;
    this.paper.setPointerCapture(event.pointerId);
    this.strokes = [...this.strokes, [this.place(event)]];
    this.draw();
    this.reports.report();
  }

  go(event) {
    if (event.pointerId !== this.pointer) return;
    const all = event.getCoalescedEvents?.() ?? [];
    const stroke = this.strokes.at(-1);
    for (const one of all.length ? all : [event]) {
      const [x, y] = this.place(one);
      const [lastX, lastY] = stroke.at(-1);
      if (Math.hypot(x - lastX, y - lastY) >= NEAR && this.points < this.data.most) stroke.push([x, y]);
    }
    this.draw();
    this.reports.report();
  }

  end(event) {
    if (event.pointerId !== this.pointer) return;
    this.pointer = null;
    this.reports.report();
  }

  /** Where the pointer is, in thousandths of the field. */
  place(event) {
    const box = this.paper.getBoundingClientRect();
    const part = (at, from, length) => Math.round(1000 * Math.min(Math.max((at - from) / length, 0), 1));
    return [part(event.clientX, box.left, box.width), part(event.clientY, box.top, box.height)];
  }

  get points() {
    return this.strokes.reduce((count, stroke) => count + stroke.length, 0);
  }

  keep(strokes) {
    this.strokes = strokes;
    this.draw();
    this.reports.report();
  }

  draw() {
    const side = Math.round(this.paper.clientWidth * devicePixelRatio);
    if (this.paper.width !== side) this.paper.width = this.paper.height = side;
    const pen = this.paper.getContext("2d");
    pen.clearRect(0, 0, side, side);
    Object.assign(pen, { strokeStyle: "#fff", lineWidth: LINE * side, lineCap: "round", lineJoin: "round" });
    for (const stroke of this.strokes) {
      pen.beginPath();
      for (const [x, y] of stroke) pen.lineTo((x * side) / 1000, (y * side) / 1000);
      if (stroke.length === 1) pen.lineTo((stroke[0][0] * side) / 1000, (stroke[0][1] * side) / 1000);
      pen.stroke();
    }
    const isEmpty = !this.strokes.length;
    this.element.classList.toggle("drawn", !isEmpty);
    for (const button of [this.undo, this.clear, this.use]) button.disabled = isEmpty;
  }
}
