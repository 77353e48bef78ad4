// The whole drawing of a layer graph, small, with a window that shows which part of it is in view and can be dragged.

const OVERVIEW = 0.24; // of the canvas's shorter side at most
const LARGEST_OVERVIEW = [184, 124]; // pixels

class Overview {
  constructor(part, go) {
    this.part = part;
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
    for (const [key, value] of Object.entries(place)) this.windowPart.setAttribute(key, value);
  }
}
