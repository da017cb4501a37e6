// Checks the events that a receiver gets.
import assert from 'node:assert/strict';
import { within } from './harness.mjs';

export const numberOf = (event) => event.number ?? event.data.number;

// The events of one receiver: each once or more, in order, and none missing.
export class Ledger {
  constructor(name) {
    this.name = name;
    this.numbers = new Map(); // number -> text
    this.words = new Set();
    this.last = 0; // the newest
    this.before = 0; // the one that came last
    this.again = 0;
    this.changed = () => {};
  }

  // After a crash the receiver may get some again, from any of them on; but none is missing.
  add(number, word) {
    assert.ok(Number.isSafeInteger(number) && number > 0, `${this.name}: number ${number}`);
    if (this.before > 0)
      assert.ok(number <= this.before + 1, `${this.name}: ${number} after ${this.before}: events out of order or lost`);
    this.before = number;
    if (this.numbers.has(number)) {
      assert.equal(word, this.numbers.get(number), `${this.name}: ${number} came twice with another event`);
      this.again++;
      return;
    }
    this.last = number;
    this.numbers.set(number, word);
    this.words.add(word);
    this.changed();
  }

  // Waits for all of them, as long as new ones arrive.
  async has(words) {
    const left = words.filter((word) => !this.words.has(word));
    const missing = () => left.filter((word) => !this.words.has(word));
    while (left.length > 0) {
      const more = new Promise((resolve) => (this.changed = resolve));
      await within(more, `${this.name} to get more`, 20000).catch((error) => {
        throw new Error(`${error.message}: ${missing().length} of ${words.length} are missing, as ${missing()[0]}`);
      });
      while (left.length > 0 && this.words.has(left.at(-1))) left.pop();
    }
  }
}
