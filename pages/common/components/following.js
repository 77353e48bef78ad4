// What Streamlit drew of a page – words, tables, charts – is made to show what it will show when a slider is let go where
// its thumb is: that was sent before. Where the page is other than this knows it, it stays as it is until then.

const followers = new WeakMap(); // element -> Follower; Streamlit calls again and again

export default function ({ parentElement, data }) {
  const element = parentElement.querySelector("span");
  if (!followers.has(element)) followers.set(element, new Follower(element));
  followers.get(element).update(data);
}

class Follower {
  reach = new Reach();

  constructor(element) {
    watchThumbs(element, (thumb) => this.follow(thumb));
  }

  update(data) {
    if (data === this.data) return; // only the theme changed
    this.data = data;
    this.reach.learn(data.reach);
  }

  follow(thumb) {
    const frame = this.reach.at(thumb);
    if (!frame) return;
    this.frame = frame;
    this.due ??= requestAnimationFrame(() => {
      this.due = null;
      for (const [key, shown] of Object.entries(this.frame)) {
        const place = document.querySelector(`.${key}`);
        if (place) show(place, shown);
      }
    });
  }
}

function show(place, shown) {
  if (typeof shown === "string") write(texts(place), pieces(shown));
  else if (Array.isArray(shown)) write([...place.querySelectorAll("th, td")].flatMap((cell) => texts(cell)), shown.flat());
  else redraw(place.querySelector(".js-plotly-plot"), shown);
}

// Words -----------------------------------------------------------------------------------------------------------
// React drew these texts, and goes on from them. So what is in them changes, and never which there are.

/** The texts in an element that are not only there between others. */
function texts(element) {
  const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
  const found = [];
  while (walker.nextNode()) if (walker.currentNode.nodeValue.trim()) found.push(walker.currentNode);
  return found;
}

/** The texts that Markdown becomes whose only marks are bullets, bold words and backslashes. */
function pieces(markdown) {
  const parts = markdown.split("\n").flatMap((line) => line.replace(/^\* /, "").split("**"));
  return parts.filter((part) => part.trim()).map((part) => part.replace(/\\([^\w\s])/g, "$1"));
}

function write(nodes, words) {
  if (nodes.length !== words.length) return;
  nodes.forEach((node, i) => (node.nodeValue = words[i]));
}

// Charts ----------------------------------------------------------------------------------------------------------
// Streamlit keeps Plotly to itself, which would also take longer than a frame to draw a chart anew: what moves is moved
// in the drawing that it made, in the pixels of its axes.

function redraw(plot, { data = {}, layout = {} }) {
  if (!plot?._fullLayout) return;
  const { xaxis, yaxis } = plot._fullLayout;
  const scale = { x: (value) => xaxis.d2p(value), y: upwards(yaxis, layout.yaxis?.range) };
  const drawn = plot.querySelectorAll(".scatterlayer > .trace, .barlayer > .trace");
  for (const [place, moved] of Object.entries(data)) {
    if (drawn[place]) move(drawn[place], { ...plot._fullData[place], ...moved }, scale);
  }
  for (const [place, { x0 }] of Object.entries(layout.shapes ?? {})) {
    const path = plot.querySelector(`.shape-group [data-index="${place}"]`);
    const [, , from, , to] = path?.getAttribute("d").split(/[ML,]/) ?? [];
    const x = xaxis._offset + scale.x(x0);
    path?.setAttribute("d", `M${x},${from}L${x},${to}`);
  }
  const ticks = [...plot.querySelectorAll(".yaxislayer-above .ytick text, .yaxislayer-below .ytick text")];
  if (layout.yaxis?.ticktext) write(ticks.flatMap(texts), layout.yaxis.ticktext);
}

/** Where a number is along the vertical axis, whose range may be another one than that of the drawing. */
function upwards(axis, range) {
  if (!range) return (value) => axis.d2p(value);
  return (value) => axis._length * (1 - (value - range[0]) / (range[1] - range[0]));
}

/** Has the lines, points or bars of a trace stand where its numbers are. */
function move(drawn, { type, x, y, width, marker }, scale) {
  const at = Array.from(x, (value, i) => [scale.x(value), scale.y(y[i])]);
  if (type === "bar") {
    drawn.querySelectorAll(".point path").forEach((bar, i) => {
      const [left, right] = [-0.5, 0.5].map((side) => scale.x(x[i] + side * width[i]));
      bar.setAttribute("d", `M${left},${scale.y(0)}V${at[i][1]}H${right}V${scale.y(0)}Z`);
    });
    return;
  }
  drawn.querySelector(".js-line")?.setAttribute("d", `M${at.map(String).join("L")}`);
  drawn.querySelectorAll(".point").forEach((point, i) => {
    point.setAttribute("transform", `translate(${at[i]})`);
    if (Array.isArray(marker.opacity)) point.style.opacity = marker.opacity[i];
  });
}
