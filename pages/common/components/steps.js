// Sends the arrow keys of a page that is presented: see steps.py.

// A remote control says PageDown and PageUp.
const KEYS = { ArrowLeft: "left", ArrowRight: "right", ArrowUp: "up", ArrowDown: "down", PageUp: "left", PageDown: "right" };
const ROLES = ["slider", "grid", "application", "listbox", "combobox", "radiogroup", "radio", "spinbutton", "tab", "menu", "menuitem", "option"];
const THEIRS = ["input, textarea, select", '[contenteditable="true"]', ...ROLES.map((role) => `[role="${role}"]`)].join(", ");
const PATIENCE = 5000; // milliseconds after which an answer is not waited for any more
const known = new WeakMap(); // root -> Presses; Streamlit calls again and again

export default function ({ parentElement, data, setTriggerValue }) {
  if (!known.has(parentElement)) known.set(parentElement, new Presses(parentElement, data.heard));
  known.get(parentElement).update(data, setTriggerValue);
}

/** Presses wait while the page answers those before: of two messages to a running script Streamlit forgets the first. */
class Presses {
  waiting = [];

  constructor(place, heard) {
    this.place = place;
    this.sent = heard;
    const press = (event) => {
      if (!place.isConnected) return removeEventListener("keydown", press, true);
      this.press(event);
    };
    addEventListener("keydown", press, true);
  }

  update(data, setTriggerValue) {
    this.setTriggerValue = setTriggerValue; // a new one each time: it knows the fragment to rerun
    this.place.dataset.steps = data.words; // for those who are told the keys
    if (data.heard === this.sent) this.answered();
  }

  press(event) {
    const key = KEYS[event.key];
    const { ctrlKey, metaKey, altKey, shiftKey } = event;
    if (!key || ctrlKey || metaKey || altKey || shiftKey || !("presenting" in document.documentElement.dataset)) return;
    if (event.composedPath().some((part) => part.matches?.(THEIRS))) return;
    event.preventDefault(); // nothing of this scrolls the page
    this.waiting.push(key);
    if (!this.patience) this.send();
  }

  send() {
    if ("leaving" in document.documentElement.dataset) return; // arrival.leaving.js
    this.sent += 1;
    this.setTriggerValue("pressed", { number: this.sent, keys: this.waiting.splice(0) });
    this.patience = setTimeout(() => this.answered(), PATIENCE);
  }

  answered() {
    clearTimeout(this.patience);
    this.patience = null;
    if (this.waiting.length) this.send();
  }
}
