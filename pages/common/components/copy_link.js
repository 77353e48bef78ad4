// Copies the address: see copy_link.py.
const now = new WeakMap(); // the data by root; Streamlit calls again and again

async function copied(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch { // the clipboard is lent to pages with an https address alone: the old way asks nobody
    const field = Object.assign(document.createElement("textarea"), { value: text, readOnly: true });
    field.style.cssText = "position: fixed; opacity: 0";
    document.body.append(field);
    field.select();
    const done = document.execCommand("copy");
    field.remove();
    return done;
  }
}

export default function ({ parentElement, data }) {
  const button = parentElement.querySelector("button"), said = parentElement.querySelector("p");
  button.querySelector(".words").textContent = data.copy;
  const before = now.get(parentElement);
  now.set(parentElement, data);
  if (before && before.left_out !== data.left_out) said.textContent = "";
  if (before) return;
  button.addEventListener("click", async () => {
    const address = window.location.href, known = now.get(parentElement);
    said.textContent = (await copied(address)) ? `${known.copied} ${known.left_out}` : `${known.failed} ${address}`;
    button.focus();
  });
}
