import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Cause } from '#failures/failure.ts';
import { failureTable } from '#failures/failure-table.ts';
import { familyOfCause } from './failure-family.ts';
import { outputStepOf } from './output-step.ts';
import { endpointOf, incidentOf, ranking } from './ranking.test-support.ts';
import type { WatchedUpstream } from './watched-upstream.ts';

const incident = incidentOf('application', [['app_error', 9]]);
const stepOf = (watched: Partial<WatchedUpstream>): string | null =>
  outputStepOf({ incident, watched: { application: null, endpoints: [], ...watched } });

test('the step shows what the applications that the gateway runs have printed, and is none for others', () => {
  assert.equal(stepOf({}), null);
  assert.equal(
    stepOf({ application: 'web', storesOutput: true }),
    'See what web printed with `candor logs kind:output application:web since:2026-01-01T11:59:55Z`',
  );
  assert.match(stepOf({ applications: ['a', 'b'], storesOutput: true }) ?? '', /^See what a, b .*kind:output since:/);
  assert.equal(stepOf({ application: 'web' }), "See in the gateway's own output what web printed at that time");
});

const causes = ['app_error', ...(Object.keys(failureTable) as Cause[])] as const;

test('no step for an application that the gateway runs is one for a foreign application', () => {
  let steps = 0;
  for (const cause of causes) {
    const family = cause === 'app_error' ? 'application' : familyOfCause(cause);
    if (family === null) continue;
    const watched = { application: 'web', storesOutput: true, endpoints: [endpointOf('app/1')] } as const;
    for (const isAccepting of [true, false]) {
      const incidents = [
        incidentOf(family, [[cause, 9]]),
        { ...incidentOf(family, [[cause, 9]]), requests: 20, lastAt: Date.UTC(2026, 1) },
      ];
      const directLook = {
        endpoint: 'app/1',
        isAccepting,
        isHanging: false,
        cause: null,
        answer: '',
        tookMs: null,
        at: 0,
      };
      const found = incidents.flatMap((one) => ranking(one, { watched, directLook, staleReusesFailed: 9 }));
      for (const { nextStep } of found) {
        assert.doesNotMatch(nextStep, /ss -ltnp|(?:its|own|application's) log\b/, cause);
        steps += 1;
      }
    }
  }
  assert.ok(steps > 30);
});
