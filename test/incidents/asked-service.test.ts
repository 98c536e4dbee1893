import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { LiveIncident } from '../../src/core/live-incident.ts';
import { incidentSentence } from '../../src/incidents/incident-sentence.ts';
import { type PlayedScenario, playScenario, type ScenarioUpstream } from './play-scenario.ts';

// A service that routes ask who may enter is out: that is one incident, and the service stands first.

const usual = { endpoints: 1, rate: 20, medianMs: 5, p99Ms: 30 };
const upstreams: Readonly<Record<string, ScenarioUpstream>> = {
  auth: { ...usual, routes: ['authentication of /shop', 'authentication of /desk'] },
  shop: { ...usual, routes: ['/shop', '/open'] },
  desk: { ...usual, routes: ['/desk'] },
};

function played(
  steps: PlayedScenario['steps'],
  others: PlayedScenario['upstreams'] = {},
): { told: string[]; incidents: readonly LiveIncident[] } {
  const { changes, incidents } = playScenario({ seconds: 320, upstreams: { ...upstreams, ...others }, steps }, 5);
  const told = changes.flatMap(({ kind, incident }) =>
    kind === 'opened' || kind === 'resolved'
      ? [`${kind} ${incident.id}: ${incident.cause} at ${incident.upstream}`]
      : [],
  );
  return { told, incidents };
}

const undecided = (from: number, to: number): PlayedScenario['steps'] => [
  { upstream: 'shop', routes: ['/shop'], from, to, fail: 'authentication_unavailable', share: 1 },
  { upstream: 'desk', from, to, fail: 'authentication_unavailable', share: 1 },
];

describe('a service that decides who may enter', () => {
  // Keys that are known make a service fail before its routes do; and counts come in any order.
  for (const [what, service, routes] of [
    ['at once', 80, 80],
    ['after its routes', 83, 80],
    ['before its routes', 80, 95],
  ] as const)
    test(`is out: one incident, where it fails ${what}`, () => {
      const { told, incidents } = played([
        { upstream: 'auth', from: service, to: 130, fail: 'connect_refused', share: 1 },
        ...undecided(routes, 130),
      ]);
      const open = told.filter((one) => one.startsWith('opened'));
      const own = incidents.filter(({ joined }) => joined === undefined);
      assert.equal(own.length, 1, told.join('\n'));
      const [incident] = own;
      assert.ok(incident !== undefined);
      assert.deepEqual([incident.upstream, incident.cause], ['auth', 'connect_refused']);
      assert.deepEqual(incident.routes.map(({ route }) => route).toSorted(), ['/desk', '/shop']);
      // Requests of clients, and not the questions of the gateway besides.
      assert.equal(
        incident.failed,
        incident.routes.reduce((sum, { failed }) => sum + failed, 0),
      );
      assert.ok(incident.requests >= incident.failed);
      assert.ok(
        incident.causes.some(({ cause, isConsequence }) => cause === 'authentication_unavailable' && isConsequence),
      );
      assert.match(
        incidentSentence(incident),
        /\(upstream auth\).* The routes \/\w+, \/\w+ ask it who may enter, and answer 503 meanwhile\./,
      );
      assert.equal(told.filter((one) => one.startsWith('resolved')).length, open.length, told.join('\n'));
    });

  test('is out, and requests without a decision have no upstream, as in the gateway: one incident, which ends', () => {
    const { told, incidents } = played(
      [
        { upstream: 'auth', from: 80, to: 130, fail: 'connect_refused', share: 1 },
        { upstream: '', from: 80, to: 130, rate: 40 },
        { upstream: '', from: 80, to: 130, fail: 'authentication_unavailable', share: 1 },
        { upstream: 'shop', from: 80, to: 130, rate: 0 },
        { upstream: 'desk', from: 80, to: 130, rate: 0 },
      ],
      { '': { ...usual, rate: 0, routes: ['/shop', '/desk'] } },
    );
    const own = incidents.filter(({ joined }) => joined === undefined);
    assert.deepEqual(
      own.map(({ upstream, routes, resolvedAt }) => [upstream, routes.length, resolvedAt !== null]),
      [['auth', 2, true]],
      told.join('\n'),
    );
  });

  test('has the keys of tokens, for which it is asked once for all routes: one incident', () => {
    const { incidents } = played(
      [{ upstream: 'auth', from: 80, to: 130, fail: 'connect_refused', share: 1 }, ...undecided(82, 130)],
      { auth: { ...usual, rate: 2, routes: ['keys of auth'] } },
    );
    assert.deepEqual(
      incidents.filter(({ joined }) => joined === undefined).map(({ upstream, routes }) => [upstream, routes.length]),
      [['auth', 2]],
    );
  });

  test('gives answers that are none, so that its own requests succeed: an incident of the routes', () => {
    const { told } = played(undecided(80, 130));
    assert.deepEqual(
      told
        .filter((one) => one.startsWith('opened'))
        .map((one) => one.replace(/^\w+ \d+: /, ''))
        .toSorted(),
      ['authentication_unavailable at desk', 'authentication_unavailable at shop'],
    );
  });

  test('comes back otherwise, and the routes go on failing: that is told', () => {
    const { told } = played([
      { upstream: 'auth', from: 80, to: 110, fail: 'connect_refused', share: 1 },
      ...undecided(80, 300),
    ]);
    assert.match(told[0] ?? '', /^opened \d+: connect_refused at auth$/);
    assert.ok(
      told.some((one) => /^opened \d+: authentication_unavailable at shop$/.test(one)),
      told.join('\n'),
    );
  });

  test('is out, and so is an application for itself: two incidents', () => {
    const { incidents } = played([
      { upstream: 'auth', from: 80, to: 130, fail: 'connect_refused', share: 1 },
      { upstream: 'desk', from: 80, to: 130, fail: 'authentication_unavailable', share: 1 },
      { upstream: 'shop', from: 80, to: 130, fail: 'response_head_timeout', share: 1 },
    ]);
    assert.deepEqual(incidents.map(({ upstream }) => upstream).toSorted(), ['auth', 'shop']);
  });
});
