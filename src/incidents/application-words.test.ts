import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { WorkerCounts } from '../core/counters.ts';
import type { Event } from '../core/event.ts';
import type { EndpointSnapshot } from '../core/snapshot.ts';
import type { HealthCheckReport } from '../core/health-check-report.ts';
import type { ErrorBody } from '../core/route-traffic.ts';
import { sampleCount } from '../record/sample-count.test-support.ts';
import { SimulatedClock } from '../testing/simulated-clock.ts';
import type { PrintedLine } from './application-words.ts';
import { IncidentWatch } from './incident-watch.ts';
import type { HasServed } from './seen-releases.ts';

const endpoint = { id: 'app/1', state: 'unhealthy', reason: 'answered 500' } as unknown as EndpointSnapshot;

/** An upstream whose application answers 5xx, and a word of it for each. */
class Outage {
  readonly clock = new SimulatedClock();
  lastCheck: HealthCheckReport | null = null;
  printed: readonly PrintedLine[] = [];
  readonly watch = new IncidentWatch({
    ...{ clock: this.clock, epoch: 'run', storage: null },
    events: { emit: () => {} },
    upstream: () => ({ application: null, endpoints: [endpoint] }),
    processesOf: () => [],
    adviceOf: () => null,
    lastCheckOf: () => this.lastCheck,
    storesOutput: () => false,
    configuration: { route: () => null, upstream: () => null, before: () => null },
    examine: async (_, hasServed) => ({ findings: [], look: null, newest: null, printed: this.#of(hasServed) }),
    printed: async (_, hasServed) => this.#of(hasServed),
  });

  readonly #of = (hasServed: HasServed): readonly PrintedLine[] => this.printed.filter(({ where }) => hasServed(where));

  second(lines: readonly string[], route = 'pay', isFailed = true): void {
    const at = this.clock.wallTime();
    const errorBodies: ErrorBody[] = [{ route, upstream: 'app', endpoint: 'app/1', status: 500, at, lines }];
    const failed = { statusClass: '5xx', shape: 'app_error' } as const;
    const exchanges = [
      sampleCount({ upstream: 'app', route: 'pay', count: 8, ...(isFailed ? failed : {}) }),
      sampleCount({ upstream: 'app', route: 'pay', count: 8 }),
    ];
    const counts = { worker: 1, staleReusesFailed: 0 } as WorkerCounts;
    this.watch.onBatch({ exchanges, outcomes: [], counts, errorBodies: lines.length === 0 ? [] : errorBodies });
    this.clock.advanceSync(1000);
  }

  /** 'response first: no database' */
  get said(): readonly string[] {
    const [incident] = this.watch.list();
    return (incident?.excerpts ?? []).map(
      ({ source, isFirst, lines }) => `${source} ${isFirst ? 'first' : 'newest'}: ${lines.join(' / ')}`,
    );
  }
}

test('the first answer of an incident stays, and the newest is replaced; those of before and of other routes are not its own', () => {
  const outage = new Outage();
  outage.second(['long ago'], 'pay', false);
  for (let second = 0; second < 60; second++) outage.second([], 'pay', false);
  for (let second = 0; second < 40; second++) outage.second([`answer ${second}`], second % 2 === 0 ? 'pay' : 'search');
  assert.deepEqual(outage.said, ['response first: answer 0', 'response newest: answer 38']);
});

test('what a failed check was answered is shown, and what a passed one was is not', () => {
  const outage = new Outage();
  const report = { durationMs: 1, reason: '', request: null, status: 500, body: null };
  for (let second = 0; second < 30; second++) {
    outage.lastCheck = { ...report, at: outage.clock.wallTime(), passed: second > 20, lines: [`db ${second}`] };
    outage.second([]);
  }
  assert.deepEqual(outage.said, ['check first: db 2', 'check newest: db 20']);
});

test('the lines of the log that came first stay, and the newest are read while the incident goes on', async () => {
  const outage = new Outage();
  const line = (text: string) => ({ where: 'web/1', at: outage.clock.wallTime(), text });
  outage.printed = [line('Error: no database'), { ...line('at pool.js:4'), where: 'web/2' }];
  for (let second = 0; second < 40; second++) {
    outage.second([]);
    await nextTurn(); // What was printed is searched for.
    if (second === 20) outage.printed = [line('Error: still none'), line('Error: giving up')];
  }
  assert.deepEqual(outage.said, ['log first: Error: no database', 'log newest: Error: still none / Error: giving up']);
});

test('the lines of a release that never got a request are not those of the incident', async () => {
  const outage = new Outage();
  const emit = (kind: string, subject: string, evidence: object): void =>
    outage.watch.onEvent({ kind, subject, revision: 1, to: 'starting', evidence } as unknown as Event);
  const line = (where: string) => ({ where, at: outage.clock.wallTime(), text: `${where} failed` });
  emit('rollout', 'application:web', { application: 'web', release: 'p3', before: 'p2', share: 0 });
  emit('instance_started', 'instance:web/3', { release: 'p3' });
  outage.printed = [line('web/3'), line('web/4')];
  for (let second = 0; second < 40; second++) {
    outage.second([]);
    await nextTurn(); // What was printed is searched for.
  }
  assert.deepEqual(outage.said, ['log first: web/4 failed']);
});
