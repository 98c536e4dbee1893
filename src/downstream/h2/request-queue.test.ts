import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { SimulatedClock } from '../../testing/simulated-clock.ts';
import { WorkingClock } from '../../testing/working-clock.test-support.ts';
import type { LostExchange } from './lost-exchanges.ts';
import { RequestQueue, type RequestQueueOwner } from './request-queue.ts';
import type { StartingStream } from './stream-owner.ts';

/** A connection whose requests are letters. */
class Connection implements RequestQueueOwner {
  activeMax = 2;
  begun = '';
  readonly queue: RequestQueue;
  readonly #streams = new Map<string, { name: string; hasBegun: boolean; isLost: boolean }>();

  constructor(clock: SimulatedClock | WorkingClock) {
    this.queue = new RequestQueue(this, clock);
  }

  stream(name: string): StartingStream {
    const stream = this.#streams.get(name) ?? { name, hasBegun: false, isLost: false };
    this.#streams.set(name, stream);
    return stream as Partial<StartingStream> as StartingStream;
  }

  /** A slice with the heads of these requests. */
  read(names: string): void {
    for (const name of names) this.queue.add(this.stream(name));
    this.queue.onSliceRead(false);
  }

  beginRequest(stream: StartingStream): void {
    const fake = stream as unknown as { name: string; hasBegun: boolean };
    fake.hasBegun = true;
    this.begun += fake.name;
  }

  endInTurn(lost: LostExchange): void {
    lost.endLost();
  }

  onLostEnded(): void {}
}

describe('a request whose body comes', () => {
  it('begins before the end of its slice', () => {
    const connection = new Connection(new SimulatedClock());
    connection.queue.add(connection.stream('a'));
    connection.queue.beginEarly(connection.stream('a'));
    assert.equal(connection.begun, 'a');
    connection.queue.onSliceRead(false);
    assert.equal(connection.begun, 'a', 'once');
  });

  it('begins behind those that were queued before it, and leaves nothing behind in the queue', () => {
    const clock = new SimulatedClock();
    const connection = new Connection(clock);
    connection.read('abcde');
    assert.equal(connection.begun, 'ab');
    connection.queue.onEnded();
    // There is room, and the next one begins in the next turn.
    connection.queue.beginEarly(connection.stream('d'));
    connection.queue.add(connection.stream('f'));
    connection.queue.beginEarly(connection.stream('f'));
    connection.queue.onSliceRead(false);
    assert.equal(connection.begun, 'ab');
    clock.advanceSync(0);
    assert.equal(connection.begun, 'abc');
    for (const expected of ['abcd', 'abcde', 'abcdef']) {
      clock.advanceSync(100);
      assert.equal(connection.begun, expected, 'one in each interval');
    }
    assert.equal(clock.timersLive, 0);
  });
});

describe('queued requests', () => {
  it('begin a few at a time when more may be in progress, those that come meanwhile behind them', () => {
    const clock = new WorkingClock();
    const connection = new Connection(clock);
    connection.read('abcdefghijklmnopqrst');
    assert.equal(connection.begun, 'ab');
    connection.activeMax = Infinity;
    connection.read('u');
    const turns: string[] = [];
    for (let before = connection.begun; clock.fireNext(); before = connection.begun)
      if (connection.begun !== before) turns.push(`${clock.now()}: ${connection.begun.slice(before.length)}`);
    assert.deepEqual(turns, ['100: c', '100: defghijk', '100: lmnopqrs', '100: tu']);
    connection.read('v');
    assert.equal(connection.begun.at(-1), 'v');
  });
});
