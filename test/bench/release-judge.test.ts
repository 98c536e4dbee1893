import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isCalledBad, requestsUntilBad, type WorseRelease } from '../../bench/judge-simulations.ts';

// The short form of `npm run bench:judge`, which has the figures.

function found(release: WorseRelease, runs: number): readonly number[] {
  const requests = Array.from({ length: runs }, (_, run) => requestsUntilBad(release, `short/${run}`));
  return requests.filter(Number.isFinite).toSorted((a, b) => a - b);
}

test('half of the requests fail at a twentieth of the traffic: bad within 15 of them', () => {
  const counts = found({ share: 0.05, oldErrors: 0.001, freshErrors: 0.5, routes: 20, requestsMax: 1500 }, 100);
  assert.ok((counts[89] as number) <= 15, `${counts.length}: ${counts[89]}`);
});

test('0.1 % becomes 1 %: bad within 1,500 requests, at a twentieth and at half of the traffic', () => {
  const tenfold = { oldErrors: 0.001, freshErrors: 0.01, routes: 20, requestsMax: 1500 };
  assert.ok(found({ ...tenfold, share: 0.05 }, 60).length >= 54);
  assert.ok(found({ ...tenfold, share: 0.5 }, 60).length >= 36);
});

test('a release that is like the old one is not bad, whatever happens to both', () => {
  const release = {
    ...{ routes: 20, perS: 100, coldTimes: 20, doublesAtS: 40, retryingAtS: 5, stallsS: 10 },
    steps: [0.05, 0.25, 0.5].map((share) => ({ share, seconds: 20 })),
    outage: { atS: 30, seconds: 5, share: 0.3 },
  };
  const isSticky = [false, true] as const;
  const bad = [1, 2, 3, 4].flatMap((run) =>
    isSticky.filter((one) => isCalledBad({ ...release, isSticky: one }, `${run}`)),
  );
  assert.deepEqual(bad, []);
});
