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

/** A thread that serves 1,000 requests a second and that is looked at each 100 ms. `connections`: more requests than these never wait. */
class Thread {
  readonly shedding = new LoadShedding(50);
  readonly #refusalMs: number;
  readonly #connections: number;
  readonly #waiting: { readonly priority: RequestPriority; readonly since: number }[] = [];
  #leftMs = 0;
  #now = 0;
  #begun = 0;

  constructor(refusalMs = 0.05, connections = Infinity) {
    this.#refusalMs = refusalMs;
    this.#connections = connections;
  }

  run(lastsMs: number, perSecond: Partial<Counts>, extraDelayMs = 0): Outcome {
    const served = { ...none };
    const refused = { ...none };
    for (const until = this.#now + lastsMs; this.#now < until; this.#now += 10) {
      this.#leftMs = Math.min(10, this.#leftMs + 10);
      for (const [name, rate] of Object.entries(perSecond)) {
        const priority = name as RequestPriority;
        for (let count = 0; count < rate / 100 && this.#waiting.length < this.#connections; count++) {
          if (this.shedding.refuses(priority)) {
            refused[priority]++;
            this.#leftMs -= this.#refusalMs;
          } else this.#waiting.push({ priority, since: this.#now });
        }
      }
      for (; this.#leftMs >= 1 && this.#waiting.length > 0; this.#leftMs--) {
        served[(this.#waiting.shift() as { priority: RequestPriority }).priority]++;
        this.#begun++;
      }
      if (this.#now % 100 === 0) {
        this.shedding.note(this.#now as Instant, this.#delayMs + extraDelayMs, this.#begun);
        this.#begun = 0;
      }
    }
    return { served, refused, delayMs: this.#delayMs };
  }

  get #delayMs(): number {
    return this.#now - (this.#waiting[0]?.since ?? this.#now);
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

  it('spends a tenth of its time on refusals that cost more than what they spare, where what waits is bounded', () => {
    const thread = new Thread(3, 60);
    thread.run(15_000, { normal: 1500 });
    const { served } = thread.run(30_000, { normal: 1500 });
    assert.ok(sum(served) >= 0.8 * 30_000, `${sum(served)} served`);
  });

  it('spends more of it when it gets too late all the same', () => {
    const thread = new Thread(0.3);
    thread.run(15_000, { normal: 2000 });
    const { served, delayMs } = thread.run(30_000, { normal: 2000 });
    assert.ok(sum(served) >= 0.45 * 30_000, `${sum(served)} served`);
    assert.ok(delayMs < 1000, `${delayMs} ms late`);
  });

  it('refuses requests of low priority first, and of high priority last', () => {
    const thread = new Thread();
    thread.run(20_000, { low: 500, normal: 500, high: 500 });
    const { served, refused } = thread.run(30_000, { low: 500, normal: 500, high: 500 });
    assert.ok(refused.low > 0.75 * (refused.low + served.low), JSON.stringify({ served, refused }));
    assert.ok(refused.normal < 0.45 * served.normal, JSON.stringify({ served, refused }));
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
