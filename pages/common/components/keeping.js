// Keeps a place in view while what stands above it still grows, until the visitor moves.

const SETTLED = 4000; // milliseconds after which nothing above grows any more
let leave = () => {}; // the place that is kept now; a new one takes over

function keepInView(place, to, behavior) {
  leave();
  place.style.scrollMarginTop = "4.5rem"; // below Streamlit's header
  const around = place.getRootNode().host ?? place;
  const room = around.closest('[data-testid="stMainBlockContainer"]') ?? document.body;
  const scroller = around.closest('[data-testid="stMain"]') ?? document.scrollingElement;
  const scroll = (behavior) => {
    if (!place.isConnected) return leave();
    if (to === "start") makeRoom(place, room, scroller);
    place.scrollIntoView({ behavior, block: to });
  };
  const observer = new ResizeObserver(() => scroll("instant"));
  const moved = ["wheel", "touchmove", "pointerdown", "keydown"];
  const timers = [
    setTimeout(() => { // after what lies above is laid out
      scroll(behavior);
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
