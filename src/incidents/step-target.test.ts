import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LiveIncident } from '../core/live-incident.ts';
import { withTarget, outputStepOf } from './step-target.ts';
import type { Cause } from '#failures/failure.ts';
import { failureTable } from '#failures/failure-table.ts';
import { familyOfCause } from './failure-family.ts';
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

test('the step begins with the line itself where the log is known', () => {
  const log = { source: 'log', at: Date.UTC(2026, 0, 1, 12), isFirst: true, where: 'web/1', route: null } as const;
  const excerpts = [{ ...log, status: null, lines: ['Error: no database', 'more'] }];
  const watched = { application: 'web', endpoints: [], storesOutput: true } as const;
  assert.match(
    outputStepOf({ incident: { ...incident, excerpts }, watched }) ?? '',
    /^web\/1 printed "Error: no database" at 12:00:00 UTC; see what web printed with `candor logs kind:output/,
  );
  assert.match(ranking({ ...incident, excerpts })[0]?.nextStep ?? '', /^web\/1 printed "Error: no database" at/);
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

const step = 'curl http://HOST:PORT/PATH | cat; openssl s_client -connect HOST:PORT';
const said = (route: string, ...endpoints: readonly (readonly [endpoint: string, failed: number])[]): string =>
  withTarget(step, {
    ...{ cause: 'response_framing', routes: [{ route, failed: 3 }] },
    endpoints: endpoints.map(([endpoint, failed]) => ({ endpoint, attempts: 9, failed })),
  } as unknown as LiveIncident);

test('a step names the endpoint and the route with the most failures', () => {
  const cases: readonly (readonly [route: string, endpoint: string, address: string, path: string])[] = [
    ['/orders', 'api/10.0.0.1:3000', '10.0.0.1:3000', '/orders'],
    ['shop.example/v1/pay', 'api/[::1]:80', '[::1]:80', '/v1/pay'],
    ['all', 'web/web/2/127.0.0.1:4000', '127.0.0.1:4000', '/'],
    ['/$(id)', 'api/10.0.0.1:3000', '10.0.0.1:3000', '/'],
  ];
  for (const [route, endpoint, address, path] of cases)
    assert.equal(
      said(route, ['api/10.0.0.9:1', 1], [endpoint, 5]),
      `curl http://${address}${path} | cat; openssl s_client -connect ${address}`,
    );
});

test('a step uses TLS where the gateway does, but for what TLS itself fails with', () => {
  const of = (cause: string, tls: boolean): string =>
    withTarget(
      'curl -v http://HOST:PORT/PATH | cat; openssl s_client -connect HOST:PORT',
      {
        ...{ cause, routes: [{ route: '/orders', failed: 3 }] },
        endpoints: [{ endpoint: 'api/10.0.0.1:443', attempts: 9, failed: 9 }],
      } as unknown as LiveIncident,
      { application: null, endpoints: [], ...(tls ? { tls: true as const } : {}) },
    );
  const other = ' | cat; openssl s_client -connect 10.0.0.1:443';
  assert.equal(of('response_framing', true), `curl -k -v https://10.0.0.1:443/orders${other}`);
  assert.equal(of('response_framing', false), `curl -v http://10.0.0.1:443/orders${other}`);
  assert.equal(of('tls_plaintext_peer', true), `curl -v http://10.0.0.1:443/orders${other}`);
});

test('a step stays as it is where the endpoint has no address that a command takes', () => {
  assert.equal(said('/orders'), step);
  assert.equal(said('/orders', ['api/unix:/run/api.sock', 5]), step);
});
