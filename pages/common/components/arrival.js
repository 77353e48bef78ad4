// What the document around the pages has to be told: see arrival.py.
const seen = new WeakSet(); // roots; Streamlit calls again and again

function isDark(element) {
  const canvas = document.createElement("canvas").getContext("2d");
  canvas.fillStyle = getComputedStyle(element).getPropertyValue("--st-background-color");
  canvas.fillRect(0, 0, 1, 1);
  const [red, green, blue] = canvas.getImageData(0, 0, 1, 1).data;
  return red + green + blue < 384;
}

export default function ({ parentElement, data, setTriggerValue }) {
  const { documentElement } = document;
  documentElement.lang = data.language;
  translateUploaders(data.uploaders); // arrival.uploaders.js
  isOn(data.page); // arrival.leaving.js
  const brightness = isDark(parentElement) ? "dark" : "light"; // Streamlit calls again for a new theme
  const { brightness: before = brightness } = documentElement.dataset;
  documentElement.dataset.brightness = brightness;
  if (brightness !== before) setTriggerValue("theme", brightness); // pictures that the server draws have its colours
  rescue(parentElement, () => setTriggerValue("lost", Date.now())); // arrival.rescue.js
  if (seen.has(parentElement)) return;
  seen.add(parentElement);
  shortenHistory(data.places);
  const page = window.location.pathname.split("/").filter(Boolean).pop() ?? "";
  if (!data.pages.includes(page)) return;
  const look = () => {
    for (const dialog of document.querySelectorAll('[role="dialog"]'))
      if (dialog.textContent.startsWith("Page not found")) dialog.querySelector('button[aria-label="Close"]')?.click();
  };
  for (const after of [0, 200, 1000]) setTimeout(look, after); // the message may be drawn after this
}

// An address of the same page that names the same place takes the entry of the one before. So does the first complete
// one: a page that is opened from the menu has an address without a word behind its name at first. Now and then its words
// come before its name and stand behind the name of the page before: then that page gets its own words back.
function shortenHistory(places) {
  if (Object.hasOwn(history, "pushState")) return; // done already, by an earlier session of this window
  const isOnItsWay = joinFirstEntries();
  const push = history.pushState;
  const placeIn = ({ pathname, searchParams: said }) => {
    const several = places[pathname.split("/").filter(Boolean).pop()] ?? [];
    const names = several.find((some) => some.every((name) => said.has(name))) ?? [];
    return names.map((name) => `${name}=${said.get(name)}`).join();
  };
  let last = null; // the page whose words changed last, what it was before, and whether that took its entry
  history.pushState = function (state, title, address) {
    if (isOnItsWay(state, title, address)) return;
    const here = new URL(location.href);
    const there = new URL(address ?? "", here);
    let takes = here.pathname === there.pathname && (!here.search || placeIn(here) === placeIn(there));
    if (here.pathname === there.pathname) {
      last = { href: there.href, before: here.href, state: history.state, takes };
    } else if (last?.href === here.href && here.search && here.search === there.search) {
      if (last.takes) history.replaceState(last.state, "", last.before);
      else takes = true;
    }
    return (takes ? history.replaceState : push).call(history, state, title, address);
  };
}

// The first complete address may have come before this script, as an entry of its own; Back would bring the bare one, and
// Streamlit complete it again. Then it takes the bare one's place, where the browser knows which entry is before; so does
// what is pushed on the way there. Comes back what takes such a push, and says whether it did.
function joinFirstEntries() {
  const [opened] = performance.getEntriesByType("navigation");
  const entries = window.navigation?.entries().slice(0, window.navigation.currentEntry.index + 1) ?? [];
  const steps = entries.reverse().findIndex(({ url, sameDocument }) => sameDocument && url === opened?.name);
  if (steps < 1 || new URL(opened.name).pathname !== location.pathname) return () => false;
  let last = [history.state, "", location.href];
  const arrived = (event) => {
    event.stopImmediatePropagation(); // it is no visitor's Back, and Streamlit need not run again
    history.replaceState(...last);
    last = null;
  };
  window.addEventListener("popstate", arrived, { capture: true, once: true });
  history.go(-steps);
  return (...pushed) => Boolean(last && (last = pushed));
}
