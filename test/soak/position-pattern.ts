/**
 * Octets that say where in the content they stand: the octet at `position` is a function of it, with a period that no
 * buffer size divides, so that a piece lost, doubled or moved is seen where it happens.
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

/** The octets from `position` on; at most `lengthMax` of them, at least one. Not to be written to. */
export function patternAt(position: number, lengthMax: number): Buffer {
  const start = position % period;
  return ring.subarray(start, start + Math.min(lengthMax, period));
}

/** Compares octets with the pattern as they come. */
export class PatternCheck {
  octets = 0;
  /** Where the first wrong octet stood; null while all are right. */
  wrongAt: number | null = null;

  push(piece: Uint8Array): void {
    for (let from = 0; from < piece.length && this.wrongAt === null; ) {
      const expected = patternAt(this.octets, piece.length - from);
      if (expected.compare(piece, from, from + expected.length) !== 0) this.wrongAt = this.octets;
      from += expected.length;
      this.octets += expected.length;
    }
  }
}
