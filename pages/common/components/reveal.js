// Scrolls to where this component stands, once for every new `what`: the reader clicked, or followed a link, to see it.
// Where that is something seen closely, Escape closes it.

const revealed = new WeakMap(); // root -> what; Streamlit calls again and again

export default function ({ parentElement, data }) {
  const closeUp = (parentElement.host ?? parentElement).closest?.('[class*="st-key-close-up"]');
  if (closeUp) closeOnEscape(closeUp); // escape.js
  if (revealed.get(parentElement) === data.what) return;
  const isArrival = !revealed.has(parentElement);
  revealed.set(parentElement, data.what);
  keepInView(parentElement.host ?? parentElement, data.to, isArrival ? "instant" : "smooth"); // keeping.js
}
