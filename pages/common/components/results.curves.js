// Lines over evenly spaced places, a chart beside another: what every layer has. The scale is the server's.

const ROOM = { left: 46, right: 8, top: 8, bottom: 34 }; // pixels around a chart for its marks
const HIGH = 210;
const BROAD = 470; // pixels from which on charts stand beside one another

class Curves {
  /** charts: the title of each, and what lies across it. */
  constructor({ charts }) {
    this.charts = charts.map(({ title, across }) => {
      const picture = vector("svg", "");
      picture.setAttribute("aria-hidden", "true");
      return { across, picture, whole: element("figure", "curve", element("figcaption", "", title), picture) };
    });
    this.element = element("div", "curves", ...this.charts.map(({ whole }) => whole));
  }

  draw(curves, width, large) {
    const beside = width >= BROAD ? this.charts.length : 1;
    this.element.style.setProperty("--beside", beside);
    const wide = (width - 24 * (beside - 1)) / beside;
    curves.forEach((curve, i) => this.chart(this.charts[i], curve, wide, HIGH * large * (beside > 1 ? 1 : 0.75), large));
  }

  chart({ picture, across }, { lines, range, ticks, places }, wide, high, large) {
    const [left, right, top, bottom] = [ROOM.left * large, wide - ROOM.right, ROOM.top, high - ROOM.bottom * large];
    const [low, upper] = range;
    const x = (part) => left + part * (right - left);
    const y = (value) => bottom - ((value - low) / (upper - low)) * (bottom - top);
    const rules = ticks.flatMap(([value, text]) => [
      shaped("line", { class: "rule", x1: left, x2: right, y1: y(value), y2: y(value) }),
      label(text, left - 6, y(value) + 4 * large, "end"),
    ]);
    const marks = places.map(([part, text]) => label(text, x(part), bottom + 15 * large, part < 1 ? "middle" : "end"));
    const drawn = lines.map((line, n) => {
      const at = (i) => x(line.length > 1 ? i / (line.length - 1) : 0.5);
      const d = line.map((value, i) => piece(at(i), value, y, line[i - 1])).join("");
      return shaped("path", { class: `line n${n}`, d });
    });
    for (const [key, value] of Object.entries({ width: wide, height: high, viewBox: `0 0 ${wide} ${high}` })) {
      picture.setAttribute(key, value);
    }
    picture.replaceChildren(...rules, ...marks, label(across, (left + right) / 2, bottom + 30 * large, "middle"), ...drawn);
  }
}

/** The piece of a path that comes to a value; none where there is none, and a new beginning behind that. */
function piece(x, value, y, before) {
  if (value === null) return "";
  const point = `${x.toFixed(1)} ${y(value).toFixed(1)}`;
  return before === undefined || before === null ? `M${point}h0` : `L${point}`;
}

function label(text, x, y, anchor) {
  const made = shaped("text", { x, y, "text-anchor": anchor });
  made.textContent = text;
  return made;
}

function shaped(name, sizes) {
  const made = vector(name, "");
  for (const [key, value] of Object.entries(sizes)) made.setAttribute(key, value);
  return made;
}
