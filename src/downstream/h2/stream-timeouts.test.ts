import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Deadlines } from '../../core/deadline.ts';
import type { ClientLimits } from '../../core/listener-spec.ts';
import { SimulatedClock } from '../../testing/simulated-clock.ts';
import type { Slowness } from '../timeouts.ts';
import { StreamTimeouts, type StreamTimeoutsOwner } from './stream-timeouts.ts';

const limits = { bodyMs: 5000, bodyRateMin: 200, writeMs: 5000, writeRateMin: 200, rateGraceMs: 1000 };

class Stream implements StreamTimeoutsOwner {
  readonly clock = new SimulatedClock();
  readonly deadlines = new Deadlines(this.clock);
  readonly timeouts: StreamTimeouts;
  readonly overdue: (readonly [what: 'content' | 'window', slowness: Slowness | null])[] = [];
  bodyReceived = 0;
  bodySent = 0;
  allBodySent = 0;
  awaitsWindow = true;
  isOwnWindowOpen = false;

  constructor(changes: Partial<typeof limits> = {}) {
    const changed = { ...limits, ...changes } as unknown as ClientLimits;
    this.timeouts = new StreamTimeouts(changed, this.clock, this.deadlines, this);
  }

  onBodyOverdue(slowness: Slowness | null): void {
    this.overdue.push(['content', slowness]);
  }

  onWindowOverdue(slowness: Slowness | null): void {
    this.overdue.push(['window', slowness]);
    this.timeouts.stop();
  }

  pass(ms: number): void {
    this.clock.advanceSync(ms);
  }

  /** Whether it is overdue within ten seconds in which so many bytes leave each second. */
  isOverdueAt(bytesPerS: Partial<Pick<Stream, 'bodySent' | 'allBodySent'>>): boolean {
    for (let second = 0; second < 10; second++) {
      this.bodySent += bytesPerS.bodySent ?? 0;
      this.allBodySent += bytesPerS.allBodySent ?? 0;
      this.pass(1000);
    }
    return this.overdue.length > 0;
  }
}

describe('the timeouts of an HTTP/2 stream whose response waits for a window', () => {
  for (const [what, changes] of [
    ['the minimum rate', {}],
    ['the limit for silence', { writeRateMin: 0 }],
  ] as const) {
    it(`do not end it while the client takes bytes as fast as ${what} requires`, () => {
      const stream = new Stream(changes);
      stream.timeouts.awaitWindow();
      assert.equal(stream.isOverdueAt({ bodySent: 1000 }), false);
    });

    it(`end it once the client has taken none of its bytes for as long as ${what} allows`, () => {
      const stream = new Stream(changes);
      stream.timeouts.awaitWindow();
      assert.equal(stream.isOverdueAt({ allBodySent: 1000 }), true, 'others of the connection do not count');
      assert.equal(stream.overdue[0]?.[0], 'window');
    });

    it(`end a response that goes on waiting, however often it waits anew: ${what}`, () => {
      const stream = new Stream(changes);
      stream.timeouts.awaitWindow();
      for (let ms = 0; ms < 10_000; ms += 100) {
        stream.timeouts.awaitWindow();
        stream.pass(100);
      }
      assert.equal(stream.overdue.length, 1);
    });

    it(`count what the client takes of all responses if only the window of the connection is closed: ${what}`, () => {
      for (const [bytesPerS, isOverdue] of [
        [1000, false],
        [0, true],
      ] as const) {
        const stream = new Stream(changes);
        stream.isOwnWindowOpen = true;
        stream.timeouts.awaitWindow();
        assert.equal(stream.isOverdueAt({ allBodySent: bytesPerS }), isOverdue);
      }
    });

    it(`end nothing while the connection is full, and begin anew once it is not: ${what}`, () => {
      const stream = new Stream(changes);
      stream.timeouts.awaitWindow();
      stream.awaitsWindow = false;
      stream.pass(20_000);
      stream.awaitsWindow = true;
      stream.timeouts.awaitWindow();
      stream.pass(900);
      assert.equal(stream.overdue.length, 0);
      stream.pass(10_000);
      assert.equal(stream.overdue.length, 1);
    });
  }
});

describe('the timeouts of an HTTP/2 stream that has ended', () => {
  it('set no deadline, even if the stream asks for one after its end', () => {
    const stream = new Stream();
    stream.timeouts.awaitBody(true);
    stream.timeouts.awaitWindow();
    stream.timeouts.stop();
    stream.timeouts.stopBody();
    stream.timeouts.awaitBody(true);
    stream.timeouts.awaitWindow();
    assert.equal(stream.deadlines.size, 0);
  });
});
