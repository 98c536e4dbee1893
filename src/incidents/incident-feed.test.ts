import assert from 'node:assert/strict';
import { test } from 'node:test';
import { durationBoundsMs, type ExchangeCount, type WorkerCounts } from '../core/counters.ts';
import { shapeOfType, specOfCause } from '#failures/failure-texts.ts';
import type { Event } from '../core/event.ts';
import type { Cause } from '#failures/failure.ts';
import { bucketOf } from '../record/counters.ts';
import { sampleCount } from '../record/sample-count.test-support.ts';
import { SimulatedClock } from '../testing/simulated-clock.ts';
import { IncidentWatch } from './incident-watch.ts';

// Suspects whose evidence takes minutes, or a machine without memory: from what the watch of incidents is given. A running gateway shows the
// others (test/gateway/incident-suspects.test.ts).

function counted(count: number, durationMs: number, cause: Cause | 'none' = 'none'): ExchangeCount {
  const durations = new Array<number>(durationBoundsMs.length + 1).fill(0);
  durations[bucketOf(durationMs)] = count;
  const isFailed = cause !== 'none';
  return sampleCount({
    count,
    cause,
    statusClass: isFailed ? '5xx' : '2xx',
    shape: cause === 'none' ? 'none' : shapeOfType(specOfCause(cause).type),
    end: isFailed ? 'generated' : 'forwarded',
    durations,
  });
}

const event = (facts: object): Event => ({ from: null, to: null, reason: 'so it was', ...facts }) as unknown as Event;
const exit = (outOfMemory: boolean): Event =>
  event({
    kind: 'instance_exited',
    subject: 'instance:shop/1',
    from: 'ready',
    evidence: { pid: 7, code: null, signal: 'SIGKILL', outOfMemory, afterMs: 60_000, output: ['the last line'] },
  });

interface Seen {
  /** Of each second before, and since. */
  readonly usual: readonly ExchangeCount[];
  readonly failing: readonly ExchangeCount[];
  readonly event?: Event;
}

const cases: readonly (readonly [what: string, suspect: string, Seen])[] = [
  [
    'an application that the kernel killed for its memory',
    'out_of_memory',
    { usual: [counted(4, 20)], failing: [counted(4, 1, 'connect_refused')], event: exit(true) },
  ],
  [
    'an application that ended by itself',
    'crash',
    { usual: [counted(4, 20)], failing: [counted(4, 1, 'connect_refused')], event: exit(false) },
  ],
  [
    'a gateway without descriptors',
    'descriptors',
    {
      usual: [counted(4, 20)],
      failing: [counted(4, 1, 'descriptors_exhausted')],
      event: event({ kind: 'descriptors_exhausted', subject: 'gateway', to: 'scarce', evidence: {} }),
    },
  ],
  [
    'ten times the requests',
    'traffic_growth',
    { usual: [counted(4, 20)], failing: [counted(30, 20), counted(10, 1000, 'queue_timeout')] },
  ],
  [
    'a timeout at which ordinary requests end',
    'timeout_too_short',
    { usual: [counted(4, 900)], failing: [counted(4, 900), counted(2, 1000, 'response_head_timeout')] },
  ],
];

for (const [what, suspect, { usual, failing, event: seen }] of cases)
  test(`${what} is the first suspect, ${suspect}`, () => {
    const clock = new SimulatedClock();
    const watch = new IncidentWatch({
      ...{ clock, epoch: 'run', storage: null },
      events: { emit() {} },
      upstream: () => ({ application: 'shop', endpoints: [] }),
      processesOf: () => [],
      storesOutput: () => false,
      adviceOf: () => null,
      configuration: { route: () => null, upstream: () => null, before: () => null },
      examine: async () => null,
    });
    const pass = (seconds: number, exchanges: readonly ExchangeCount[]): void => {
      for (let second = 0; second < seconds; second += 1) {
        const counts = { worker: 1, staleReusesFailed: 0 } as WorkerCounts;
        watch.onBatch({ exchanges: [...exchanges], outcomes: [], counts });
        clock.advanceSync(1000);
      }
    };
    pass(240, usual);
    assert.deepEqual(watch.list(), []);
    if (seen !== undefined) watch.onEvent(seen);
    pass(10, failing);
    const [incident] = watch.list();
    assert.equal(incident?.suspects[0]?.name, suspect, JSON.stringify(incident?.suspects));
    assert.ok((incident?.suspects[0]?.evidence.length ?? 0) > 0);
  });
