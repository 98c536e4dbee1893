import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Instant } from '../core/time.ts';
import { SeededRandom } from '../testing/seeded-random.ts';
import { GradientLimit, type SharedLimit } from './gradient-limit.ts';
import { sampled } from '../testing/sweep.test-support.ts';

interface Origin {
  /** Requests that it handles at a time; others queue there. */
  places: number;
  tookMs: number;
}

/**
 * Gateways of one origin, in simulated time: each request is let through while fewer than the limit are in flight. All have more requests
 * than they may let through, or `perMs` of them.
 */
class Simulation {
  readonly shared: SharedLimit = { limit: 0, probedAt: 0 };
  readonly random = new SeededRandom(7);
  readonly limits: GradientLimit[];
  readonly origin: Origin;
  inFlight = 0;
  ended = 0;
  mostAtOnce = 0;
  nowMs = 1;
  #debt = 0;
  #nextEndMs = 0;
  /** When each place of the origin is free again. */
  #places: number[] = [];
  #ends: { at: number; startedAt: number; worker: number }[] = [];

  constructor(origin: Origin, { workers = 1, max = 1000 } = {}) {
    this.origin = origin;
    this.limits = Array.from({ length: workers }, () => new GradientLimit(this.shared, max, () => this.random.next()));
  }

  get now(): Instant {
    return this.nowMs as Instant;
  }

  get limit(): number {
    return this.shared.limit / 100;
  }

  run(ms: number, perMs = Infinity): void {
    for (const until = this.nowMs + ms; this.nowMs < until; this.nowMs++) {
      if (perMs === Infinity && this.#nextEndMs > this.nowMs && this.inFlight >= this.#least()) continue;
      for (const one of this.#ends.filter(({ at }) => at <= this.nowMs)) this.#end(one);
      this.#ends = this.#ends.filter(({ at }) => at > this.nowMs);
      this.#debt = perMs === Infinity ? Infinity : this.#debt + perMs;
      for (let worker = 0; this.#debt >= 1; worker = (worker + 1) % this.limits.length) {
        if (this.inFlight >= this.#least()) break;
        this.#begin(worker);
        this.#debt -= 1;
      }
      this.#nextEndMs = Math.min(...this.#ends.map(({ at }) => at));
    }
  }

  #least(): number {
    return Math.min(...this.limits.map((limit) => limit.current(this.now)));
  }

  #begin(worker: number): void {
    this.inFlight++;
    this.mostAtOnce = Math.max(this.mostAtOnce, this.inFlight);
    this.#places = this.#places.filter((at) => at > this.nowMs).sort((a, b) => a - b);
    const free = this.#places.length < this.origin.places ? this.nowMs : (this.#places.at(-this.origin.places) ?? 0);
    const at = free + this.origin.tookMs * (0.9 + 0.2 * this.random.next());
    this.#places.push(at);
    this.#ends.push({ at, startedAt: this.nowMs, worker });
  }

  #end({ startedAt, worker }: { startedAt: number; worker: number }): void {
    this.inFlight--;
    this.ended++;
    const sample = { startedAt: startedAt as Instant, latencyMs: this.nowMs - startedAt, inFlight: this.inFlight };
    this.limits[worker]?.note(this.now, sample);
  }
}

describe('a limit that adapts', () => {
  const origins = [
    [20, 50, 1],
    [20, 50, 4],
    [60, 20, 2],
    [8, 400, 1],
  ] as const;
  // The one with the most requests takes as long as all others.
  for (const [places, tookMs, workers] of sampled(origins, 3, 1)) {
    it(`settles a little above what an origin of ${places} places and ${tookMs} ms does at once, with ${workers} workers`, () => {
      const simulation = new Simulation({ places, tookMs }, { workers });
      simulation.run(60_000);
      const before = simulation.ended;
      for (let second = 0; second < 60; second++) {
        simulation.run(1000);
        assert.ok(simulation.limit >= 0.9 * places, `${simulation.limit} at second ${second}`);
        assert.ok(simulation.limit <= 2 * places + 4, `${simulation.limit} at second ${second}`);
      }
      const capacity = (places * 60_000) / tookMs;
      assert.ok(
        simulation.ended - before >= 0.95 * capacity,
        `${(simulation.ended - before) / capacity} of the capacity`,
      );
    });
  }

  it('falls when the origin becomes smaller, and rises when it is larger again', () => {
    const origin = { places: 40, tookMs: 50 };
    const simulation = new Simulation(origin);
    simulation.run(30_000);
    origin.places = 10;
    simulation.run(30_000);
    assert.ok(simulation.limit <= 24, String(simulation.limit));
    origin.places = 40;
    simulation.run(30_000);
    assert.ok(simulation.limit >= 36, String(simulation.limit));
  });

  it('finds out within a minute that requests take longer without load too', () => {
    const origin = { places: 20, tookMs: 50 };
    const simulation = new Simulation(origin);
    simulation.run(30_000);
    origin.tookMs = 150;
    simulation.run(70_000);
    assert.ok(simulation.limit >= 18 && simulation.limit <= 44, String(simulation.limit));
  });

  it('does not grow while it is not used', () => {
    const simulation = new Simulation({ places: 100, tookMs: 50 });
    simulation.run(60_000, 0.1);
    assert.equal(simulation.limit, 20);
  });

  it('stays between its bounds whatever happens', () => {
    const random = new SeededRandom(11);
    for (const max of [1, 3, 50]) {
      const shared: SharedLimit = { limit: 0, probedAt: 0 };
      const limit = new GradientLimit(shared, max, () => random.next());
      for (let ms = 1; ms < 100_000; ms += 7) {
        const now = ms as Instant;
        if (random.next() < 0.1) limit.noteDrop(now);
        limit.note(now, { startedAt: now, latencyMs: random.next() * 1000, inFlight: Math.floor(random.next() * 60) });
        const current = limit.current(now);
        assert.ok(current >= 1 && current <= max, `${current} of ${max}`);
      }
    }
  });

  it('falls with requests that are lost to overload', () => {
    const shared: SharedLimit = { limit: 0, probedAt: 0 };
    const limit = new GradientLimit(shared, 1000, () => 0);
    for (let ms = 1; ms < 2000; ms += 5) {
      if (ms % 100 === 1) limit.noteDrop(ms as Instant);
      limit.note(ms as Instant, { startedAt: ms as Instant, latencyMs: 50, inFlight: 20 });
    }
    assert.equal(limit.current(2000 as Instant), 4);
  });
});
