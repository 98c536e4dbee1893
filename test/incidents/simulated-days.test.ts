import assert from 'node:assert/strict';
import { test } from 'node:test';
import { playDays } from './simulated-days.ts';
import { faultsOfDay } from './simulated-days-faults.ts';
import { isWholeSweep, sampled } from '../../src/testing/sweep.test-support.ts';

// The short form of `npm run simulate:days`, which plays 30 days.

const hours = isWholeSweep ? 0.5 : 0.25;

test('hours in which nothing is wrong have no incident, and no endpoint is ejected: the nightly job, and a morning', () => {
  // The morning without anything besides is in the next test too.
  for (const fromHour of sampled([2.4, 9], 2)) {
    const { incidents, ejections, requests } = playDays({ seed: 'short', days: 1, fromHour, hours });
    assert.ok(requests > 40_000 * hours, `${requests} requests`);
    assert.deepEqual([incidents, ejections], [[], []]);
  }
});

test('upstreams that are slow for three seconds once a minute have no incident', () => {
  const fromHour = 9;
  const besides = ['shop', 'api', 'media'].flatMap((upstream, place) =>
    Array.from({ length: 60 * hours - 2 }, (_, number) => {
      const from = fromHour * 3600 + 60 * (number + 1) + 20 * place;
      const how = { kind: 'slower', text: 'hiccup', upstream, times: 8 + (number % 5) } as const;
      return { ...how, from, to: from + 3 };
    }),
  );
  const { incidents, ejections } = playDays({ seed: 'short', days: 1, fromHour, hours, besides });
  assert.deepEqual([incidents, ejections], [[], []]);
});

test('beside all that is usual, a route that only fails and one that has become slow are found', () => {
  const faults = faultsOfDay
    .slice(1)
    .map((one, index) => ({ ...one, from: 33_000 + 120 * index, to: 33_110 + 120 * index }));
  const played = playDays({ seed: 'short', days: 1, fromHour: 9, hours: 0.25, besides: faults });
  const [failing, slow] = played.faults.map(({ afterS }) => afterS ?? Infinity) as [number, number];
  assert.ok(failing <= 60 && slow <= 15, `${failing} s, ${slow} s`);
  assert.deepEqual(played.incidents, []);
});
