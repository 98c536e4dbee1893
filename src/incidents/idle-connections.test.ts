import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EndpointOutcomes } from '../core/outcome.ts';
import { IdleConnections } from './idle-connections.ts';
import { incidentOf, ranking } from './ranking.test-support.ts';

type Second = Pick<EndpointOutcomes, 'silentIdleMs' | 'answeredIdleMs'>;

function silentOf(...seconds: readonly Second[]): ReturnType<IdleConnections['silentSince']> {
  const connections = new IdleConnections();
  seconds.forEach((one, second) => connections.add({ ...one, endpoint: 'app/a' } as EndpointOutcomes, second));
  return connections.silentSince(1);
}

const cases: readonly (readonly [what: string, seconds: readonly Second[], idleMs: number | null])[] = [
  [
    'only what had been idle longer than any that was answered waits',
    [{}, { silentIdleMs: [20_500, 31_000, 22_000, 40_000], answeredIdleMs: 19_000 }],
    20_500,
  ],
  [
    'what was answered before it began says nothing',
    [{ answeredIdleMs: 60_000 }, { silentIdleMs: [20_500, 31_000, 22_000, 40_000] }],
    20_500,
  ],
  ['new connections wait as well', [{}, { silentIdleMs: [20_500, 31_000, 0, 0, 22_000, 40_000] }], null],
  [
    'longer idle ones are answered',
    [{}, { silentIdleMs: [20_500, 31_000, 22_000, 40_000], answeredIdleMs: 50_000 }],
    null,
  ],
  ['they had hardly been idle', [{}, { silentIdleMs: [10, 20, 15, 300] }], null],
  ['there are too few', [{}, { silentIdleMs: [20_500, 31_000] }], null],
];

for (const [what, seconds, idleMs] of cases)
  test(`requests that wait in vain: ${what}`, () => assert.equal(silentOf(...seconds)?.idleMs ?? null, idleMs));

test('resets of kept connections that have just been used are no race with a timeout for idle ones', () => {
  const connections = new IdleConnections();
  const [resetIdleMs, answeredIdleMs] = [[20, 4000, 300, 60], 5000];
  connections.add({ endpoint: 'app/a', resetIdleMs, answeredIdleMs } as unknown as EndpointOutcomes, 5);
  connections.add({ endpoint: 'app/b', resetIdleMs: [], answeredIdleMs: 9000 } as unknown as EndpointOutcomes, 5);
  assert.deepEqual([connections.quickResetsSince(1), connections.quickResetsSince(6)], [0.75, null]);
  const incident = { ...incidentOf('gone', [['reset_before_response', 12]]), requests: 1500 };
  const named = (quickResets: number) =>
    ranking(incident, { staleReusesFailed: 12, quickResets }).map(({ name }) => name);
  assert.equal(named(0.75)[0], 'connections_cut');
  assert.equal(named(0)[0], 'keep_alive_race');
});

test('what forgets idle connections is suspected before a slow application, and the setting is named', () => {
  const silent = { endpoint: 'app/a', requests: 9, idleMs: 20_000, answeredMs: 15_000 };
  const [first, second] = ranking(incidentOf('slow', [['response_head_timeout', 9]]), { silent });
  assert.deepEqual([first?.name, second?.name], ['network', 'slow_application']);
  assert.match(first?.sentence ?? '', /forgets connections .* 20 s/);
  assert.match(first?.nextStep ?? '', /connections\.idle_timeout/);
});
