// Who has asked for another page has nothing to tell of this one any more. What a slider or a graph reports while the
// server turns to the other page would make Streamlit speak of the old one once more: then the click is lost, or the new
// page is cleared away while it is drawn. So whatever reports by itself is silent while the document is “leaving”.
const TURNING = 5000; // milliseconds after which another page is not waited for any more
const TELEPHONE = 768; // pixels; below, Streamlit draws the menu over the page

let page = null; // which is drawn
let turning = 0;

function isOn(drawn) {
  if (page === null) {
    addEventListener("click", (event) => leaveBy(event), true);
    addEventListener("popstate", () => leaveFor(location.pathname), true);
  }
  if (drawn !== page) stay();
  page = drawn;
}

function leaveBy({ target, button, ctrlKey, metaKey, shiftKey }) {
  const link = target.closest?.("a[href]");
  if (!link || button || ctrlKey || metaKey || shiftKey || link.target || link.origin !== location.origin) return;
  leaveFor(link.pathname);
  // On a telephone the menu covers the page that was chosen in it, until it is closed.
  if (innerWidth < TELEPHONE && link.closest('[data-testid="stSidebarNav"]')) {
    document.querySelector('[data-testid="stSidebarCollapseButton"] button')?.click();
  }
}

function leaveFor(pathname) {
  if ((pathname.split("/").filter(Boolean).pop() ?? "") === page) return stay();
  document.documentElement.dataset.leaving = "";
  clearTimeout(turning);
  turning = setTimeout(stay, TURNING);
}

function stay() {
  clearTimeout(turning);
  delete document.documentElement.dataset.leaving;
}
