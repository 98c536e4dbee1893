import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { UsageSeriesJson, UsageStepJson } from './model.ts';
import { byteFigure, coreFigure, cpuTimeFigure, moneyFigure, usageByApplication } from './usage-columns.ts';

const step = (at: string, more: Partial<UsageStepJson> = {}): UsageStepJson => ({
  ...{ at: `2026-11-28T${at}:00.000Z`, cpu_s: 6, memory_bytes: 1000, memory_bytes_max: 2000, run_s: 60 },
  ...{ starts: 0, restarts: 0, requests: 120, errors: 1, bytes_in: 5, bytes_out: 50, p50_ms: 3, p99_ms: 9 },
  ...more,
});

const answer = (series: UsageSeriesJson['series']): UsageSeriesJson => ({
  step_s: 60,
  since: '2026-11-28T03:00:00.000Z',
  until: '2026-11-28T03:03:30.000Z',
  known_since: null,
  series,
});
const named = { application: 'shop', kind: 'instances', name: '', release: 'r1' } as const;

describe('the lines of the page Resources', () => {
  test('have each step that is over, and none where nothing ran', () => {
    const [shop] = usageByApplication(answer([{ ...named, steps: [step('03:00'), step('03:02'), step('03:03')] }]));
    assert.deepEqual(shop?.times.length, 3);
    assert.deepEqual(shop?.lines[0]?.cpuPercent, [10, null, 10]);
    assert.deepEqual(shop?.lines[0]?.requestsPerS, [2, null, 2]);
    assert.deepEqual(shop?.lines[0]?.totals.requests, 360);
  });

  test('are drawn in longer steps for a longer time', () => {
    const usage = answer([
      { ...named, steps: [step('03:00', { p99_ms: 20 }), step('03:01', { cpu_s: 12, requests: 0, p99_ms: null })] },
    ]);
    const [shop] = usageByApplication(usage, 3);
    const line = shop?.lines[0];
    assert.deepEqual([line?.cpuPercent, line?.requestsPerS, line?.p99Ms], [[10], [120 / 180], [20]]);
  });

  test('are named by worker and release', () => {
    const [shop] = usageByApplication(
      answer([
        { ...named, steps: [step('03:00')] },
        { ...named, kind: 'worker', name: 'mail', steps: [step('03:00')] },
        { ...named, release: '', steps: [step('03:00')] },
        { ...named, kind: 'storage', steps: [step('03:00', { memory_bytes_max: 77 })] },
      ]),
    );
    assert.deepEqual(
      shop?.lines.map(({ name }) => name),
      ['r1', 'mail r1', 'instances'],
    );
    assert.equal(new Set(shop?.lines.map(({ colour }) => colour)).size, 3);
    assert.equal(shop?.storageBytes, 77);
  });

  test('are at most eight, those with the most CPU time', () => {
    const releases = Array.from({ length: 10 }, (_, index) => ({
      ...named,
      release: `r${index}`,
      steps: [step('03:00', { cpu_s: index })],
    }));
    const [shop] = usageByApplication(answer(releases));
    assert.deepEqual([shop?.lines.length, shop?.left, shop?.lines[0]?.name], [8, 2, 'r2']);
  });
});

test('figures of CPU time and money are short', () => {
  assert.deepEqual([coreFigure(0), coreFigure(0.42), coreFigure(240.3)], ['0 %', '0.4 %', '240 %']);
  assert.deepEqual([cpuTimeFigure(4.21), cpuTimeFigure(3000), cpuTimeFigure(15_000)], ['4.2 s', '50 min', '4.2 h']);
  assert.deepEqual([byteFigure(95e6), byteFigure(1.24e9), byteFigure(400)], ['95 MB', '1.2 GB', '0 kB']);
  assert.deepEqual([moneyFigure(5.512, 'EUR'), moneyFigure(0.001, 'EUR')], ['5.51 EUR', '< 0.01 EUR']);
});
