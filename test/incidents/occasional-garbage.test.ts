import assert from 'node:assert/strict';
import { test } from 'node:test';
import { incidentTitle } from '../../src/incidents/incident-sentence.ts';
import { playScenario } from './play-scenario.ts';

test('what is said of occasional garbage of two kinds stays as it was at first', () => {
  const said = [2, 5, 12, 40].map((seconds) => {
    const { incidents } = playScenario(
      {
        seconds: 62 + seconds,
        upstreams: { api: { endpoints: 1, rate: 15, medianMs: 20, p99Ms: 90 } },
        steps: [
          { from: 60, to: 102, fail: 'response_framing', share: 0.2 },
          { from: 60, to: 102, fail: 'response_not_http', share: 0.1 },
        ],
      },
      3,
    );
    const [incident] = incidents;
    return incident === undefined ? null : [incidentTitle(incident), incident.whose, incident.suspects[0]?.sentence];
  });
  const expected = [
    'The application sends responses that are no valid HTTP (upstream api)',
    'application',
    'The application sends some responses that are no valid HTTP, and others that are.',
  ];
  assert.deepEqual(said, [expected, expected, expected, expected]);
});

test('bytes that are no HTTP are of the application where the gateway runs it, and else for the operator to look at', () => {
  const whoseOf = (application: string | null): string | undefined =>
    playScenario(
      {
        seconds: 100,
        upstreams: {
          api: { endpoints: 1, rate: 15, medianMs: 20, p99Ms: 90, ...(application === null ? {} : { application }) },
        },
        steps: [{ from: 60, to: 100, fail: 'response_not_http', share: 1 }],
      },
      3,
    ).incidents[0]?.whose;
  assert.deepEqual([whoseOf('api'), whoseOf(null)], ['application', 'operator']);
});
