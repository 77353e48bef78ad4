// Closes the message “Page not found” if the address is that of a page: see arrival.py. Other messages stay.
const seen = new WeakSet(); // roots; Streamlit calls again and again

export default function ({ parentElement, data }) {
  if (seen.has(parentElement)) return;
  seen.add(parentElement);
  const page = window.location.pathname.split("/").filter(Boolean).pop() ?? "";
  if (!data.pages.includes(page)) return;
  const look = () => {
    for (const dialog of document.querySelectorAll('[role="dialog"]'))
      if (dialog.textContent.startsWith("Page not found")) dialog.querySelector('button[aria-label="Close"]')?.click();
  };
  for (const after of [0, 200, 1000]) setTimeout(look, after); // the message may be drawn after this
}
