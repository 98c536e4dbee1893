import type { Dialect } from '#explain/dialect.ts';
import { LogExplainer } from '#explain/log-explainer.ts';
import { joinedFragments } from '#explain/pasted/whole-lines.ts';

/** What people paste, or save from a chat or a mail, is not longer; a longer input is a log, and its lines are whole. */
const pastedBytesMax = 16 * 1024;

/**
 * Holds the beginning of an input. If that is all of it, lines that a terminal or a mail has broken are joined. In a file, blank
 * lines stand for the rest of a joined line, so that the others keep their numbers.
 */
export class PastedInput {
  readonly #dialects: readonly Dialect[];
  #held: Buffer | null = Buffer.alloc(0);

  readonly #isFile: boolean;

  constructor(dialects: readonly Dialect[], isFile: boolean) {
    this.#dialects = dialects;
    this.#isFile = isFile;
  }

  /** The bytes to read now; none while the input may be short. */
  take(bytes: Uint8Array): Uint8Array {
    if (this.#held === null) return bytes;
    if (this.#held.length === 0 && bytes.length > pastedBytesMax) {
      this.#held = null;
      return bytes;
    }
    const held = Buffer.concat([this.#held, bytes]);
    this.#held = held.length > pastedBytesMax ? null : held;
    return this.#held === null ? held : new Uint8Array(0);
  }

  /** The rest: the whole of a short input, with its lines joined. */
  end(): Uint8Array {
    const held = this.#held ?? Buffer.alloc(0);
    this.#held = null;
    const fragments = held.toString('utf8').split(/\r?\n/);
    const explainer = new LogExplainer(this.#dialects, { parts: false });
    const isWhole = fragments.every((line) => line.trim() === '' || explainer.read(line) !== null);
    if (isWhole || held.includes(0)) return held;
    const written = fragments.at(-1) === '' ? fragments.slice(0, -1) : fragments;
    const lines = joinedFragments(written, this.#dialects).map(
      ({ text, count }) => `${text}${'\n'.repeat(this.#isFile ? count : 1)}`,
    );
    return Buffer.from(lines.join(''));
  }
}
