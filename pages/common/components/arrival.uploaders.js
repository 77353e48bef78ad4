// What Streamlit itself writes on a field for files, in the language of the page: it knows English alone.

const UPLOADERS = document.getElementsByClassName("stFileUploader"); // those that are there at the time
const WRITTEN = '[data-testid="stFileUploaderDropzone"] button p, [data-testid="stFileUploaderDropzoneInstructions"] span';
const NAMED = "button[aria-label], input[aria-label]";
const written = new WeakMap(); // text, or element with a name -> what Streamlit wrote, and what stands there for it
let uploaderWords = {}; // English -> the page's
let watching = null;

function translateUploaders(words) {
  uploaderWords = words;
  translate();
  if (watching) return;
  watching = new MutationObserver(translate);
  watching.observe(document.body, { childList: true, subtree: true });
}

function translate() {
  for (const uploader of UPLOADERS) {
    for (const { childNodes } of uploader.querySelectorAll(WRITTEN)) {
      for (const text of childNodes) put(text, text.nodeValue, (words) => (text.nodeValue = words));
    }
    for (const part of uploader.querySelectorAll(NAMED)) put(part, part.ariaLabel, (words) => (part.ariaLabel = words));
  }
}

function put(part, now, write) {
  const before = written.get(part);
  const english = before?.now === now ? before.english : now;
  const isIn = (words) => ` ${english} `.includes(` ${words} `);
  const found = Object.keys(uploaderWords).find(isIn); // the first, for what follows may be the name of a file
  const wanted = found ? english.replace(found, uploaderWords[found]) : english;
  written.set(part, { english, now: wanted });
  if (wanted !== now) write(wanted);
}
