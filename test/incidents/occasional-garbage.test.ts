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

/** Of one of three endpoints, with some 23 requests a second. */
const garbageOfOne = (share: number, from: number, seconds: number, seed: number): number =>
  playScenario(
    {
      seconds,
      upstreams: {
        api: { endpoints: 3, rate: 70, medianMs: 20, p99Ms: 90, routes: ['cart', 'orders', 'lists', 'files'] },
      },
      steps: [{ from, to: seconds, fail: 'response_not_http', share, endpoints: [2] }],
    },
    seed,
  ).incidents.length;

test('one response in a thousand that is no valid HTTP is an incident within two minutes, where none was before', () => {
  const found = [1, 2, 3, 4].filter((seed) => garbageOfOne(0.005, 60, 180, seed) > 0);
  assert.ok(found.length >= 3, found.join());
});

test('a few such responses, or as few as ever, are none', () => {
  const found = [1, 2, 3, 4, 5].flatMap((seed) => [
    garbageOfOne(0.0008, 60, 180, seed),
    garbageOfOne(0.0012, 0, 400, seed),
  ]);
  assert.deepEqual(found, new Array(10).fill(0));
});
