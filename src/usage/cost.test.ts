import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { PricesSpec } from '../features/prices/settings.ts';
import { type Amounts, noAmounts, type UsageKind } from './amounts.ts';
import { costReport } from './cost.ts';
import type { UsageSteps } from './usage-history.ts';

const start = Date.UTC(2026, 10, 1);
const hour = start / 3_600_000;

const used = (
  application: string,
  amounts: Partial<Amounts>,
  kind: UsageKind = 'instances',
  name = '',
): UsageSteps => ({
  owner: { application, kind, name, release: 'r1' },
  steps: new Map([[hour, { ...noAmounts(), ...amounts }]]),
});

const period = { since: start, until: start + 3_600_000, knownSince: start };
const report = (series: readonly UsageSteps[], prices: PricesSpec | null) => costReport({ series, prices, ...period });
const priced = (units: PricesSpec['units'], month: PricesSpec['month'] = null): PricesSpec => ({
  currency: 'EUR',
  units,
  month,
});

describe('the cost of an application', () => {
  const all: Partial<Amounts> = {
    ...{ cpuMs: 1_800_000, byteSeconds: 2e9 * 3600, bytesOut: 5e9, requests: 250_000, busyMs: 7_200_000 },
  };
  const storage = used('shop', { byteSeconds: 1e9 * 3600, peakBytes: 1e9 }, 'storage');

  test('is each quantity times its price', () => {
    const prices = priced({
      ...{ cpuHour: 0.04, memoryGbHour: 0.005, storageGbMonth: 72, bandwidthOutGb: 0.1 },
      ...{ millionRequests: 0.2, requestHour: 0.03 },
    });
    const [shop] = report([used('shop', all), storage], prices).applications;
    const items = shop?.items.map(({ unit, quantity, cost }) => [unit, quantity, Number(cost?.toFixed(6))]);
    assert.deepEqual(items, [
      ['cpuHour', 0.5, 0.02],
      ['memoryGbHour', 2, 0.01],
      // An hour of a month of 720.
      ['storageGbMonth', 1 / 720, 0.1],
      ['bandwidthOutGb', 5, 0.5],
      ['millionRequests', 0.25, 0.05],
      ['requestHour', 2, 0.06],
    ]);
    assert.equal(shop?.cost?.toFixed(6), '0.740000');
  });

  test('has workers and jobs in it, and says what each has used', () => {
    const [shop] = report([used('shop', all), used('shop', { cpuMs: 3_600_000 }, 'job', 'report')], null).applications;
    assert.equal(shop?.items[0]?.quantity, 1.5);
    assert.deepEqual(
      shop?.parts.map(({ kind, name, cpuHours }) => [kind, name, cpuHours]),
      [
        ['instances', '', 0.5],
        ['job', 'report', 1],
      ],
    );
  });

  test('is none where nothing has a price', () => {
    const { applications, total, currency } = report([used('shop', all)], null);
    assert.deepEqual([applications[0]?.cost, total, currency], [null, null, null]);
  });
});

describe('a fixed price', () => {
  const two = [
    used('shop', { cpuMs: 3000, byteSeconds: 1e9, requests: 10 }),
    used('blog', { cpuMs: 1000, byteSeconds: 1e9, requests: 90 }),
  ];
  const cases = [
    ['cpu', [0.25, 0.75]],
    ['memory', [0.5, 0.5]],
    ['cpu_and_memory', [0.375, 0.625]],
    ['requests', [0.9, 0.1]],
  ] as const;
  for (const [sharedBy, expected] of cases)
    test(`is divided by ${sharedBy}, wholly`, () => {
      const { applications, fixed, total } = report(two, priced({}, { price: 720, sharedBy }));
      assert.deepEqual(
        applications.map(({ fixed: own }) => own?.share),
        expected,
      );
      // An hour of a month of 720.
      assert.deepEqual([fixed?.cost, total], [1, 1]);
    });

  test('is divided evenly where nothing was used', () => {
    const { applications } = report(
      [used('shop', { runMs: 1 }), used('blog', { runMs: 1 })],
      priced({}, { price: 720, sharedBy: 'cpu' }),
    );
    assert.deepEqual(
      applications.map(({ fixed: own }) => own?.share),
      [0.5, 0.5],
    );
  });

  test('counts from when measuring began', () => {
    const knownSince = start + 1_800_000;
    const { fixed, measuredSince } = costReport({
      ...{ series: two, since: start, until: start + 3_600_000, knownSince },
      prices: priced({}, { price: 720, sharedBy: 'cpu' }),
    });
    assert.deepEqual([fixed?.cost, measuredSince], [0.5, knownSince]);
  });
});
