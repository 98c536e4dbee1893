import type { Dialect } from '../../diagnose/dialect.ts';
import { LogExplainer } from '../../diagnose/log-explainer.ts';
import { wholeLines } from '../../diagnose/pasted/whole-lines.ts';

/** What people paste is not longer; a longer input is a log, and its lines are whole. */
const pastedBytesMax = 16 * 1024;

/**
 * Holds the beginning of standard input. If that is all of it, lines that a terminal has broken are joined, since people paste
 * them there.
 */
export class PastedInput {
  readonly #dialects: readonly Dialect[];
  #held: Buffer | null = Buffer.alloc(0);

  constructor(dialects: readonly Dialect[]) {
    this.#dialects = dialects;
  }

  /** The bytes to read now; none while the input may be short. */
  take(bytes: Uint8Array): Uint8Array {
    if (this.#held === null) return bytes;
    const held = Buffer.concat([this.#held, bytes]);
    this.#held = held.length > pastedBytesMax ? null : held;
    return this.#held === null ? held : new Uint8Array(0);
  }

  /** The rest: the whole of a short input, with its lines joined. */
  end(): Uint8Array {
    const held = this.#held ?? Buffer.alloc(0);
    this.#held = null;
    const lines = held.toString('utf8').split(/\r?\n/);
    const explainer = new LogExplainer(this.#dialects, { parts: false });
    const isWhole = lines.every((line) => line.trim() === '' || explainer.read(line) !== null);
    if (isWhole || held.includes(0)) return held;
    const written = lines.at(-1) === '' ? lines.slice(0, -1) : lines;
    return Buffer.from(`${wholeLines(written, this.#dialects).join('\n')}\n`);
  }
}
