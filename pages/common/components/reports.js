// What the browser tells the server while the hand moves: each report waits for the answer to the one before, so that a slow
// server is asked less often and never falls behind.

const PAUSE = 40; // milliseconds between two reports, at least
const PATIENCE = 600; // milliseconds after which an answer is no longer waited for

class Reports {
  told = ""; // the last report
  sent = 0; // when the last report left that has not been answered; 0 for none
  waiting = 0; // for the answer to the one before

  /** wanted() is what there is to tell now; send(report) tells it. */
  constructor(wanted, send) {
    this.wanted = wanted;
    this.send = send;
  }

  /** Tells the server, now or as soon as it has answered; nothing where it was told so last. */
  report() {
    if (this.waiting || "leaving" in document.documentElement.dataset) return; // arrival.leaving.js
    const report = this.wanted();
    const told = JSON.stringify(report);
    if (told === this.told) return;
    if (this.sent && performance.now() - this.sent < PATIENCE) {
      this.waiting = setTimeout(() => {
        this.waiting = 0;
        this.report();
      }, PAUSE);
      return;
    }
    this.sent = performance.now();
    this.told = told;
    this.send(report);
  }

  answered() {
    this.sent = 0;
  }
}
