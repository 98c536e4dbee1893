import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { RequestPriority } from '../core/route-spec.ts';
import type { Instant } from '../core/time.ts';
import { LoadShedding } from './load-shedding.ts';

type Counts = Record<RequestPriority, number>;

const none: Counts = { low: 0, normal: 0, high: 0 };

interface Outcome {
  readonly served: Counts;
  readonly refused: Counts;
  readonly delayMs: number;
}

/** A thread that serves 1,000 requests a second, of which a refusal costs a twentieth, and that is looked at each 100 ms. */
class Thread {
  readonly shedding = new LoadShedding(50);
  #backlogMs = 0;
  #now = 0;

  run(lastsMs: number, perSecond: Partial<Counts>, extraDelayMs = 0): Outcome {
    const served = { ...none };
    const refused = { ...none };
    for (const until = this.#now + lastsMs; this.#now < until; this.#now += 10) {
      for (const [name, rate] of Object.entries(perSecond)) {
        const priority = name as RequestPriority;
        for (let count = 0; count < rate / 100; count++) {
          const isRefused = this.shedding.refuses(priority);
          (isRefused ? refused : served)[priority]++;
          this.#backlogMs += isRefused ? 0.05 : 1;
        }
      }
      this.#backlogMs = Math.max(0, this.#backlogMs - 10);
      if (this.#now % 100 === 0) this.shedding.note(this.#now as Instant, this.#backlogMs + extraDelayMs);
    }
    return { served, refused, delayMs: this.#backlogMs };
  }
}

const sum = ({ low, normal, high }: Counts): number => low + normal + high;

describe('a thread that is late', () => {
  it('refuses nothing while it is in time', () => {
    assert.equal(sum(new Thread().run(20_000, { normal: 900 }).refused), 0);
  });

  it('refuses nothing for a pause of less than a second', () => {
    const thread = new Thread();
    thread.run(5000, { normal: 500 });
    assert.equal(sum(thread.run(900, { normal: 500 }, 3000).refused), 0);
    assert.equal(sum(thread.run(5000, { normal: 500 }).refused), 0);
  });

  it('refuses so many that what it serves takes nine tenths of its time, and is in time again', () => {
    const thread = new Thread();
    thread.run(15_000, { normal: 3000 });
    const { served, refused, delayMs } = thread.run(30_000, { normal: 3000 });
    const ownMs = 30_000 - sum(refused) * 0.05;
    assert.ok(sum(served) >= 0.9 * ownMs, `${sum(served)} served in ${ownMs} ms`);
    assert.ok(delayMs < 1000, `${delayMs} ms late`);
  });

  it('refuses requests of low priority first, and of high priority last', () => {
    const thread = new Thread();
    thread.run(20_000, { low: 500, normal: 500, high: 500 });
    const { served, refused } = thread.run(30_000, { low: 500, normal: 500, high: 500 });
    assert.ok(refused.low > 0.75 * (refused.low + served.low), JSON.stringify({ served, refused }));
    assert.ok(refused.normal < 0.3 * served.normal, JSON.stringify({ served, refused }));
    assert.equal(refused.high, 0);
  });

  it('lets some of each priority through, however late it is', () => {
    const thread = new Thread();
    const { served } = thread.run(60_000, { low: 1000, normal: 1000, high: 1000 }, 10_000);
    assert.ok(served.low > 0 && served.normal > 0 && served.high > 0);
  });

  it('refuses nothing any more soon after the rush', () => {
    const thread = new Thread();
    thread.run(20_000, { normal: 3000 });
    thread.run(10_000, { normal: 500 });
    assert.equal(sum(thread.run(10_000, { normal: 500 }).refused), 0);
    assert.equal(thread.shedding.share, 0);
  });

  it('says a wait that grows with the share that is refused', () => {
    const thread = new Thread();
    thread.run(30_000, { normal: 3000 }, 200);
    assert.ok(thread.shedding.waitMs > 400, `${thread.shedding.waitMs} ms`);
  });
});
