// Scrolls to where this component stands, once for every new `what`: the reader clicked, or followed a link, to see it.
// Where that is something seen closely, Escape closes it.

const SETTLED = 4000; // milliseconds after which nothing above grows any more
const revealed = new WeakMap(); // root -> what; Streamlit calls again and again
let leave = () => {}; // the place that is kept now; a new one takes over

export default function ({ parentElement, data }) {
  const closeUp = (parentElement.host ?? parentElement).closest?.('[class*="st-key-close-up"]');
  if (closeUp) closeOnEscape(closeUp); // escape.js
  if (revealed.get(parentElement) === data.what) return;
  const isArrival = !revealed.has(parentElement);
  revealed.set(parentElement, data.what);
  keep(parentElement.host ?? parentElement, data.to, isArrival);
}

function keep(place, to, isArrival) {
  leave();
  place.style.scrollMarginTop = "4.5rem"; // below Streamlit's header
  const room = place.closest('[data-testid="stMainBlockContainer"]') ?? document.body;
  const scroller = place.closest('[data-testid="stMain"]') ?? document.scrollingElement;
  const scroll = (behavior) => {
    if (!place.isConnected) return leave();
    if (to === "start") makeRoom(place, room, scroller);
    place.scrollIntoView({ behavior, block: to });
  };
  const observer = new ResizeObserver(() => scroll("instant"));
  const moved = ["wheel", "touchmove", "pointerdown", "keydown"];
  const timers = [
    setTimeout(() => { // after what lies above is laid out
      scroll(isArrival ? "instant" : "smooth");
      if (to === "start") observer.observe(room);
    }, 150),
    setTimeout(() => leave(), SETTLED),
  ];
  leave = () => {
    timers.forEach(clearTimeout);
    observer.disconnect();
    for (const type of moved) removeEventListener(type, leave, true);
    leave = () => {};
  };
  for (const type of moved) addEventListener(type, leave, true);
}

// Lengthens the page, where otherwise its end would keep the place from coming to the top of the window.
function makeRoom(place, room, scroller) {
  const below = room.getBoundingClientRect().bottom - place.getBoundingClientRect().top;
  const lacking = scroller.clientHeight - below;
  if (lacking > 0) room.style.paddingBottom = `${parseFloat(getComputedStyle(room).paddingBottom) + lacking}px`;
}
