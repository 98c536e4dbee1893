import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { ratePolicy } from './gcra.ts';
import { bucketAt, rateTableBytes, seedAt, waysOfBucket } from './rate-layout.ts';
import { freeTag, RateTable, type TablePolicy } from './rate-table.ts';
import { SharedWords } from './shared-words.ts';
import { Killed, SteppedWords } from './stress.test-support.ts';

interface Given {
  readonly requests?: number;
  readonly periodMs?: number;
  readonly burst?: number;
  readonly entries?: number;
}

class World {
  readonly memory: SharedArrayBuffer;
  readonly bytes: number;
  readonly table: RateTable;
  readonly policy: TablePolicy;

  constructor({ requests = 5, periodMs = 1000, burst = 5, entries = 64 }: Given = {}) {
    this.bytes = rateTableBytes(entries);
    this.memory = new SharedArrayBuffer(this.bytes);
    new SharedWords(this.memory).store(seedAt, 77);
    this.table = this.thread();
    this.policy = this.add(1, ratePolicy(requests, periodMs, burst));
  }

  add(number: number, policy: ReturnType<typeof ratePolicy>): TablePolicy {
    this.table.setPolicy(number, policy);
    return { ...policy, number, salt: number };
  }

  thread(step?: () => void): RateTable {
    return new RateTable(
      step === undefined ? new SharedWords(this.memory) : new SteppedWords(this.memory, step),
      this.bytes,
    );
  }

  take(key: string, nowMs: number, cost = 1): boolean {
    return this.table.take(this.policy, key, cost, nowMs) >= 0;
  }
}

const rates = fc.record({
  requests: fc.integer({ min: 1, max: 20_000 }),
  periodMs: fc.constantFrom(1000, 60_000, 3_600_000, 86_400_000),
  burst: fc.integer({ min: 1, max: 50 }),
});

describe('a rate', () => {
  it('admits a burst at once, and then one request each interval', () => {
    const world = new World();
    const admitted = [0, 0, 0, 0, 0, 0, 199, 200, 399, 400].map((ms) => world.take('a', 1_000_000 + ms));
    assert.deepEqual(admitted, [true, true, true, true, true, false, false, true, false, true]);
  });

  it('says how long a request must wait, and the request after that is admitted', () => {
    fc.assert(
      fc.property(rates, fc.integer({ min: 0, max: 2 ** 44 }), (given, startMs) => {
        const world = new World(given);
        while (world.take('a', startMs));
        const waitMs = -world.table.take(world.policy, 'a', 1, startMs) * world.policy.unitMs;
        assert.ok(waitMs > 0 && waitMs <= given.periodMs / given.requests + world.policy.unitMs, `${waitMs}`);
        assert.equal(world.take('a', startMs + waitMs + world.policy.unitMs), true);
      }),
      { numRuns: 60 },
    );
  });

  it('never admits more in any window than its rate and burst, and no less to one who asks all the time', () => {
    const steps = fc.array(
      fc.record({ share: fc.double({ min: 0, max: 3, noNaN: true }), cost: fc.integer({ min: 1, max: 3 }) }),
      {
        minLength: 1,
        maxLength: 120,
      },
    );
    fc.assert(
      fc.property(rates, steps, fc.integer({ min: 0, max: 2 ** 44 }), (given, all, startMs) => {
        const world = new World(given);
        const intervalMs = given.periodMs / given.requests;
        const admitted: { at: number; cost: number }[] = [];
        let at = startMs;
        for (const { share, cost } of all) {
          at += share * intervalMs;
          if (world.take('a', at, cost)) admitted.push({ at, cost });
        }
        for (let first = 0; first < admitted.length; first++) {
          let sum = 0;
          for (let last = first; last < admitted.length; last++) {
            sum += admitted[last]!.cost;
            const windowMs = admitted[last]!.at - admitted[first]!.at;
            const allowed = given.burst + (windowMs + world.policy.unitMs) / intervalMs;
            assert.ok(sum <= allowed + 1e-6 * allowed, `${sum} of ${allowed} in ${windowMs} ms`);
          }
        }
      }),
      { numRuns: 100 },
    );
  });

  it('admits within 1 % of 100 requests a second to each of four keys that send 250 a second', () => {
    const world = new World({ requests: 100, burst: 1 });
    for (const key of ['a', 'b', 'c', 'd']) {
      let admitted = 0;
      for (let ms = 0; ms < 60_000; ms += 4) if (world.take(key, 5_000_000 + ms)) admitted++;
      // A request every 4 ms meets a limit of one every 10 ms at 12 or 8 ms.
      assert.ok(admitted >= 5000 - 1 && admitted <= 6000 * 1.01, `${admitted}`);
    }
    const fine = new World({ requests: 100, burst: 100 });
    let admitted = 0;
    for (let ms = 0; ms < 60_000; ms += 4) if (fine.take('a', 5_000_000 + ms)) admitted++;
    assert.ok(Math.abs(admitted - 6100) <= 60, `${admitted}`);
  });

  it('begins anew for a key that comes back after the clock of its units has wrapped', () => {
    const world = new World({ requests: 1000, burst: 1000 });
    assert.equal(world.take('a', 0, 1000), true);
    assert.equal(world.take('a', 0), false);
    const wrapMs = 2 ** 31 * world.policy.unitMs;
    assert.equal(world.take('a', wrapMs * 1.1, 1000), true);
  });

  it('looks without counting', () => {
    const world = new World({ burst: 2 });
    for (let count = 0; count < 5; count++) assert.ok(world.table.look(world.policy, 'a', 1, 0) > 0);
    assert.ok(world.take('a', 0) && world.take('a', 0));
    assert.equal(world.table.look(world.policy, 'a', 1, 0), world.table.take(world.policy, 'a', 1, 0));
  });
});

describe('a table of rates', () => {
  it('has room for as many keys as half of its entries, without freeing one', () => {
    const world = new World({ requests: 1, periodMs: 3_600_000, burst: 1, entries: 2 ** 14 });
    const keys = Array.from({ length: 2 ** 13 }, (_, index) => `2001:db8:0:${index.toString(16)}::/64`);
    assert.ok(keys.every((key) => world.take(key, 0)));
    assert.ok(keys.every((key) => !world.take(key, 1000)));
    assert.deepEqual(world.table.counts, { evicted: 0, untracked: 0 });
  });

  it('takes entries that are over for new keys, however many come', () => {
    const world = new World({ requests: 10, burst: 1, entries: 64 });
    for (let index = 0; index < 5000; index++) assert.ok(world.take(`key ${index}`, index * 10), `${index}`);
    assert.deepEqual(world.table.counts, { evicted: 0, untracked: 0 });
  });

  it('keeps a key limited while a flood of other keys comes, of its own policy or another', () => {
    const world = new World({ requests: 1, periodMs: 60_000, burst: 10, entries: 64 });
    const others = [
      world.policy,
      world.add(2, ratePolicy(1000, 86_400_000, 1000)),
      world.add(3, ratePolicy(100, 1000, 100)),
    ];
    while (world.take('victim', 0));
    for (let index = 0; index < 20_000; index++) world.table.take(others[index % 3]!, `flood ${index}`, 1, index / 100);
    assert.equal(world.take('victim', 200), false, 'it is still limited');
    const { evicted, untracked } = world.table.counts;
    assert.ok(evicted > 1000 && untracked >= 0);
  });

  it('counts what it has no room for, when all others have used more of their limits', () => {
    const world = new World({ requests: 1, periodMs: 60_000, burst: 10, entries: 16 });
    for (let index = 0; index < 200; index++)
      for (let count = 0; count < 10; count++) world.take(`key ${index % 16}`, 0);
    assert.ok(world.take('late', 0));
    assert.ok(world.table.counts.untracked > 0);
  });

  it('tells keys apart, and policies', () => {
    const world = new World({ burst: 1, entries: 2 ** 12 });
    const other = world.add(2, ratePolicy(5, 1000, 1));
    assert.ok(world.take('ab', 0) && world.take('ba', 0) && world.take('abc', 0) && world.take('', 0));
    assert.ok(world.table.take(other, 'ab', 1, 0) >= 0);
    assert.ok(!world.take('ab', 0));
  });

  it('moves to another process with what each key has used', () => {
    const world = new World({ requests: 1, periodMs: 60_000, burst: 3 });
    const next = new World({ requests: 1, periodMs: 60_000, burst: 3 });
    world.take('a', 0);
    while (world.take('b', 0));
    world.table.each(500, (tag, bucket, policy, used) => next.table.put(tag, bucket, policy, used, 9_000_500));
    assert.deepEqual(
      [1, 2, 3].map(() => next.take('a', 9_000_500)),
      [true, true, false],
    );
    assert.equal(next.take('b', 9_000_500), false);
  });

  it('is swept of what is over, and of what a thread has left that ended while it wrote', () => {
    const world = new World({ requests: 10, burst: 1, entries: 16 });
    const left = world.thread();
    let accesses = 0;
    const killed = world.thread(() => {
      if (++accesses > 60) throw new Killed();
    });
    left.take(world.policy, 'over', 1, 0);
    const words = new SharedWords(world.memory);
    for (let limit = 1; limit < 60; limit++) {
      accesses = 60 - limit;
      try {
        killed.take(world.policy, `killed ${limit}`, 1, 0);
      } catch (error) {
        assert.ok(error instanceof Killed);
      }
    }
    const busy = new Set<number>();
    for (let turn = 0; turn < 3; turn++) world.table.sweep(0, world.table.buckets, 10_000, busy);
    for (const bucket of [0, 1])
      for (let at = bucketAt(bucket); at < bucketAt(bucket) + waysOfBucket; at++)
        assert.equal(words.load(at), freeTag, 'no entry is in writing');
    assert.equal(busy.size, 0);
    let live = 0;
    world.table.each(10_000, () => live++);
    assert.equal(live, 0);
  });
});

describe('threads that share a rate', () => {
  /** Lets the second thread run whole requests between any two accesses of the first. */
  it('admit no more than the limit, whatever the second does between two accesses of the first', () => {
    for (let stop = 1; stop < 120; stop++) {
      const world = new World({ requests: 1, periodMs: 60_000, burst: 4, entries: 16 });
      // Entries that are over, and those of other keys, are in the way.
      const short = world.add(2, ratePolicy(1000, 1000, 1));
      for (let index = 0; index < 40; index++) world.table.take(short, `over ${index}`, 1, 0);
      const second = world.thread();
      let admitted = 0;
      let steps = 0;
      let isInside = false;
      const first = world.thread(() => {
        if (++steps !== stop || isInside) return;
        isInside = true;
        for (let count = 0; count < 2; count++) if (second.take(world.policy, 'key', 1, 100) >= 0) admitted++;
        for (let index = 0; index < 3; index++) second.take(short, `new ${stop} ${index}`, 1, 100);
        isInside = false;
      });
      for (let count = 0; count < 6; count++) if (first.take(world.policy, 'key', 1, 100) >= 0) admitted++;
      assert.equal(admitted, 4, `stopped before access ${stop}`);
    }
  });

  it('admit no more when the first is killed between any two accesses', () => {
    for (let stop = 1; stop < 120; stop++) {
      const world = new World({ requests: 1, periodMs: 60_000, burst: 4, entries: 16 });
      let admitted = 0;
      let steps = 0;
      const first = world.thread(() => {
        if (++steps === stop) throw new Killed();
      });
      try {
        for (let count = 0; count < 6; count++) if (first.take(world.policy, 'key', 1, 100) >= 0) admitted++;
      } catch (error) {
        assert.ok(error instanceof Killed);
      }
      const second = world.thread();
      for (let count = 0; count < 6; count++) if (second.take(world.policy, 'key', 1, 100) >= 0) admitted++;
      assert.ok(admitted <= 4 && admitted >= 3, `${admitted} with a stop before access ${stop}`);
    }
  });
});
