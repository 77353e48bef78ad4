// Sliders that report while they are dragged: each report waits for the answer to the one before, so that a slow server
// is asked less often and never falls behind.

const PAUSE = 40; // milliseconds between two reports, at least
const PATIENCE = 600; // milliseconds after which an answer is no longer waited for
const NEAR = 0.012; // of the track, within which a dragged slider snaps to a mark
const groups = new WeakMap(); // element -> Group; Streamlit calls again and again

export default function ({ parentElement, data, setTriggerValue }) {
  const element = parentElement.querySelector(".sliders");
  if (!groups.has(element)) groups.set(element, new Group(element));
  groups.get(element).update(data, setTriggerValue);
}

class Group {
  rows = [];
  said = "";
  told = ""; // the last report
  sent = 0; // when the last report left that has not been answered; 0 for none

  constructor(element) {
    this.element = element;
  }

  update(data, setTriggerValue) {
    this.setTriggerValue = setTriggerValue; // a new one each time: it knows the fragment to rerun
    if (data === this.data) return; // only the theme changed, and that is CSS’s affair
    this.data = data;
    const said = JSON.stringify(data.sliders);
    if (said !== this.said) {
      this.said = said;
      this.rows = data.sliders.map((slider, i) => (this.rows[i] ?? this.row()).describe(slider));
      this.element.replaceChildren(...this.rows.map((row) => row.element));
    }
    const newest = this.wanted();
    this.sent = 0;
    if (this.waiting || this.held) return; // the hand knows better than an older answer
    if (String(newest) === String(data.places)) return;
    this.told = "";
    this.rows.forEach((row, i) => row.show(data.places[i]));
  }

  row() {
    return new Row(() => this.report());
  }

  wanted() {
    return this.rows.map((row) => row.place);
  }

  get held() {
    return this.rows.some((row) => row.held);
  }

  /** Tells the server, now or as soon as it has answered. */
  report() {
    if (this.waiting) return;
    const report = { places: this.wanted(), rests: !this.held };
    const told = JSON.stringify(report);
    if (told === this.told) return;
    const since = performance.now() - this.sent;
    if (this.sent && since < PATIENCE) {
      this.waiting = setTimeout(() => this.again(), PAUSE);
      return;
    }
    this.sent = performance.now();
    this.told = told;
    this.setTriggerValue("moved", report);
  }

  again() {
    this.waiting = 0;
    this.report();
  }
}

class Row {
  held = false;

  constructor(report) {
    this.element = document.createElement("label");
    this.element.className = "slider";
    this.element.innerHTML =
      '<span class="name"></span><output></output><span class="track"><input type="range" min="0" step="1"></span><span class="marks" aria-hidden="true"></span>';
    for (const part of ["name", "output", "input", "marks"]) {
      this[part] = this.element.querySelector(part === "output" || part === "input" ? part : `.${part}`);
    }
    this.input.addEventListener("pointerdown", () => (this.held = true));
    for (const end of ["pointerup", "pointercancel", "blur", "change"]) {
      this.input.addEventListener(end, () => {
        this.held = false;
        report();
      });
    }
    this.input.addEventListener("input", () => {
      this.show(this.held ? this.snapped(this.input.valueAsNumber) : this.input.valueAsNumber);
      report();
    });
  }

  describe(slider) {
    this.slider = slider;
    const last = Math.max(slider.values.length - 1, 1);
    this.name.textContent = slider.label;
    this.input.setAttribute("aria-label", slider.label); // the label's own text also holds the value
    this.input.max = slider.values.length - 1;
    this.marks.replaceChildren(
      ...slider.marks.map((place) => {
        const mark = document.createElement("span");
        mark.textContent = this.text(place);
        mark.style.setProperty("--at", place / last);
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
    return this.slider.values[place].toFixed(this.slider.digits);
  }

  snapped(place) {
    const reach = NEAR * this.slider.values.length;
    return this.slider.marks.find((mark) => Math.abs(mark - place) <= reach) ?? place;
  }
}
