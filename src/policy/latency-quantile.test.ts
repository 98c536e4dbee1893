import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from '../../test/properties.ts';
import { LatencyQuantile } from './latency-quantile.ts';

function after(latencies: readonly number[]): number | null {
  const quantile = new LatencyQuantile();
  for (const ms of latencies) quantile.note(ms);
  return quantile.valueMs;
}

describe('the 95th percentile of latencies', () => {
  it('is not known before there are 64', () => {
    assert.equal(after(Array<number>(63).fill(10)), null);
    assert.equal(after(Array<number>(64).fill(10)), 10);
  });

  it('is exceeded by one of twenty', () => {
    const valueMs = after(Array.from({ length: 256 }, (_, n) => (n * 97) % 256)) ?? 0;
    assert.ok(valueMs >= 240 && valueMs <= 246, `${valueMs}`);
  });

  it('forgets what was before the latest 256', () => {
    assert.equal(after([...Array<number>(300).fill(1000), ...Array<number>(256).fill(5)]), 5);
  });

  it('is one of the latencies, and at most a twentieth of the latest is above it', () => {
    const latencies = fc.array(fc.nat(10_000), { minLength: 256, maxLength: 256 });
    fc.assert(
      fc.property(latencies, (some) => {
        const valueMs = after(some) ?? -1;
        assert.ok(some.includes(valueMs));
        assert.ok(some.filter((ms) => ms > valueMs).length <= 256 / 20);
      }),
    );
  });
});
