// A photograph with a box for every unit beside it. Pointing at a unit, or going to it by keyboard, brings its box forward.

const strips = new WeakMap(); // element -> Strip; Streamlit calls again and again

export default function ({ parentElement, data, setTriggerValue }) {
  const element = parentElement.querySelector(".strip");
  if (!strips.has(element)) strips.set(element, new Strip(element));
  strips.get(element).update(data, setTriggerValue);
}

function made(kind, name, ...children) {
  const element = document.createElement(kind);
  element.className = name;
  element.append(...children);
  return element;
}

function picture(name, source, alt) {
  const image = made("img", name);
  image.src = source;
  image.alt = alt;
  return image;
}

class Strip {
  constructor(element) {
    this.element = element;
  }

  update(data, setTriggerValue) {
    this.setTriggerValue = setTriggerValue; // a new one each time
    if (data === this.data) return; // only the theme changed, and that is CSS’s affair
    this.data = data;
    const frame = made("div", "frame", picture("whole", data.photograph, data.alt), ...data.tiles.map((t) => this.box(t)));
    const units = data.tiles.map((tile, place) => this.unit(tile, place, frame.children[place + 1]));
    const photograph = made("figure", "photograph", frame, made("figcaption", "", data.note));
    this.element.replaceChildren(photograph, ...units, ...(data.answer ? [this.answer(data.answer)] : []));
    this.element.dataset.count = data.tiles.length;
  }

  answer({ title, words, known, classes }) {
    const rows = classes.map(({ name, share, percent }) => {
      const bar = made("span", "bar");
      bar.style.setProperty("--share", `${share * 100}%`);
      return made("li", "", made("span", "name", name), made("span", "percent", percent), bar);
    });
    const list = rows.length ? [made("ul", "", ...rows)] : [];
    const said = (text) => (text ? [made("p", "", text)] : []);
    return made("div", "answer", ...said(known), made("strong", "", title), ...list, ...said(words));
  }

  box(tile) {
    const [top, left, bottom, right] = tile.box.map((share) => `${share * 100}%`);
    const box = made("div", "box");
    Object.assign(box.style, { top, left, width: `calc(${right} - ${left})`, height: `calc(${bottom} - ${top})` });
    box.style.setProperty("--colour", tile.colour);
    return box;
  }

  unit(tile, place, box) {
    const title = made("span", "title", tile.title);
    const saw = picture("saw", tile.saw, "");
    // Few pixels stand as squares; many, such as those of a warning's letters, are better blended.
    saw.addEventListener("load", () => saw.classList.toggle("fine", saw.naturalWidth > saw.clientWidth));
    const about = made("span", "about", picture("part", tile.part, ""), made("span", "note", tile.note));
    const unit = made("button", "unit", title, saw, about);
    unit.type = "button";
    unit.style.setProperty("--colour", tile.colour);
    unit.setAttribute("aria-label", tile.words);
    const bring = (forward) => () => {
      box.classList.toggle("forward", forward);
      this.element.classList.toggle("pointed", forward);
    };
    for (const event of ["pointerenter", "focus"]) unit.addEventListener(event, bring(true));
    for (const event of ["pointerleave", "blur"]) unit.addEventListener(event, bring(false));
    unit.addEventListener("click", () => this.setTriggerValue("clicked", place));
    return unit;
  }
}
