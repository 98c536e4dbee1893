/**
 * Bytes that show their position in the body: the byte at `position` is a function of it, with a period that no buffer
 * size divides, so that lost, repeated and moved bytes are noticed where they are.
 */
const period = 1_000_003;
const ring = makeRing();

function makeRing(): Buffer {
  // Twice the period: any run of up to one period is a view of it.
  const made = Buffer.allocUnsafe(period * 2);
  let state = 1;
  for (let at = 0; at < period; at++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    made[at] = state >>> 24;
  }
  made.copy(made, period, 0, period);
  return made;
}

/** The bytes from `position` on; at most `lengthMax` of them, at least one. Read-only. */
export function patternAt(position: number, lengthMax: number): Buffer {
  const start = position % period;
  return ring.subarray(start, start + Math.min(lengthMax, period));
}

/** Compares bytes with the pattern as they come. */
export class PatternCheck {
  bytes = 0;
  /** The position of the first wrong byte; null while all are right. */
  wrongAt: number | null = null;

  push(part: Uint8Array): void {
    for (let from = 0; from < part.length && this.wrongAt === null; ) {
      const expected = patternAt(this.bytes, part.length - from);
      if (expected.compare(part, from, from + expected.length) !== 0) this.wrongAt = this.bytes;
      from += expected.length;
      this.bytes += expected.length;
    }
  }
}
