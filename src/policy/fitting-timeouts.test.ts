import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { adviseTimeouts, type TimeoutAdvice } from './fitting-timeouts.ts';

const hour = 3_600_000;

/** What stands in a configuration, what was observed, and what is advised. */
const cases: readonly {
  readonly name: string;
  readonly responseHeadMs: number;
  readonly exchangeMs?: number;
  readonly answered: number;
  readonly p999Ms: number;
  /** Default: as 99.9 %, of 10,000. */
  readonly longestMs?: number;
  readonly samples?: number;
  readonly timedOut?: number;
  /** Default: 24. */
  readonly wellHours?: number;
  /** Default: null. */
  readonly lastHourP99Ms?: number;
  readonly isTroubled?: boolean;
  readonly advised: readonly [TimeoutAdvice['kind'], number | null] | null;
}[] = [
  {
    name: 'the default, and fast answers',
    responseHeadMs: 60_000,
    answered: 5000,
    p999Ms: 240,
    advised: ['longer_than_needed', 1000],
  },
  {
    name: 'slightly above what is observed',
    responseHeadMs: 60_000,
    answered: 5000,
    p999Ms: 8100,
    advised: ['longer_than_needed', 15_000],
  },
  {
    name: 'a path of its own is slow, and few requests are known',
    responseHeadMs: 60_000,
    answered: 6000,
    p999Ms: 40,
    longestMs: 1230,
    samples: 6000,
    advised: ['longer_than_needed', 2000],
  },
  {
    name: 'many answers by few stored ones, of which one is slow',
    responseHeadMs: 60_000,
    answered: 60_000,
    p999Ms: 40,
    longestMs: 1230,
    samples: 600,
    advised: ['longer_than_needed', 2000],
  },
  {
    name: 'one of ten thousand is slow',
    responseHeadMs: 60_000,
    answered: 10_000,
    p999Ms: 40,
    longestMs: 1230,
    advised: ['longer_than_needed', 1000],
  },
  { name: 'a limit that fits', responseHeadMs: 10_000, answered: 5000, p999Ms: 4100, advised: null },
  { name: 'a limit below the lowest usual one', responseHeadMs: 500, answered: 5000, p999Ms: 20, advised: null },
  { name: 'too few exchanges to know', responseHeadMs: 60_000, answered: 999, p999Ms: 10, advised: null },
  {
    name: 'answers up to the limit, some cut',
    responseHeadMs: 5000,
    answered: 5000,
    p999Ms: 4900,
    timedOut: 7,
    advised: ['cuts_ordinary', 10_000],
  },
  { name: 'answers near the limit, none cut', responseHeadMs: 5000, answered: 5000, p999Ms: 4900, advised: null },
  {
    name: 'fast answers, and some that hang',
    responseHeadMs: 5000,
    answered: 5000,
    p999Ms: 900,
    timedOut: 7,
    advised: ['longer_than_needed', 2000],
  },
  {
    name: 'fewer well hours than a day has',
    responseHeadMs: 60_000,
    answered: 50_000,
    p999Ms: 240,
    wellHours: 23,
    advised: null,
  },
  {
    name: 'answers that take longer now than they usually do',
    responseHeadMs: 60_000,
    answered: 50_000,
    p999Ms: 240,
    lastHourP99Ms: 1500,
    advised: null,
  },
  {
    name: 'a timeout within the last hour',
    responseHeadMs: 5000,
    answered: 5000,
    p999Ms: 4900,
    timedOut: 7,
    isTroubled: true,
    advised: null,
  },
  {
    name: 'an exchange that ends before, and nothing known',
    responseHeadMs: 60_000,
    exchangeMs: 30_000,
    answered: 0,
    p999Ms: 0,
    advised: ['never_fires', null],
  },
  {
    name: 'an exchange that ends before what ordinary answers need',
    responseHeadMs: 60_000,
    exchangeMs: 30_000,
    answered: 5000,
    p999Ms: 25_000,
    advised: ['never_fires', null],
  },
  {
    name: 'an exchange that ends before, and fast answers',
    responseHeadMs: 60_000,
    exchangeMs: 30_000,
    answered: 5000,
    p999Ms: 700,
    advised: ['never_fires', 1000],
  },
  {
    name: 'an exchange that ends after',
    responseHeadMs: 5000,
    exchangeMs: 30_000,
    answered: 5000,
    p999Ms: 3000,
    advised: null,
  },
];

describe('advice for timeouts', () => {
  for (const { name, responseHeadMs, exchangeMs = null, answered, p999Ms, advised, ...rest } of cases)
    test(`${name}: ${advised === null ? 'none' : `${advised[0]}, ${advised[1] ?? 'no'} ms`}`, () => {
      const { longestMs = p999Ms, samples = 10_000, timedOut = 0 } = rest;
      const { wellHours = 24, lastHourP99Ms = null, isTroubled = false } = rest;
      const figures = { p999Ms, longestMs, samples, timedOut, wellHours, isTroubled, lastHourP99Ms };
      const observed = { route: '/api', answered, since: hour, ...figures };
      const advice = adviseTimeouts([{ route: '/api', responseHeadMs, exchangeMs }], answered === 0 ? [] : [observed]);
      assert.deepEqual(
        advice.map(({ kind, advisedMs }) => [kind, advisedMs]),
        advised === null ? [] : [advised],
      );
      for (const { evidence } of advice) assert.deepEqual(evidence, answered === 0 ? null : observed);
      for (const { advisedMs } of advice) assert.ok(advisedMs === null || advisedMs > p999Ms);
    });

  test('is given by route: what another one does says nothing', () => {
    const well = { timedOut: 0, wellHours: 24, isTroubled: false, lastHourP99Ms: null };
    const observed = [
      { route: '/slow', answered: 5000, since: hour, p999Ms: 20_000, longestMs: 20_000, samples: 5000, ...well },
    ];
    const routes = ['/fast', '/slow'].map((route) => ({ route, responseHeadMs: 60_000, exchangeMs: null }));
    assert.deepEqual(
      adviseTimeouts(routes, observed).map(({ route }) => route),
      ['/slow'],
    );
  });
});
