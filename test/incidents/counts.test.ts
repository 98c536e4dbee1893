import assert from 'node:assert/strict';
import { test } from 'node:test';
import { playScenario } from './play-scenario.ts';

// Each request has one attempt at most here; of those that fail, half are answered by another attempt.

const { incidents, failed } = playScenario(
  {
    seconds: 160,
    upstreams: { api: { endpoints: 2, rate: 40, medianMs: 20, p99Ms: 90, routes: ['/a', '/b'] } },
    steps: [
      { from: 80, to: 110, fail: 'connect_refused', share: 0.5, retried: 0.5 },
      { from: 90, to: 110, fail: 'no_endpoint_ready', share: 0.2 },
    ],
  },
  1,
);
const sum = (counts: readonly { readonly failed?: number }[]): number =>
  counts.reduce((total, one) => total + (one.failed ?? Number.NaN), 0);

test('requests that failed are as many by cause, by route and by upstream as in all', () => {
  const [incident] = incidents;
  assert.ok(incident !== undefined && incident.failed > 100 && incident.failed < failed.length);
  assert.deepEqual(
    [sum(incident.causes), sum(incident.routes), sum(incident.upstreams)],
    [incident.failed, incident.failed, incident.failed],
  );
});

test('attempts that failed are as many by cause, by endpoint and by upstream as in all', () => {
  const [incident] = incidents;
  const attempts = (counts: readonly { readonly attemptsFailed?: number }[] = []): number =>
    counts.reduce((total, one) => total + (one.attemptsFailed ?? Number.NaN), 0);
  assert.deepEqual(
    [attempts(incident?.causes), sum(incident?.endpoints ?? []), attempts(incident?.upstreams)],
    [incident?.attemptsFailed, incident?.attemptsFailed, incident?.attemptsFailed],
  );
});

test("an incident of responses that are no HTTP is the application's where its endpoints also answer in HTTP", () => {
  for (const [share, whose] of [
    [0.3, 'application'],
    [1, 'operator'],
  ] as const) {
    const played = playScenario(
      {
        seconds: 120,
        upstreams: { api: { endpoints: 2, rate: 40, medianMs: 20, p99Ms: 90 } },
        steps: [{ from: 60, to: 100, fail: 'response_not_http', share }],
      },
      1,
    );
    assert.deepEqual(
      played.incidents.map((one) => one.whose),
      [whose],
    );
  }
});

test('an incident that checks alone have seen is not said to be caused by the application where it has answered requests', () => {
  const whoseOf = (withFailures: boolean): readonly string[] => {
    const { incidents: played } = playScenario(
      {
        seconds: 150,
        upstreams: { api: { endpoints: 2, rate: 40, medianMs: 20, p99Ms: 90 } },
        steps: [
          ...(withFailures ? [{ from: 78, to: 80, fail: 'app_error', share: 1 } as const] : []),
          { from: 79, to: 110, state: 'unhealthy', reason: 'GET /health answered 500' },
          { from: 80, to: 110, fail: 'no_endpoint_ready', share: 1 },
        ],
      },
      1,
    );
    return played.map(({ whose, suspects }) => `${whose}: ${suspects[0]?.name}`);
  };
  assert.deepEqual(whoseOf(false), ['gateway: failing_check']);
  assert.match(whoseOf(true).join(), /^application: /);
});
