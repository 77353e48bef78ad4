// Sliders whose results follow the hand. What a slider can be dragged to comes from the server before it is dragged, and
// is drawn here; the server hears of it when the pointer rests, and all the time where it is not known: see reports.js.

const REST = 280; // milliseconds after which a pointer or a key is at rest
const DWELL = 80; // milliseconds over a slider after which it is likely to be dragged
const AHEAD = 12; // steps of a key that are known ahead
const NEAR = 0.012; // of the track, within which a dragged slider snaps to a mark
const groups = new WeakMap(); // element -> Group; Streamlit calls again and again

export default function ({ parentElement, data, setTriggerValue }) {
  const element = parentElement.querySelector(".live");
  if (!groups.has(element)) groups.set(element, new Group(element));
  groups.get(element).update(data, setTriggerValue);
}

class Group {
  rows = [];
  said = "";
  reports = new Reports(() => ({ places: this.wanted(), rests: !this.held, near: this.near }), (report) => this.tell(report));
  near = null; // the slider that the visitor is at
  known = new Map(); // slider -> where the others stand, and what is shown at its places

  constructor(element) {
    this.element = element;
    this.results = new Results(element.querySelector(".results"), element.querySelector(".below"));
  }

  update(data, setTriggerValue) {
    this.setTriggerValue = setTriggerValue; // a new one each time: it knows the fragment to rerun
    if (data === this.data) return; // only the theme changed, and that is CSS’s affair
    if (data.about !== this.data?.about) {
      this.known.clear();
      this.learnt = "";
    }
    this.data = data;
    const said = JSON.stringify([data.sliders, data.decimal]);
    if (said !== this.said) {
      this.said = said;
      this.rows = data.sliders.map((slider, i) => (this.rows[i] ?? new Row(this, i)).describe(slider));
      this.element.querySelector(".sliders").replaceChildren(...this.rows.map((row) => row.element));
    }
    this.element.classList.toggle("with-results", Boolean(data.look));
    this.element.classList.toggle("with-grid", Boolean(data.look?.grid));
    if (data.look) this.results.describe(data.look);
    if (data.reach) this.learn(data);
    this.reports.answered();
    this.agreed = String(data.places); // where the server and the hand last had the sliders
    // The hand knows better than an older answer.
    if (!(this.reports.waiting || this.resting || this.held) && String(this.wanted()) !== String(data.places)) {
      this.reports.told = "";
      this.rows.forEach((row, i) => row.show(data.places[i]));
    }
    this.follow();
  }

  /** Takes in what one slider can be moved to from here. */
  async learn({ about, places, reach: { slider, frames } }) {
    if (frames === this.learnt || !self.DecompressionStream) return;
    this.learnt = frames;
    const unpacked = await unpack(frames);
    if (this.data.about !== about) return;
    const others = apart(places, slider);
    const before = this.known.get(slider);
    this.known.set(slider, {
      others,
      frames: new Map([...(before?.others === others ? before.frames : []), ...unpacked]),
    });
    this.follow();
  }

  /** What is shown where the sliders stand, if it is known. */
  shown() {
    const places = this.wanted();
    for (const [slider, { others, frames }] of this.known) {
      if (apart(places, slider) === others && frames.has(places[slider])) return frames.get(places[slider]);
    }
    return String(places) === String(this.data.places) ? this.data.now : undefined;
  }

  /** Draws what is shown where the sliders stand; whether that was known. */
  follow() {
    const frame = this.shown();
    if (frame) this.results.draw(frame);
    return Boolean(frame);
  }

  wanted() {
    return this.rows.map((row) => row.place);
  }

  get held() {
    return this.rows.some((row) => row.held);
  }

  /** The visitor is at a slider, and may drag it. */
  approach(slider, wait = 0) {
    if (!this.data.look || this.held) return;
    clearTimeout(this.approaching);
    this.approaching = setTimeout(() => {
      this.near = slider;
      if (this.known.get(slider)?.others !== apart(this.wanted(), slider)) this.reports.report();
    }, wait);
  }

  depart() {
    clearTimeout(this.approaching);
  }

  /** A slider was moved, and may be moved further. */
  moved(slider) {
    clearTimeout(this.resting);
    this.resting = 0;
    if (!this.follow()) return this.reports.report();
    this.resting = setTimeout(() => this.rest(), REST);
    if (!this.held && this.endsSoon(slider)) this.reports.report();
  }

  /** Whether a key that stays down will come to what is not known. */
  endsSoon(slider) {
    const row = this.rows[slider];
    const known = this.known.get(slider)?.frames;
    return [-AHEAD, AHEAD].some((by) => row.has(row.place + by) && !known?.has(row.place + by));
  }

  /** A slider was let go. */
  rest() {
    clearTimeout(this.resting);
    this.resting = 0;
    if (this.data.look) this.results.say();
    const isNew = !this.reports.told; // drawn anew: a slider that is left unmoved says nothing that is not known
    if (!isNew || String(this.wanted()) !== String(this.data.places)) this.reports.report();
  }

  /** Who is only near a slider moves none: what the server has set meanwhile stays. What it has not answered to is said
   * again, for of two reports in one run it hears the last. */
  tell(report) {
    const places = String(report.places);
    const moved = places !== this.agreed || places !== String(this.data.places);
    this.setTriggerValue("moved", { ...report, moved });
    this.agreed = places;
  }
}

/** Where all sliders but one stand. */
function apart(places, slider) {
  return String(places.map((place, i) => (i === slider ? "" : place)));
}

/** Words in which what follows an underscore is an index, as in C_in. */
function withIndices(words) {
  return words.split(/_(\w+)/).map((part, i) => {
    if (i % 2 === 0) return part;
    const index = document.createElement("sub");
    index.textContent = part;
    return index;
  });
}

class Row {
  held = false;

  constructor(group, slider) {
    this.group = group;
    this.element = document.createElement("div");
    this.element.className = "slider";
    this.element.innerHTML =
      '<span class="name" aria-hidden="true"></span><output aria-hidden="true"></output><span class="track"><input type="range" min="0" step="1"></span><span class="marks"></span>';
    for (const part of ["name", "output", "input", "marks"]) {
      this[part] = this.element.querySelector(part === "output" || part === "input" ? part : `.${part}`);
    }
    this.element.addEventListener("pointerenter", () => group.approach(slider, DWELL));
    this.element.addEventListener("pointerleave", () => group.depart());
    this.input.addEventListener("focus", () => group.approach(slider));
    this.input.addEventListener("pointerdown", () => {
      group.approach(slider);
      this.held = true;
    });
    for (const end of ["pointerup", "pointercancel", "blur"]) {
      this.input.addEventListener(end, () => {
        this.held = false;
        group.rest();
      });
    }
    this.input.addEventListener("change", () => {
      this.held = false;
      group.moved(slider); // a key may be pressed once more
    });
    this.input.addEventListener("input", () => {
      this.show(this.held ? this.snapped(this.input.valueAsNumber) : this.input.valueAsNumber);
      group.moved(slider);
    });
  }

  describe(slider) {
    this.slider = slider;
    const last = Math.max(slider.values.length - 1, 1);
    this.name.replaceChildren(...withIndices(slider.label));
    this.input.setAttribute("aria-label", slider.label);
    this.input.max = slider.values.length - 1;
    this.marks.replaceChildren(
      ...slider.marks.map((place) => {
        const mark = document.createElement("button");
        mark.type = "button";
        mark.tabIndex = -1; // by keyboard the slider itself reaches it
        mark.textContent = this.text(place);
        mark.setAttribute("aria-label", `${slider.label}: ${this.text(place)}`);
        mark.style.setProperty("--at", place / last);
        mark.addEventListener("click", () => {
          this.show(place);
          this.group.follow();
          this.group.rest();
        });
        return mark;
      }),
    );
    this.show(this.place ?? 0);
    return this;
  }

  show(place) {
    this.place = Math.min(place, this.slider.values.length - 1);
    this.input.value = this.place;
    const said = this.text(this.place);
    this.output.textContent = said;
    this.input.setAttribute("aria-valuetext", said);
    this.input.style.setProperty("--part", this.place / Math.max(this.slider.values.length - 1, 1));
  }

  text(place) {
    return this.slider.values[place].toFixed(this.slider.digits).replace(".", this.group.data.decimal);
  }

  has(place) {
    return place >= 0 && place < this.slider.values.length;
  }

  /** Where a pointer stops: at a mark that is near, or at one of the places that it can reach. */
  snapped(place) {
    const reach = NEAR * this.slider.values.length;
    const { marks, stops } = this.slider;
    const mark = marks.find((mark) => Math.abs(mark - place) <= reach);
    return mark ?? stops?.reduce((best, stop) => (Math.abs(stop - place) < Math.abs(best - place) ? stop : best)) ?? place;
  }
}
