import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isWholeSweep, sampled } from '../../src/testing/sweep.test-support.ts';
import { simulate } from './simulation.ts';

/** Each of these seeds with each version of HTTP of the endpoints. */
const withEndpoints = (...seeds: string[]) =>
  seeds.flatMap((seed) => (['http/1.1', 'h2'] as const).map((endpoints) => ({ seed, endpoints })));

describe('a busy simulated hour of the gateway', () => {
  for (const seed of sampled(['1', '2', '9', '10'], 4)) {
    it(`keeps every promise, seed ${seed}`, () => {
      const { exchanges, ends } = simulate(seed, 120);
      assert.ok(exchanges > 60, `${exchanges} exchanges`);
      for (const end of ['forwarded', 'generated', 'abandoned']) assert.ok((ends[end] ?? 0) > 0, `some end as ${end}`);
    });
  }

  // Of a client that left before the 30,000 bytes of its answer came, while an earlier answer without a body was on its way.
  it('keeps every promise, seed 400000073', () => assert.ok(simulate('400000073', 120).exchanges > 60));

  // The 304 of the second attempt counts, not the answer that was planned for the first, lost one.
  it('keeps every promise with HTTP/2 endpoints, seed 81598394', () => {
    assert.ok(simulate('81598394', 120, 'h2').exchanges > 60);
  });

  // Seeds of lost streams that looked whole, and of a request that was called unsent and left all the same.
  for (const seed of sampled(['2', '6', '13'], 3)) {
    it(`keeps every promise with HTTP/2 endpoints, seed ${seed}`, () => {
      assert.ok(simulate(seed, 150, 'h2').exchanges > 60);
    });
  }

  for (const { seed, endpoints } of sampled(withEndpoints('3', '4', '11', '12'), 3)) {
    it(`keeps every promise of a route that retries, with ${endpoints} endpoints, seed ${seed}`, () => {
      const { exchanges } = simulate(seed, 150, endpoints, 'retries');
      assert.ok(exchanges > 60, `${exchanges} exchanges`);
    });
  }

  for (const { seed, endpoints } of sampled(withEndpoints('3', '8'), 4, 1)) {
    it(`keeps every promise of a route that hedges, with ${endpoints} endpoints, seed ${seed}`, () => {
      const { hedged } = simulate(seed, 200, endpoints, 'hedges');
      assert.ok(hedged > 0, 'some requests are hedged');
    });
  }

  for (const { seed, endpoints } of sampled(withEndpoints('5', '6'), 4)) {
    it(`keeps every promise to HTTP/2 clients, with ${endpoints} endpoints, seed ${seed}`, () => {
      const requests = isWholeSweep ? 150 : 60;
      const { exchanges } = simulate(seed, requests, endpoints, 'retries', 'h2');
      assert.ok(exchanges > requests * 0.4, `${exchanges} exchanges`);
    });
  }

  it('is the same for the same seed', () => {
    assert.deepEqual(simulate('3', 20), simulate('3', 20));
  });
});
