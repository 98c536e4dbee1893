import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Configuration } from '../core/configuration.ts';
import { noCounts } from '../core/counters.ts';
import type { EventSink, NewEvent } from '../core/event.ts';
import { SimulatedClock } from '../testing/simulated-clock.ts';
import { ExchangeLog } from './exchange-log.ts';
import { type WorkerBatch, WorkerReports } from './worker-reports.ts';

function reporting() {
  const clock = new SimulatedClock();
  const told: { count: number; errno: string | null; reason: string }[] = [];
  const events: EventSink = {
    emit: (event) => {
      const { kind, reason, evidence } = event as NewEvent<'log_dropped'>;
      assert.equal(kind, 'log_dropped');
      told.push({ count: evidence.count, errno: evidence.errno, reason });
    },
  };
  let dropped: readonly number[] = [];
  const reports = new WorkerReports({
    clock,
    events,
    log: new ExchangeLog(clock, events),
    startedWall: 0,
    processKey: 'k3f9xa',
    configuration: () => ({ client: {} }) as Configuration,
    workers: () => dropped.map((recordsDropped, index) => ({ ...noCounts(index + 1), recordsDropped })),
    watcher: null,
  });
  const hear = (...counts: number[]): void => {
    dropped = counts;
    const batch: WorkerBatch = {
      kind: 'batch',
      lines: null,
      exchanges: [],
      outcomes: [],
      drained: [],
      counts: noCounts(1),
    };
    reports.onBatch(batch, () => undefined);
  };
  return { clock, told, hear, reports };
}

test('records that workers dropped are reported at once, then every ten seconds, and all are counted', () => {
  const { clock, told, hear, reports } = reporting();
  hear(0, 0);
  hear(4000, 0);
  hear(4000, 890);
  hear(4000, 891);
  assert.deepEqual(told, [
    {
      count: 4000,
      errno: null,
      reason: 'the main thread was busy: 4000 records were lost before they reached the log since the last report',
    },
  ]);
  clock.advanceSync(9999);
  assert.equal(told.length, 1);
  clock.advanceSync(1);
  assert.equal(told[1]?.count, 891, 'without another report of a worker');
  clock.advanceSync(60_000);
  hear(4000, 891);
  assert.equal(told.length, 2);
  hear(4000, 892);
  hear(4000, 900);
  reports.close();
  assert.deepEqual(
    told.map(({ count }) => count),
    [4000, 891, 1, 8],
    'the counts sum up to what workers have dropped',
  );
  assert.equal(clock.timersLive, 0);
});
