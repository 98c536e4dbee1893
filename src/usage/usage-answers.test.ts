import assert from 'node:assert/strict';
import { test } from 'node:test';
import { snakeCased } from '#failures/json-case.ts';
import { costSchema, usageNowSchema, usageSchema } from '../core/schemas/usage.ts';
import type { Configuration } from '../core/configuration.ts';
import { latencyOf, noExchanges } from './exchange-count.test-support.ts';
import { SimulatedClock } from '../testing/simulated-clock.ts';
import { Usage } from './usage.ts';
import { usageCost, usageNow, usageSeries } from './usage-answers.ts';

const epoch = Date.UTC(2026, 10, 28, 3);

/** A minute and ten seconds with two releases. */
async function used(): Promise<{ readonly usage: Usage; readonly now: number }> {
  const clock = new SimulatedClock(epoch);
  const usage = new Usage({
    ...{ clock, storage: null, bootId: null },
    configuration: () =>
      ({
        applications: [{ id: 'shop' }],
        upstreams: [{ id: 'shop', application: 'shop' }],
        routes: [],
      }) as unknown as Configuration,
    releaseOf: () => null,
    foldersOf: () => [],
    sizeOf: async () => ({ bytes: 0, isPart: false }),
  });
  const attempt = { upstream: 'shop', endpoint: 'shop/1', method: 'GET', status: 200 } as const;
  const exchanges = [{ ...noExchanges, count: 100, bytesOut: 7000, durations: latencyOf(100, 8) }];
  usage.onBatch({ exchanges, responses: [{ ...attempt, release: 'r10', count: 50 }] });
  await clock.advance(65_000);
  usage.onBatch({
    exchanges,
    responses: [
      { ...attempt, release: 'r9', count: 1 },
      { ...attempt, release: 'r10', count: 3 },
    ],
  });
  await clock.advance(5000);
  const answered = { usage, now: clock.wallTime() };
  await usage.close();
  return answered;
}

test('the series of the API have each release, with whole requests and durations', async () => {
  const { usage, now } = await used();
  const answer = usageSeries(usage, { since: epoch, until: now, step: null, application: 'shop' }, now);
  usageSchema.parse(snakeCased(answer));
  assert.deepEqual(
    answer.series.map(({ release, steps }) => [release, steps.map(({ requests, bytesOut }) => [requests, bytesOut])]),
    [
      ['r9', [[25, 1750]]],
      [
        'r10',
        [
          [100, 7000],
          [75, 5250],
        ],
      ],
    ],
  );
  const p50 = answer.series[0]?.steps[0]?.p50Ms ?? 0;
  assert.ok(p50 > 7 && p50 < 9, String(p50));
});

test('what is used now has rates of the last ten seconds that are over', async () => {
  const { usage, now } = await used();
  const answer = usageNow(usage, now);
  usageNowSchema.parse(snakeCased(answer));
  assert.deepEqual(
    answer.rows.map(({ release, requestsPerS }) => [release, requestsPerS]),
    [
      ['r9', 2.5],
      ['r10', 7.5],
    ],
  );
});

test('hours have the sum of their minutes', async () => {
  const { usage, now } = await used();
  const answer = usageSeries(usage, { since: epoch, until: now, step: 'hour', application: null }, now);
  assert.equal(
    answer.series.flatMap(({ steps }) => steps).reduce((sum, { requests }) => sum + requests, 0),
    200,
  );
});

test('the cost of the API has quantities, and no forecast of the first minutes', async () => {
  const { usage, now } = await used();
  const answer = usageCost(usage, null, epoch, now);
  costSchema.parse(snakeCased(answer));
  const [shop] = answer.applications;
  assert.deepEqual(shop?.items.find(({ unit }) => unit === 'million_requests')?.quantity, 0.0002);
  assert.deepEqual(answer.forecasts, []);
});
