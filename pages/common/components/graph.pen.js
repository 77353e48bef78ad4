// What a layer graph is drawn with: texts that are measured and cut, lines, headers, and which line goes on into which.

/** A thick edge in this colour, where there is one. */
const edged = (colour) => (colour ? { style: `stroke: ${colour}; stroke-width: 3px; vector-effect: non-scaling-stroke` } : {});

/** What is not counted. */
const hatching = (place) => element("rect", { class: "hatching", ...place });

/** The square for a picture at the left of a box, as far from the left as from above and below; texts begin behind it. */
function pictureOf(box) {
  const { room, picture } = box;
  const around = (box.height - room) / 2;
  const place = { x: around, y: around, width: room, height: room };
  box.start = around + room + BESIDE_PICTURE;
  return picture ? element("image", { href: picture, ...place }) : element("rect", { class: "awaited", ...place });
}

/** Measures texts and cuts them, with the fonts of the canvas. */
class Pen {
  static context = document.createElement("canvas").getContext("2d");
  static widths = new Map();

  constructor(family) {
    this.family = family;
  }

  width(text, size) {
    const font = `${size === TITLE ? 600 : 400} ${size}px ${this.family}`;
    const key = `${font} ${text}`;
    if (!Pen.widths.has(key)) {
      if (Pen.widths.size > 20_000) Pen.widths.clear();
      if (Pen.context.font !== font) Pen.context.font = font;
      Pen.widths.set(key, Pen.context.measureText(text).width);
    }
    return Pen.widths.get(key);
  }

  /** As much of the text as fits into the room, with “…” in place of the rest. */
  cut(text, size, room) {
    if (this.width(text, size) <= room) return text;
    const signs = [...text];
    let [low, high] = [0, signs.length];
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if (this.width(`${signs.slice(0, middle).join("")}…`, size) <= room) low = middle;
      else high = middle - 1;
    }
    return low ? `${signs.slice(0, low).join("").trimEnd()}…` : "";
  }
}

/** Whether an open block is drawn around the box. */
function holds(block, box) {
  return Boolean(
    block?.open && box && block !== box &&
    block.x <= box.x && block.y <= box.y &&
    box.x + box.width <= block.x + block.width + 0.2 && box.y + box.height <= block.y + block.height + 0.2,
  );
}

/** Where the data come in from above: what the box is centred on. */
function spine(box) {
  const line = box.in.find((line) => !line.leaves && !line.implied);
  return line ? line.points.at(-2) : box.x + box.width / 2;
}

/** The line and those that carry its data on, through the edges of open blocks. */
function forwards(line, lit) {
  if (lit.has(line)) return;
  lit.add(line);
  const { target, leaves } = line;
  if (!target?.open) return;
  for (const next of target.out) if (!next.implied && next.enters !== leaves) forwards(next, lit);
}

/** The line and those that its data come from. */
function backwards(line, lit) {
  if (lit.has(line)) return;
  lit.add(line);
  const { source, enters } = line;
  if (!source?.open) return;
  for (const next of source.in) if (!next.implied && next.leaves !== enters) backwards(next, lit);
}

/** A line with round corners, and an arrow head if it arrives at something. */
function path(points, arrives) {
  const n = points.length / 2;
  let d = `M${points[0]} ${points[1]}`;
  for (let i = 1; i < n; i++) {
    const [x, y] = [points[2 * i], points[2 * i + 1]];
    const [dx0, dy0] = [x - points[2 * i - 2], y - points[2 * i - 1]];
    const [dx1, dy1] = i + 1 < n ? [points[2 * i + 2] - x, points[2 * i + 3] - y] : [0, 0];
    const [length0, length1] = [Math.hypot(dx0, dy0), Math.hypot(dx1, dy1)];
    const r = Math.min(CORNER, length0 / 2, length1 / 2);
    if (r < 0.5) d += `L${x} ${y}`;
    else {
      const [a, b] = [r / length0, r / length1];
      d += `L${tenths(x - dx0 * a)} ${tenths(y - dy0 * a)}Q${x} ${y} ${tenths(x + dx1 * b)} ${tenths(y + dy1 * b)}`;
    }
  }
  if (!arrives || n < 2) return d;
  const [x, y] = points.slice(-2);
  let i = n - 2;
  while (i > 0 && points[2 * i] === x && points[2 * i + 1] === y) i--;
  const angle = Math.atan2(y - points[2 * i + 1], x - points[2 * i]);
  const barb = (turn) => `${tenths(x - 6 * Math.cos(angle + turn))} ${tenths(y - 6 * Math.sin(angle + turn))}`;
  return `${d}M${barb(0.5)}L${x} ${y}L${barb(-0.5)}`;
}

const tenths = (value) => Math.round(10 * value) / 10;

/** The header of an open block: round above, straight below. */
function tab(width, height) {
  const r = CORNER;
  return `M0 ${height}V${r}Q0 0 ${r} 0H${width - r}Q${width} 0 ${width} ${r}V${height}Z`;
}

/** Of a colour as browsers compute it, from 0 to 1 (rec. 709, without the gamma: good enough to tell day from night). */
function luminance(colour) {
  const [r, g, b] = colour.match(/[\d.]+/g)?.map(Number) ?? [255, 255, 255];
  return (0.2126 * r + 0.7152 * g + 0.0722 * b) / 255;
}
