// What canvases of layer graphs will look like when a block is opened or closed; graph.js looks here before it asks.
export default function ({ data }) {
  (globalThis.convscopeForesight ??= new Map()).set(data.canvas, data);
}
