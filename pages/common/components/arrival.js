// What the document around the pages has to be told: see arrival.py.
const seen = new WeakSet(); // roots; Streamlit calls again and again

function isDark(element) {
  const canvas = document.createElement("canvas").getContext("2d");
  canvas.fillStyle = getComputedStyle(element).getPropertyValue("--st-background-color");
  canvas.fillRect(0, 0, 1, 1);
  const [red, green, blue] = canvas.getImageData(0, 0, 1, 1).data;
  return red + green + blue < 384;
}

export default function ({ parentElement, data }) {
  const { documentElement } = document;
  documentElement.lang = data.language;
  documentElement.dataset.brightness = isDark(parentElement) ? "dark" : "light"; // Streamlit calls again for a new theme
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
