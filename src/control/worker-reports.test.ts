import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Configuration } from '../core/configuration.ts';
import { durationBoundsMs } from '../core/counters.ts';
import type { LostRecord } from '../core/record.ts';
import { ExchangeCounters } from '../record/counters.ts';
import { sampleExchange } from '../record/sample-exchange.test-support.ts';
import { SimulatedClock } from '../testing/simulated-clock.ts';
import type { GatewayWatcher } from './gateway-status.ts';
import type { WorkerBatch } from '../core/worker-messages.ts';
import { watchedRecords, WorkerReports, type WorkerReportsParts } from './worker-reports.ts';

function reportsTo(watcher: GatewayWatcher, clock = new SimulatedClock()): WorkerReports {
  const parts: Pick<WorkerReportsParts, 'clock' | 'watcher'> = { clock, watcher };
  return new WorkerReports(parts as WorkerReportsParts);
}

/** Lines of failures, by their ids. */
function linesOf(count: number, first = 0): Uint8Array {
  const line = (id: number): string =>
    `{"v":1,"id":"${id}","at":"2026-11-21T08:42:18.007Z","client":{"address":"192.0.2.17","port":1},"host":"a","path":"/","attempts":[],"status":502,"shape":"reset","cause":"reset_before_response","duration_ms":1}\n`;
  return Buffer.from(Array.from({ length: count }, (_, index) => line(first + index)).join(''), 'latin1');
}

describe('the records of failed exchanges', () => {
  test('are read at most 200 times a second, and the others are counted', () => {
    const clock = new SimulatedClock();
    const ids: string[] = [];
    let skipped = 0;
    const watcher: GatewayWatcher = {
      onFailedExchange: ({ id }) => ids.push(id),
      onFailuresSkipped: (count) => {
        skipped += count;
      },
    };
    const reports = reportsTo(watcher, clock);
    reports.onLines(linesOf(150));
    assert.deepEqual([ids.length, skipped], [150, 0]);
    reports.onLines(linesOf(1000, 150));
    assert.deepEqual([ids.length, ids.at(-1), skipped], [200, '199', 950]);
    clock.advanceSync(1000);
    reports.onLines(linesOf(1, 5000));
    assert.deepEqual([ids.at(-1), skipped], ['5000', 950]);
  });

  test('are all read for a watcher that does not count skipped ones', () => {
    let read = 0;
    reportsTo({ onFailedExchange: () => void (read += 1) }).onLines(linesOf(1000));
    assert.equal(read, 1000);
  });

  test('do not reach the main thread where no watcher wants them', () => {
    assert.equal(watchedRecords({ onEvent: () => {} }), 'none');
    assert.equal(watchedRecords({ onFailedExchange: () => {} }), 'failed');
    assert.equal(watchedRecords({ onFailedExchange: () => {}, onRecords: () => {} }), 'all');
  });
});

describe('the history of requests', () => {
  test('has the names of the active configuration, also after a reload', () => {
    const clock = new SimulatedClock();
    const configurationOf = (id: string) =>
      ({ upstreams: [{ id }], routes: [], client: {} }) as unknown as Configuration;
    let configuration = configurationOf('before');
    const parts: Partial<WorkerReportsParts> = { clock, watcher: null, workers: () => [] };
    const reports = new WorkerReports({ ...parts, configuration: () => configuration } as WorkerReportsParts);
    const counted = new ExchangeCounters();
    const batchOf = (upstream: string): WorkerBatch => {
      counted.count(sampleExchange({ upstream }));
      const nothing = {
        responses: [],
        stages: [],
        outcomes: [],
        failedHandshakes: [],
        http2Limits: [],
        http2Errors: [],
      };
      return { exchanges: counted.takeDelta(), ...nothing } as unknown as WorkerBatch;
    };
    for (let index = 0; index < 200; index += 1) reports.onBatch(batchOf(`late${index}`));
    configuration = configurationOf('after');
    reports.onBatch(batchOf('after'));
    assert.equal(reports.history.has('upstream:after'), true);
  });
});

test('requests that a lost worker had in flight have failed: in the last minute, in the history and in the metrics', () => {
  const clock = new SimulatedClock();
  const lines: LostRecord[] = [];
  const configuration = { upstreams: [], routes: [], client: {}, log: { path: '-' } } as unknown as Configuration;
  const reports = new WorkerReports({
    ...{ clock, watcher: null, startedWall: 0, processKey: 'k3f9xa', configuration: () => configuration },
    log: { appendLost: (record: LostRecord) => void lines.push(record) },
  } as unknown as WorkerReportsParts);
  reports.onWorkerLost({ worker: 1, revision: 1, exchanges: 93, unread: null, why: 'it threw Error' });
  reports.onWorkerLost({ worker: 2, revision: 1, exchanges: 0, unread: null, why: 'it threw Error' });
  assert.deepEqual(
    lines.map(({ exchanges }) => exchanges),
    [93],
  );
  const { requests, errors, errorShare, p99Ms } = reports.lastMinute.all;
  assert.deepEqual([requests, errors, errorShare, p99Ms], [93, 93, 1, null]);
  assert.deepEqual(reports.history.recent('all', 5), { requests: 93, errors: 93 });
  const told = reports.exchanges.map(({ cause, end, count, durations }) => [cause, end, count, durations.length]);
  assert.deepEqual(told, [['gateway_fault', 'truncated', 93, durationBoundsMs.length + 1]]);
});
