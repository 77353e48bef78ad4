// A page that Streamlit has lost comes back by itself. When a part of the page before reports late, Streamlit can clear
// the new page away; and where what it sends next has no place any more, nothing is left of it but white.
const LOST = "convscope.lost"; // when it was last tried, which a page that is loaded anew has to know
const PATIENCE = 1500; // milliseconds without a page
const AGAIN = 20_000; // milliseconds in which it is tried once: a page that cannot be drawn would be tried for ever
const LOOKS = 250; // milliseconds between two looks

let draw = null; // asks for the page once more
let since = null; // when there was no page any more

function rescue(frame, ask) {
  if (!draw) setInterval(lookForPage, LOOKS);
  draw = () => (frame.isConnected ? ask() : location.reload());
}

function lookForPage() {
  const app = document.querySelector(".stApp");
  const isLost = !document.querySelector("h1") && (!app || app.dataset.testScriptState === "notRunning");
  const now = Date.now();
  since = isLost ? since ?? now : null;
  if (!isLost || now - since < PATIENCE || now - Number(sessionStorage.getItem(LOST)) < AGAIN) return;
  sessionStorage.setItem(LOST, now);
  draw();
}
