import assert from 'node:assert/strict';
import { describe, it, test } from 'node:test';
import type { Failure } from '#failures/failure.ts';
import type { RequestPriority } from '../core/route-spec.ts';
import { SeededRandom } from '../testing/seeded-random.ts';
import { SimulatedClock } from '../testing/simulated-clock.ts';
import { LoopQueue } from './loop-queue.ts';

function queued() {
  const clock = new SimulatedClock();
  const calls: (() => void)[] = [];
  const random = new SeededRandom('loop');
  const queue = new LoopQueue({ clock, random, atEndOfTurn: (call) => void calls.push(call) });
  const begun: string[] = [];
  return {
    clock,
    queue,
    begun,
    enter: (name: string, priority: RequestPriority = 'normal') =>
      queue.enter({ onTurn: () => void begun.push(name), onNoTurn: () => assert.fail(name) }, priority),
    /** The turn of the loop ends. Returns how many requests have begun in it. */
    turn: (): number => {
      const before = begun.length;
      for (const call of calls.splice(0)) call();
      return begun.length - before;
    },
  };
}

test('a few requests begin in each turn', () => {
  const { enter, turn } = queued();
  for (let count = 0; count < 40; count++) enter('one');
  assert.deepEqual([turn(), turn(), turn()], [32, 8, 0]);
});

test('those of a higher priority have their turn first, and who has left has none', () => {
  const { begun, enter, turn } = queued();
  enter('low', 'low');
  enter('first');
  const left = enter('gone');
  enter('second');
  enter('high', 'high');
  left.cancel();
  assert.equal(left.isWaiting, false);
  turn();
  assert.deepEqual(begun, ['high', 'first', 'second', 'low']);
});

test('a request waits for the turn and for those before it', () => {
  const { clock, queue, enter, turn } = queued();
  for (let count = 0; count < 40; count++) enter('one');
  turn();
  clock.advanceSync(30);
  assert.equal(queue.note(clock.now(), 7), 37);
  turn();
  assert.equal(queue.note(clock.now(), 7), 7);
});

test('a request that comes while others begin has its turn in the next one', () => {
  const { queue, begun, turn } = queued();
  const again = (): void => {
    begun.push('again');
    if (begun.length < 100) queue.enter({ onTurn: again, onNoTurn: () => {} }, 'normal');
  };
  queue.enter({ onTurn: again, onNoTurn: () => {} }, 'normal');
  assert.ok(turn() <= 32);
});

type Counts = Record<RequestPriority, number>;

interface Outcome {
  readonly served: Counts;
  readonly refused: Counts;
  /** Of the requests that were served. */
  readonly waitsMs: number[];
  readonly retryAfterS: Set<number | undefined>;
}

const nothingYet = (): Outcome => ({
  served: { low: 0, normal: 0, high: 0 },
  refused: { low: 0, normal: 0, high: 0 },
  waitsMs: [],
  retryAfterS: new Set(),
});

/** A thread that serves 1,000 requests a second and does nothing else. */
class Thread {
  readonly clock = new SimulatedClock();
  readonly queue: LoopQueue;
  readonly #refusalMs: number;
  readonly #connections: number;
  #calls: (() => void)[] = [];
  #waiting = 0;
  #outcome = nothingYet();
  #notedAt = 0;
  readonly #due: Counts = { low: 0, normal: 0, high: 0 };

  /** `connections`: more requests than these never wait. */
  constructor(refusalMs: number, connections = Infinity) {
    this.#refusalMs = refusalMs;
    this.#connections = connections;
    const random = new SeededRandom('thread');
    this.queue = new LoopQueue({ clock: this.clock, random, atEndOfTurn: (call) => void this.#calls.push(call) });
    this.queue.shedding.delayMaxMs = 50;
  }

  run(lastsMs: number, perSecond: Partial<Counts>): Outcome {
    const { clock, queue } = this;
    const outcome = (this.#outcome = nothingYet());
    let turnMs = 0;
    for (const until = clock.now() + lastsMs; clock.now() < until; ) {
      const began = clock.now();
      for (const call of this.#calls.splice(0)) call();
      if (clock.now() === began) clock.advanceSync(1);
      turnMs = clock.now() - began;
      for (const priority of ['low', 'normal', 'high'] as const) {
        this.#due[priority] += ((perSecond[priority] ?? 0) * turnMs) / 1000;
        for (; this.#due[priority] >= 1; this.#due[priority]--) this.#enter(priority);
      }
      if (clock.now() - this.#notedAt < 100) continue;
      queue.note(clock.now(), turnMs);
      this.#notedAt = clock.now();
    }
    return outcome;
  }

  /** The loop does nothing for so long. */
  stop(lastsMs: number): void {
    this.clock.advanceSync(lastsMs);
    this.queue.note(this.clock.now(), lastsMs);
  }

  #enter(priority: RequestPriority): void {
    if (this.#waiting >= this.#connections) return;
    const since = this.clock.now();
    this.#waiting++;
    const onTurn = (): void => {
      this.#waiting--;
      this.#outcome.waitsMs.push(this.clock.now() - since);
      this.clock.advanceSync(1);
      this.#outcome.served[priority]++;
    };
    const onNoTurn = (failure: Failure): void => {
      assert.equal(failure.cause, 'shed');
      this.#waiting--;
      this.clock.advanceSync(this.#refusalMs);
      this.#outcome.refused[priority]++;
      this.#outcome.retryAfterS.add(failure.evidence.retryAfterS);
    };
    this.queue.enter({ onTurn, onNoTurn }, priority);
  }
}

const sum = ({ low, normal, high }: Counts): number => low + normal + high;
const seconds = 20;

describe('a thread that is asked for more than it can do', () => {
  it('refuses nothing while it is in time', () => {
    assert.equal(sum(new Thread(0.05).run(seconds * 1000, { normal: 900 }).refused), 0);
  });

  it('refuses nothing for a pause of less than a second, nor for many requests that come at once', () => {
    const thread = new Thread(0.05);
    thread.run(5000, { normal: 500 });
    thread.stop(900);
    assert.equal(sum(thread.run(100, { normal: 5000 }).refused), 0);
    assert.equal(sum(thread.run(5000, { normal: 500 }).refused), 0);
  });

  const cases: readonly [what: string, refusalMs: number, perSecond: number, connections: number, least: number][] = [
    ['refusals cost a twentieth of a request', 0.05, 3000, Infinity, 0.85],
    ['refusals cost a third', 0.3, 2000, Infinity, 0.9],
    ['refusals cost nearly as much as requests', 0.85, 1500, Infinity, 0.9],
    ['refusals cost nearly as much as requests, and clients are few', 0.85, 20_000, 200, 0.9],
    ['refusals cost more than requests', 3, 1500, 300, 0.9],
  ];
  for (const [what, refusalMs, normal, connections, least] of cases) {
    it(`serves nearly as many as it can, soon after they have come, where ${what}`, () => {
      const thread = new Thread(refusalMs, connections);
      thread.run(5000, { normal });
      const { served, refused, waitsMs } = thread.run(seconds * 1000, { normal });
      const share = sum(served) / (seconds * 1000);
      assert.ok(share >= least, `${share} of what it can serve, ${sum(refused)} refused`);
      const p95 = waitsMs.toSorted((one, other) => one - other)[Math.floor(0.95 * waitsMs.length)] as number;
      assert.ok(p95 < 200, `${p95} ms waited`);
      assert.ok(sum(refused) > 0);
    });
  }

  it('refuses those of low priority, and serves all of high priority', () => {
    const thread = new Thread(0.05);
    thread.run(5000, { low: 500, normal: 500, high: 500 });
    const { served, refused } = thread.run(seconds * 1000, { low: 500, normal: 500, high: 500 });
    assert.ok(refused.low > 0.9 * seconds * 500, JSON.stringify({ served, refused }));
    assert.ok(served.normal > 0.75 * seconds * 500, JSON.stringify({ served, refused }));
    assert.equal(refused.high, 0);
    assert.ok(served.high >= seconds * 500 - 50, JSON.stringify({ served, refused }));
  });

  it('is soon in time again after the rush, and serves those that still wait', () => {
    const thread = new Thread(0.05);
    thread.run(seconds * 1000, { normal: 3000 });
    assert.equal(thread.queue.shedding.isLate, true);
    thread.run(2000, { normal: 500 });
    assert.equal(thread.queue.shedding.isLate, false);
    const { served, refused } = thread.run(5000, { normal: 500 });
    assert.equal(sum(refused), 0);
    assert.ok(Math.abs(sum(served) - 2500) < 50, `${sum(served)}`);
  });

  it('tells those that it refuses when to come again', () => {
    const thread = new Thread(0.85);
    const { retryAfterS } = thread.run(seconds * 1000, { normal: 2000 });
    assert.ok(
      [...retryAfterS].every((value) => value !== undefined && value >= 1 && value <= 60),
      [...retryAfterS].join(),
    );
  });
});
