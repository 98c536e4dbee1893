import { endedAtOf } from './exchange-shape.ts';
import type { EndedExchange } from '../core/exchange.ts';
import type { TextRedactor } from '../redact/text-redactor.ts';
import type { Instant } from '../core/time.ts';
import { type UnparsedJson, unparsedOf } from '../core/unparsed-bytes.ts';
import { recordLimits } from './limits.ts';

/** What begins such a line in the ring of the store; lines of exchanges begin with a number. */
export const unparsedMark = 'u';

/** An endpoint that sends garbage does so a thousand times a second. A worker passes on the bytes of so many exchanges, and then of one in so long. */
const exchangesMax = 100;
const earnedEveryMs = 10_000;
const attemptsMax = 4;

/** The bytes that could not be parsed, as a line of an exchange has them. */
export interface UnparsedLine {
  readonly id: string;
  /** When the exchange ended: milliseconds since 1970. */
  readonly at: number;
  readonly unparsed: readonly UnparsedJson[];
}

/**
 * Lines for the store alone, with the bytes of an exchange that could not be parsed: `u {"id":…,"at":…,"unparsed":[…]}`. They are in no record, since records are
 * logged, exported and shown.
 */
export class UnparsedLines {
  readonly #redactor: TextRedactor;
  #left = exchangesMax;
  #earnedAt: Instant | null = null;

  constructor(redactor: TextRedactor) {
    this.#redactor = redactor;
  }

  /** With LF; null: everything could be parsed, or there were too many. */
  lineOf(exchange: EndedExchange): string | null {
    const unparsed = this.#unparsedOf(exchange);
    if (unparsed.length === 0 || !this.#admits(exchange.endedAt)) return null;
    const at = Math.round(endedAtOf(exchange));
    const line: UnparsedLine = { id: exchange.id.slice(0, recordLimits.id), at, unparsed };
    return `${unparsedMark} ${JSON.stringify(line)}\n`;
  }

  #unparsedOf({ attempts }: EndedExchange): UnparsedJson[] {
    const all = attempts.flatMap(({ failure }, index) => {
      const found = failure === null ? null : unparsedOf(failure);
      if (found === null) return [];
      const { part, offset, bytes } = found;
      return [{ attempt: index + 1, part, offset, bytes: this.#redactor.redact(Buffer.from(bytes).toString('hex')) }];
    });
    return all.slice(-attemptsMax);
  }

  #admits(now: Instant): boolean {
    const earned = Math.floor((now - (this.#earnedAt ?? now)) / earnedEveryMs);
    this.#left = Math.min(exchangesMax, this.#left + earned);
    if (this.#earnedAt === null || earned > 0) this.#earnedAt = now;
    if (this.#left === 0) return false;
    this.#left -= 1;
    return true;
  }
}
