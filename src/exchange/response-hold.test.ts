import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from '../../test/properties.ts';
import type { Framing, ResponseHead } from '../core/message.ts';
import type { Instant, Timer } from '../core/time.ts';
import { PairHeaders } from '../core/pair-headers.ts';
import { SimulatedClock } from '../testing/simulated-clock.ts';
import { ResponseHold, heldBytesMax } from './response-hold.ts';

class CountingClock extends SimulatedClock {
  timersSet = 0;

  override schedule<T>(at: Instant, fire: (subject: T) => void, subject: T): Timer {
    this.timersSet++;
    return super.schedule(at, fire, subject);
  }
}

class Owner {
  readonly released: Buffer[] = [];
  readonly references: Uint8Array[] = [];
  overAt = -1;
  readonly #clock: SimulatedClock;

  constructor(clock: SimulatedClock) {
    this.#clock = clock;
  }

  onHoldTimeout(): void {
    assert.equal(this.overAt, -1, 'it is told once');
    this.overAt = this.#clock.now();
  }

  forwardToClient(bytes: Uint8Array, start: number, end: number): void {
    this.references.push(bytes);
    this.released.push(Buffer.from(bytes.subarray(start, end)));
  }
}

function headOf(framing: Framing, headers: readonly (readonly [string, string])[] = []): ResponseHead {
  return {
    status: 200,
    reason: '',
    version: 'HTTP/1.1',
    headers: new PairHeaders(headers),
    framing,
    contentLength: -1,
  };
}

const chunked: Framing = { kind: 'chunked' };

function windowFor(framing: Framing, delayMs = 50): { clock: CountingClock; owner: Owner; hold: ResponseHold } {
  const clock = new CountingClock();
  const owner = new Owner(clock);
  return { clock, owner, hold: new ResponseHold(headOf(framing), delayMs, clock, owner) };
}

describe('the commit window', () => {
  it('neither copies nor times what comes whole within one read', () => {
    const { clock, owner, hold } = windowFor(chunked);
    const bytes = Buffer.from('-one-two-');
    hold.tryAdd(bytes, 1, 4);
    hold.tryAdd(bytes, 5, 8);
    hold.release();
    assert.equal(Buffer.concat(owner.released).toString(), 'onetwo');
    assert.ok(owner.references.every(({ buffer }) => buffer === bytes.buffer));
    assert.equal(clock.timersSet, 0);
  });

  it('keeps a copy of what is lent when the read is over', () => {
    const { owner, hold } = windowFor(chunked);
    const bytes = Buffer.from('lent');
    hold.tryAdd(bytes, 0, 4);
    assert.equal(hold.mayKeepHolding(), true);
    bytes.fill(0);
    hold.release();
    assert.equal(Buffer.concat(owner.released).toString(), 'lent');
  });

  it('sets one timer, however many pieces come', () => {
    const { clock, hold } = windowFor({ kind: 'length', bytes: 1000 });
    for (let piece = 0; piece < 20; piece++) {
      hold.tryAdd(Buffer.from('piece'), 0, 5);
      hold.mayKeepHolding();
      clock.advanceSync(1);
    }
    assert.equal(clock.timersSet, 1);
    hold.close();
    assert.equal(clock.timersLive, 0);
  });

  // Each row: the length that the response has announced, the held bytes, and whether it is held on behind the read.
  const KiB = 1024;
  const filled: readonly (readonly [announced: number | null, held: number, heldOn: boolean])[] = [
    [1000 * KiB, 59 * KiB, true],
    [1000 * KiB, 60 * KiB, false],
    [1000 * KiB, 64 * KiB, false],
    [64 * KiB, 63 * KiB, true],
    [null, 64 * KiB, true],
  ];
  for (const [announced, held, heldOn] of filled)
    it(`${heldOn ? 'goes on' : 'ends, and copies nothing,'} with ${held} bytes of ${announced ?? 'an unknown number'}`, () => {
      const { clock, owner, hold } = windowFor(announced === null ? chunked : { kind: 'length', bytes: announced });
      const bytes = Buffer.alloc(held);
      hold.tryAdd(bytes, 0, held);
      assert.equal(hold.mayKeepHolding(), heldOn);
      assert.equal(clock.timersSet, heldOn ? 1 : 0);
      hold.release();
      assert.equal(owner.references[0]?.buffer === bytes.buffer, !heldOn);
      assert.equal(Buffer.concat(owner.released).length, held);
    });

  it('delivers what it took byte for byte, never holds more than its bound, and never longer than its delay', () => {
    const piece = fc.record({
      bytes: fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 40_000 })),
      readOver: fc.boolean(),
      passMs: fc.nat({ max: 12 }),
    });
    const property = fc.property(fc.array(piece, { maxLength: 60 }), fc.boolean(), (pieces, lengthKnown) => {
      const { clock, owner, hold } = windowFor(lengthKnown ? { kind: 'length', bytes: 1e9 } : chunked);
      const taken: Buffer[] = [];
      const lent: Buffer[] = [];
      let salt = 0;
      for (const { bytes, readOver, passMs } of pieces) {
        const run = Buffer.alloc(bytes, ++salt);
        const fits = Buffer.concat(taken).length + bytes <= heldBytesMax;
        assert.equal(hold.tryAdd(run, 0, bytes), fits);
        if (!fits) break;
        taken.push(Buffer.from(run));
        lent.push(run);
        assert.ok(hold.bytes <= heldBytesMax);
        if (!readOver) continue;
        if (!hold.mayKeepHolding()) break; // It is released at once.
        for (const one of lent.splice(0)) one.fill(0xdb);
        clock.advanceSync(passMs);
        if (owner.overAt >= 0) break;
      }
      assert.ok(owner.overAt <= 50);
      hold.release();
      assert.ok(Buffer.concat(owner.released).equals(Buffer.concat(taken)));
      assert.deepEqual([hold.bytes, clock.timersLive], [0, 0]);
    });
    fc.assert(property, { numRuns: 300 });
  });

  it('ends for a body of unknown length when nothing has come for a fifth of the delay, and not before', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 15 }), { minLength: 1, maxLength: 12 }), (pauses) => {
        const { clock, owner, hold } = windowFor(chunked);
        let expected = 50;
        for (const pauseMs of pauses) {
          hold.tryAdd(Buffer.from('piece'), 0, 5);
          hold.mayKeepHolding();
          expected = Math.min(50, clock.now() + 10);
          clock.advanceSync(pauseMs);
          if (owner.overAt >= 0) break;
        }
        clock.advanceSync(60);
        assert.equal(owner.overAt, expected);
      }),
    );
  });

  it('ends for a head alone, or body of known length, when its delay does', () => {
    for (const framing of [chunked, { kind: 'length', bytes: 10 } as const]) {
      const { clock, owner, hold } = windowFor(framing);
      if (framing.kind === 'length') hold.tryAdd(Buffer.from('piece'), 0, 5);
      hold.mayKeepHolding();
      clock.advanceSync(100);
      assert.equal(owner.overAt, 50);
    }
  });

  it('calls no listener when it is closed, and holds nothing', () => {
    const { clock, owner, hold } = windowFor(chunked);
    hold.tryAdd(Buffer.from('piece'), 0, 5);
    hold.mayKeepHolding();
    hold.close();
    clock.advanceSync(100);
    assert.deepEqual([owner.overAt, hold.bytes, clock.timersLive], [-1, 0, 0]);
  });

  it('lets a stream go before anything is copied or timed', () => {
    const clock = new CountingClock();
    const head = headOf(chunked, [['content-type', 'text/event-stream']]);
    const hold = new ResponseHold(head, 50, clock, new Owner(clock));
    hold.tryAdd(Buffer.from('data: 1\n\n'), 0, 9);
    assert.equal(hold.mayKeepHolding(), false);
    assert.equal(clock.timersSet, 0);
  });
});
