import { type LastWords, lastWords, wordsAfterExit } from '#failures/last-words.ts';

/**
 * The output of a program as lines without control characters. Lines are shown in terminals, events and pages, where text
 * that a client makes the application print must not move a cursor or hide a line.
 */

/** Of one line. Longer ones are cut and say so; with `linesMax` it bounds what one instance holds to 0.8 MB. */
export const lineBytesMax = 4_096;

/** Lines kept of one run: enough for a stack trace and what led to it. */
export const linesMax = 200;

/** Cuts a stream into lines. Holds at most one unfinished line of `lineBytesMax` bytes. */
export class OutputLineReader {
  readonly #onLine: (line: string) => void;
  readonly #held = Buffer.alloc(lineBytesMax);
  #heldBytes = 0;
  /** Bytes of the present line that did not fit. */
  #lostBytes = 0;

  constructor(onLine: (line: string) => void) {
    this.#onLine = onLine;
  }

  read(chunk: Uint8Array): void {
    let start = 0;
    while (start < chunk.length) {
      const newline = chunk.indexOf(0x0a, start);
      const end = newline === -1 ? chunk.length : newline;
      this.#hold(chunk, start, end);
      if (newline === -1) return;
      this.#flush();
      start = newline + 1;
    }
  }

  /** What has come of a line whose end has not: for another reader to go on with. */
  get unfinished(): Uint8Array {
    return this.#held.subarray(0, this.#heldBytes);
  }

  /** The stream has ended: what is left is a line too. */
  end(): void {
    if (this.#heldBytes > 0) this.#flush();
  }

  #hold(chunk: Uint8Array, start: number, end: number): void {
    const fits = Math.min(end - start, lineBytesMax - this.#heldBytes);
    this.#held.set(chunk.subarray(start, start + fits), this.#heldBytes);
    this.#heldBytes += fits;
    this.#lostBytes += end - start - fits;
  }

  #flush(): void {
    const isCarriageReturn = this.#heldBytes > 0 && this.#held[this.#heldBytes - 1] === 0x0d;
    const text = this.#held.toString('utf8', 0, this.#heldBytes - (isCarriageReturn ? 1 : 0));
    const lost = this.#lostBytes > 0 ? ` … (${this.#lostBytes} more bytes)` : '';
    this.#heldBytes = 0;
    this.#lostBytes = 0;
    this.#onLine(harmless(text) + lost);
  }
}

/** The last lines of one run. */
export class OutputTail {
  readonly #lines: string[] = [];

  add(line: string): void {
    if (this.#lines.push(line) > linesMax) this.#lines.shift();
  }

  /** Oldest first. */
  get lines(): readonly string[] {
    return this.#lines;
  }

  /** What the lines say of why the program ended; null: there is none with text. */
  get words(): LastWords | null {
    return lastWords(this.#lines);
  }

  /** The same, after the program has ended so: a stack, a goodbye or the runtime's farewell may follow the line. */
  wordsAfter(exit: { readonly code: number | null }): LastWords | null {
    return wordsAfterExit(this.#lines, exit);
  }
}

/** Terminal sequences (colours, cursor, window title: ECMA-48 §5.4, §5.6) say nothing outside a terminal. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: finding control characters is what it is for.
const terminalSequences = /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)|[ -/]*[0-Z\\^-~])/g;
// biome-ignore lint/suspicious/noControlCharactersInRegex: as above.
const controls =
  /[\u0000-\u0008\u000a-\u001f\u007f-\u009f\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/g;

/**
 * Colours removed; other control characters shown as what they are (␀, ␛); those without a picture, what turns
 * the direction of text, and what is not shown, as U+FFFD.
 */
export function harmless(text: string): string {
  return text.replace(terminalSequences, '').replace(controls, controlPicture);
}

function controlPicture(character: string): string {
  const code = character.charCodeAt(0);
  if (code < 0x20) return String.fromCharCode(0x2400 + code);
  return code === 0x7f ? '\u2421' : '\ufffd';
}
