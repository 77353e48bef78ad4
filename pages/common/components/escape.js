// Escape closes what is seen closely: it presses the first button in it.

const NOT_FOR_IT = 'input, textarea, [role="listbox"], [role="dialog"], [data-testid="stPopoverBody"]';
const closable = new WeakSet(); // Streamlit calls again and again

function closeOnEscape(place) {
  if (closable.has(place)) return;
  closable.add(place);
  const press = (event) => {
    if (!place.isConnected) return removeEventListener("keydown", press);
    if (event.key !== "Escape" || event.defaultPrevented) return;
    if (event.composedPath().some((part) => part.matches?.(NOT_FOR_IT))) return;
    event.preventDefault(); // of two that are open, one
    place.querySelector("button")?.click();
  };
  addEventListener("keydown", press);
}
