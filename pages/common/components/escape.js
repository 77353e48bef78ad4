// Escape closes what is seen closely: it presses the first button in it.

const FIELDS = "input, textarea";
const ABOVE_IT = '[data-testid="stPopoverBody"], [role="listbox"], [role="dialog"]'; // what closes first
const closable = new WeakSet(); // Streamlit calls again and again

function closeOnEscape(place) {
  if (closable.has(place)) return;
  closable.add(place);
  const press = (event) => {
    if (!place.isConnected) return removeEventListener("keydown", press);
    if (event.key !== "Escape" || event.defaultPrevented) return;
    if (event.composedPath()[0].matches?.(FIELDS) || document.querySelector(ABOVE_IT)) return;
    event.preventDefault(); // of two that are open, one
    place.querySelector("button")?.click();
  };
  addEventListener("keydown", press);
}
