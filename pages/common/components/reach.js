// What a slider can be dragged to, which is sent before it is dragged; and the thumbs of Streamlit's own sliders. Streamlit
// tells the server once one is let go, but the thumb says where it is all the time.

/** Calls with every thumb of the page that moves, as long as this element is there. */
function watchThumbs(element, moved) {
  let wasThere = false;
  const observer = new MutationObserver((changes) => {
    if (element.isConnected) changes.forEach(({ target }) => moved(target));
    else if (wasThere) observer.disconnect();
    wasThere ||= element.isConnected;
  });
  observer.observe(document.body, { subtree: true, attributeFilter: ["aria-valuetext"] });
}

/** What sliders can be dragged to, as the server sends it. */
class Reach {
  frames = new Map(); // the class of a slider's container -> what is shown at each of its stops

  /** Takes in what is sent; until it is unpacked, nothing is known. */
  async learn(sent) {
    this.sent = sent;
    this.frames = new Map();
    if (!self.DecompressionStream) return;
    const unpacked = await Promise.all(sent.map(async ({ key, frames }) => [key, await unpack(frames)]));
    if (this.sent === sent) this.frames = new Map(unpacked);
  }

  /** What is shown where this thumb is, if it is known. */
  at(thumb) {
    for (const [key, frames] of this.frames) {
      if (thumb.closest(`.${key}`)) return frames[Math.round((thumb.value - thumb.min) / thumb.step)];
    }
  }
}

async function unpack(text) {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return JSON.parse(await new Response(stream).text());
}
