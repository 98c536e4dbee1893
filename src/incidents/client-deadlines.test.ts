import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { durationBoundsMs } from '../core/counters.ts';
import { latencyCellOf } from '../core/latency-cells.ts';
import { bucketOf } from '../record/counters.ts';
import { sampleCount } from '../record/sample-count.test-support.ts';
import { IncidentTracker } from './incident-tracker.ts';

const none = { serverErrors: 0, failed: [], slow: [], awaited: [] };
const noOutcomes = {
  ...({ state: 'healthy', successes: 0, serverErrors: 0, rateLimited: 0, restMs: 0, failures: 0 } as const),
  ...{ consecutiveFailures: 0, consecutiveUnreachable: 0, latencyMs: 0 },
};

describe('calls whose client set a short deadline (grpc-timeout)', () => {
  /** Each second 20 calls of twelve clients take 35 ms; from second 100 on, calls of `clients` end after `deadlineMs`. */
  const incidentOf = (deadlineMs: number, clients: readonly string[], isHanging = false) => {
    const tracker = new IncidentTracker(0);
    const durationsOf = (ms: number, count: number): number[] => {
      const durations = new Array<number>(durationBoundsMs.length + 1).fill(0);
      durations[bucketOf(ms)] = count;
      return durations;
    };
    for (let second = 1; second <= 140; second++) {
      const counts = { upstream: 'shop', route: 'search' };
      const answered = isHanging && second > 100 ? 0 : 20;
      const overdue = sampleCount({
        ...{ ...counts, count: clients.length, durations: durationsOf(deadlineMs, clients.length) },
        ...{
          cause: 'exchange_timeout',
          shape: 'too_slow',
          isClientDeadline: true,
          whose: 'application',
          end: 'generated',
        },
        clients: clients.map((client) => ({ client, count: 1 })),
      });
      const client = `192.0.2.${second % 12}`;
      const exchanges = [
        ...(answered > 0
          ? [sampleCount({ ...counts, client, count: answered, durations: durationsOf(35, answered) })]
          : []),
        ...(second > 100 ? [overdue] : []),
      ];
      const latencies = [latencyCellOf(35), answered];
      const routes = [{ ...none, ...counts, endpoint: 'shop/1', answered, latencies }];
      const causes = [{ cause: 'exchange_timeout', byClient: true, count: clients.length } as const];
      const outcomes = second > 100 ? [{ ...noOutcomes, upstream: 'shop', endpoint: 'shop/1', causes }] : [];
      tracker.note({ exchanges, outcomes, routes, staleReusesFailed: 0 }, second * 1000);
      tracker.judge((second + 1) * 1000, () => ({ application: null, endpoints: [] }));
    }
    const [incident] = tracker.list(141_000);
    return incident === undefined ? null : [incident.family, incident.whose];
  };
  const one = Array.from({ length: 10 }, () => '192.0.2.99');
  const many = Array.from({ length: 20 }, (_, number) => `192.0.2.${number}`);
  test('are no incident where it is shorter than what the route usually takes', () =>
    assert.equal(incidentOf(5, one), null));
  test("are the client's where it alone is not answered in time", () =>
    assert.deepEqual(incidentOf(250, one), ['slow', 'client']));
  test("are the application's where many clients wait for longer than usual", () =>
    assert.deepEqual(incidentOf(100, many, true), ['slow', 'application']));
});
