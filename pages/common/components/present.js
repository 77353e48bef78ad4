// Shows the page to a room and ends it again: see present.py. What it looks like then is in present.css.

const TOLD = 7000; // milliseconds for which the keys are shown
const COLOURS = ["--st-text-color", "--st-border-color", "--st-primary-color", "--st-font"];
const FIELDS = 'input, textarea, select, [contenteditable="true"], [role="slider"]';
const known = new WeakMap(); // the words by root; Streamlit calls again and again
const page = document.documentElement;

export default function ({ parentElement, data }) {
  const button = parentElement.querySelector("button");
  button.querySelector(".words").textContent = data.present;
  button.title = `${data.present} (Alt+P)`;
  const isFirst = !known.has(parentElement);
  known.set(parentElement, data);
  if (!isFirst) return;

  const begin = () => {
    if ("presenting" in page.dataset) return;
    page.dataset.presenting = "";
    page.requestFullscreen?.().catch(() => {}); // a browser may forbid it
    const colours = getComputedStyle(parentElement);
    for (const name of COLOURS) page.style.setProperty(name, colours.getPropertyValue(name));
    page.style.setProperty("--ground", getComputedStyle(document.querySelector('[data-testid="stApp"]')).backgroundColor);
    signs = shown(known.get(parentElement), end);
  };
  const end = () => {
    delete page.dataset.presenting;
    for (const name of [...COLOURS, "--ground"]) page.style.removeProperty(name);
    signs?.remove();
    if (document.fullscreenElement) document.exitFullscreen();
    button.focus({ preventScroll: true });
  };
  const listen = (type, act) => {
    const act_ = (event) => (parentElement.isConnected ? act(event) : removeEventListener(type, act_, true));
    addEventListener(type, act_, true); // before anything on the page
  };
  let signs = null;

  button.addEventListener("click", begin);
  listen("keydown", (event) => {
    const isShortcut = event.code === "KeyP" && event.altKey && !event.ctrlKey && !event.metaKey && !event.shiftKey;
    if (!isShortcut && !(event.key === "Escape" && "presenting" in page.dataset)) return;
    if ("presenting" in page.dataset) end();
    else begin();
    event.preventDefault();
    event.stopImmediatePropagation();
  });
  listen("fullscreenchange", () => !document.fullscreenElement && "presenting" in page.dataset && end());
  // The arrow keys belong to the page again after a click on a picture that would move its own cursor with them.
  listen("click", (event) => {
    if (!("presenting" in page.dataset) || event.composedPath()[0].closest?.(FIELDS)) return;
    let focused = document.activeElement;
    while (focused?.shadowRoot?.activeElement) focused = focused.shadowRoot.activeElement;
    focused?.blur();
  });
}

function shown(words, end) {
  const signs = Object.assign(document.createElement("div"), { className: "present-signs" });
  const way = Object.assign(document.createElement("button"), { type: "button", title: words.end, textContent: "×" });
  way.setAttribute("aria-label", words.end);
  way.addEventListener("click", end);
  const hint = document.createElement("p");
  hint.setAttribute("role", "status");
  signs.append(hint, way);
  document.body.append(signs);
  const steps = document.querySelector("[data-steps]")?.dataset.steps;
  hint.textContent = [steps, words.escape].filter(Boolean).join(" · ");
  setTimeout(() => hint.classList.add("over"), TOLD);
  return signs;
}
