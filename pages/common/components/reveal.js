// Scrolls to where this component stands, once for every new `what`: the reader clicked there to see it.
const revealed = new WeakMap(); // root -> what; Streamlit calls again and again

export default function ({ parentElement, data }) {
  if (revealed.get(parentElement) === data.what) return;
  revealed.set(parentElement, data.what);
  const place = parentElement.host ?? parentElement;
  setTimeout(() => place.scrollIntoView({ behavior: "smooth", block: "center" }), 150); // after what lies above is laid out
}
