/**
 * Finds texts in bytes that come in parts, as the automaton of Aho and Corasick: one step for each byte, however many texts there are. Of matches
 * that overlap the one that begins first is taken, of those that begin at the same place the longest.
 */
export class TextSearch {
  readonly replacements: readonly Buffer[];
  /** The class of each byte: 0 for those that no text has. */
  readonly classOf = new Uint8Array(256);
  /** The next state, by state and class. */
  readonly next: Int32Array;
  readonly classes: number;
  /** How many bytes have led to a state: the beginning of a text that may follow. */
  readonly depth: Int32Array;
  /** The longest text that ends in a state; −1: none. */
  readonly found: Int32Array;
  readonly lengths: Int32Array;

  constructor(pairs: readonly (readonly [text: string, replacement: string])[]) {
    const texts = pairs.map(([text]) => Buffer.from(text));
    this.replacements = pairs.map(([, replacement]) => Buffer.from(replacement));
    this.lengths = Int32Array.from(texts, ({ length }) => length);
    let classes = 1;
    for (const text of texts) for (const byte of text) if (this.classOf[byte] === 0) this.classOf[byte] = classes++;
    this.classes = classes;
    const statesMax = 1 + texts.reduce((sum, { length }) => sum + length, 0);
    this.next = new Int32Array(statesMax * classes);
    this.depth = new Int32Array(statesMax);
    this.found = new Int32Array(statesMax).fill(-1);
    this.#link(this.#addAll(texts));
  }

  /** The states of all texts; their number. */
  #addAll(texts: readonly Buffer[]): number {
    let states = 1;
    for (const [index, text] of texts.entries()) {
      let state = 0;
      for (const byte of text) {
        const cell = state * this.classes + this.classOf[byte]!;
        if (this.next[cell] === 0) {
          this.depth[states] = this.depth[state]! + 1;
          this.next[cell] = states++;
        }
        state = this.next[cell]!;
      }
      this.found[state] = index;
    }
    return states;
  }

  /** Where no text goes on, the state of the longest end that begins a text. */
  #link(states: number): void {
    const { next, classes, found } = this;
    const fallback = new Int32Array(states);
    const queue = [0];
    for (let at = 0; at < queue.length; at++) {
      const state = queue[at]!;
      for (let index = 1; index < classes; index++) {
        const cell = state * classes + index;
        const other = state === 0 ? 0 : next[fallback[state]! * classes + index]!;
        const child = next[cell]!;
        if (child === 0) next[cell] = other;
        else {
          fallback[child] = other;
          if (found[child] === -1) found[child] = found[other]!;
          queue.push(child);
        }
      }
    }
  }
}

/** Replaces in one body. */
export class TextReplacing {
  readonly #search: TextSearch;
  /** Bytes that may be the beginning of a text, and the state that they have led to. */
  #held: Buffer = Buffer.alloc(0);
  #state = 0;
  /** A text that is found, if none that began before it or is longer follows: where it begins in what is held, and which. */
  #start = -1;
  #which = -1;

  constructor(search: TextSearch) {
    this.#search = search;
  }

  /** The bytes that can go on, with what was held. Borrowed bytes are copied. */
  push(bytes: Uint8Array): Buffer {
    return this.#run(Buffer.concat([this.#held, bytes]), this.#held.length, false);
  }

  /** The rest. */
  end(): Buffer {
    return this.#run(this.#held, this.#held.length, true);
  }

  #run(bytes: Buffer, from: number, isLast: boolean): Buffer {
    const { classOf, next, classes, depth, found, lengths, replacements } = this.#search;
    const parts: Buffer[] = [];
    let at = from;
    let written = 0;
    for (;;) {
      const isOver = at === bytes.length;
      if (this.#start >= 0 && ((isOver && isLast) || at - depth[this.#state]! > this.#start)) {
        // No longer text, and none that begins before it, can follow.
        parts.push(bytes.subarray(written, this.#start), replacements[this.#which]!);
        written = at = this.#start + lengths[this.#which]!;
        this.#start = -1;
        this.#state = 0;
        continue;
      }
      if (isOver) break;
      this.#state = next[this.#state * classes + classOf[bytes[at]!]!]!;
      at++;
      const which = found[this.#state]!;
      if (which < 0) continue;
      const start = at - lengths[which]!;
      if (this.#start >= 0 && start > this.#start) continue;
      this.#start = start;
      this.#which = which;
    }
    const keep = isLast ? at : Math.min(at - depth[this.#state]!, this.#start < 0 ? at : this.#start);
    parts.push(bytes.subarray(written, keep));
    this.#held = bytes.subarray(keep);
    if (this.#start >= 0) this.#start -= keep;
    return parts.length === 1 ? parts[0]! : Buffer.concat(parts);
  }
}
