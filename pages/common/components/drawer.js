// Tells the drawer how wide the page is and on which ground it stands.

const NARROW = 800; // pixels of the page's width, below which nothing would be left beside the drawer
const watched = new WeakSet(); // drawers; Streamlit calls again and again

export default function ({ parentElement, data }) {
  const drawer = (parentElement.host ?? parentElement).closest(".st-key-drawer");
  if (!drawer) return;
  const main = document.querySelector('[data-testid="stMain"]');
  drawer.setAttribute("role", "region");
  drawer.setAttribute("aria-label", data.title);
  drawer.style.setProperty("--ground", getComputedStyle(document.querySelector('[data-testid="stApp"]')).backgroundColor);
  const measure = () => {
    drawer.style.setProperty("--main-width", `${main.clientWidth}px`);
    drawer.dataset.place = main.clientWidth < NARROW ? "over" : "beside";
    const seen = `${drawer.dataset.what} ${main.clientWidth}`;
    if (drawer.dataset.seen !== seen) dispatchEvent(new Event("convscope.drawer")); // whatever it covers may make room
    drawer.dataset.seen = seen;
  };
  if (drawer.dataset.what !== data.title) drawer.scrollTop = 0;
  drawer.dataset.what = data.title;
  measure();
  if (watched.has(drawer)) return;
  watched.add(drawer);
  const observer = new ResizeObserver(() => (drawer.isConnected ? measure() : observer.disconnect()));
  observer.observe(main);
  closeOnEscape(drawer); // escape.js
}
