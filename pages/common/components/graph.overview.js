// The whole drawing of a layer graph, small, with a window that shows which part of it is in view and can be dragged. When
// the view has come to rest it stands in a corner where no box is; where there is none, it leaves until the view moves.

const OVERVIEW = 0.24; // of the canvas's shorter side at most
const LARGEST_OVERVIEW = [184, 124]; // pixels
const FROM_EDGE = 8; // pixels, as the buttons
const BUTTONS = 40; // wide, with the gap beside them
const STILL = 400; // milliseconds after which the view has come to rest
const LINGERS = 2000; // … and after which the overview leaves

class Overview {
  corner = 0;

  /** free() says how much of the canvas can be seen [width, height], isOver(left, top, right, bottom) whether boxes are there. */
  constructor(part, go, free, isOver) {
    Object.assign(this, { part, free, isOver });
    [this.boxesPart, this.windowPart] = [part.querySelector(".small"), part.querySelector(".window")];
    const move = (event) => {
      const { left, top } = part.getBoundingClientRect();
      go((event.clientX - left) / this.scale, (event.clientY - top) / this.scale);
    };
    part.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      part.setPointerCapture(event.pointerId);
      this.dragged = true;
      move(event);
      event.preventDefault();
    });
    part.addEventListener("pointermove", (event) => this.dragged && move(event));
    for (const end of ["pointerup", "pointercancel"]) part.addEventListener(end, () => (this.dragged = false));
    part.addEventListener("pointerleave", () => this.wait());
  }

  /** Closed boxes as areas, one path a colour; open blocks as frames. */
  draw([width, height], boxes, looks) {
    this.size = [width, height];
    const area = ({ x, y, width, height }) => `M${x} ${y}h${width}v${height}h${-width}z`;
    const frames = boxes.filter((box) => box.open).map(area).join("");
    this.paths = looks.map((look) => [look, boxes.filter((box) => !box.open && box.look === look).map(area).join("")]);
    this.areas = this.paths.map(([, d]) => element("path", { class: "face", d }));
    this.boxesPart.replaceChildren(element("path", { class: "outline", d: frames }), ...this.areas);
    this.part.setAttribute("viewBox", `0 0 ${width} ${height}`);
  }

  paint(dark) {
    this.paths?.forEach(([look], i) => {
      const fill = look[dark ? 1 : 0];
      if (fill) this.areas[i].setAttribute("fill", fill);
      else this.areas[i].removeAttribute("fill");
    });
  }

  /** The part in view [x, y, width, height]; there is nothing to be shown where that is everything. */
  show([x, y, width, height]) {
    const [wide, high] = this.size;
    const inside = x <= 1 && y <= 1 && x + width >= wide - 1 && y + height >= high - 1;
    this.part.toggleAttribute("hidden", inside);
    if (inside) return;
    const room = this.part.parentElement;
    const most = [room.clientWidth * OVERVIEW * 1.5, room.clientHeight * OVERVIEW];
    this.scale = Math.min(...LARGEST_OVERVIEW.map((side, i) => Math.min(side, most[i]) / this.size[i]));
    this.part.setAttribute("width", wide * this.scale);
    this.part.setAttribute("height", high * this.scale);
    const [left, top] = [Math.max(0, x), Math.max(0, y)];
    const [right, bottom] = [Math.min(wide, x + width), Math.min(high, y + height)];
    const place = { x: left, y: top, width: Math.max(0, right - left), height: Math.max(0, bottom - top) };
    const moved = Object.entries(place).filter(([key, value]) => this.windowPart.getAttribute(key) !== String(value));
    for (const [key, value] of moved) this.windowPart.setAttribute(key, value);
    if (moved.length) this.part.classList.remove("resting");
    this.wait();
  }

  wait() {
    clearTimeout(this.waiting);
    this.waiting = setTimeout(() => this.rest(), STILL);
  }

  rest() {
    if (this.part.hasAttribute("hidden") || this.dragged || this.part.matches(":hover")) return;
    const corners = this.corners();
    const isClear = ({ box }) => !this.isOver(...box);
    const corner = [this.corner, ...corners.keys()].find((number) => isClear(corners[number]));
    this.corner = corner ?? this.corner;
    Object.assign(this.part.style, corners[this.corner].style);
    if (corner === undefined) this.waiting = setTimeout(() => this.part.classList.add("resting"), LINGERS);
    else this.part.classList.remove("resting");
  }

  /** Where it could stand, the usual corner first: as a style, and as [left, top, right, bottom]. */
  corners() {
    const { clientHeight } = this.part.parentElement;
    const { width, height } = this.part.getBoundingClientRect();
    const [wide, high] = this.free();
    const right = wide - FROM_EDGE - width;
    return [[FROM_EDGE, FROM_EDGE], [FROM_EDGE], [right], [right - BUTTONS, FROM_EDGE]].map(([left, below]) => {
      const top = below ? high - below - height : FROM_EDGE;
      const bottom = below ? `${clientHeight - high + below}px` : "auto";
      const style = { left: `${left}px`, top: below ? "auto" : `${top}px`, bottom };
      return { style, box: [left, top, left + width, top + height] };
    });
  }
}
