import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { blindScenarios } from './blind-scenarios.ts';
import { faultsOf } from './judge-scenario.ts';
import { ownScenarios } from './own-scenarios.ts';
import { playScenario } from './play-scenario.ts';

describe('an incident is opened within 5 s of its third failure, and its cause is ranked first', () => {
  for (const scenario of ownScenarios.filter(({ expect }) => expect !== null)) {
    test(`${scenario.name}: ${scenario.expect}`, () => {
      for (const seed of [1, 2]) assert.deepEqual(faultsOf(scenario, playScenario(scenario, seed)), []);
    });
  }
});

describe('no incident is opened', () => {
  for (const scenario of [...ownScenarios, ...blindScenarios].filter(({ expect }) => expect === null)) {
    test(scenario.name, () => assert.deepEqual(faultsOf(scenario, playScenario(scenario, 1)), []));
  }
});

test('of incidents that were written without sight of the ranking, nine of ten have their cause ranked first', () => {
  const incidents = blindScenarios.filter(({ expect }) => expect !== null);
  const wrong = incidents.flatMap((scenario) =>
    faultsOf(scenario, playScenario(scenario, 1))
      .filter(({ what }) => what !== 'late')
      .map(({ text }) => `${scenario.name}: ${text}`),
  );
  assert.ok(wrong.length <= incidents.length / 10, wrong.join('\n'));
});

describe('an incident whose requests stop', () => {
  const played = (downTo: number) =>
    playScenario(
      {
        ...{ name: '', expect: null, seconds: 600 },
        upstreams: { api: { endpoints: 1, rate: 5, medianMs: 10, p99Ms: 30 } },
        steps: [
          { from: 100, to: 130, fail: 'connect_refused', share: 1 },
          { from: 131, to: 600, rate: 0 },
          { from: 101, to: downTo, state: 'unhealthy', reason: 'refuses connections', checkCause: 'connect_refused' },
        ],
      },
      1,
    ).changes.map(({ kind, second }) => [kind, kind === 'resolved' ? Math.round(second / 50) * 50 : 0]);

  test('goes on while checks fail', () => {
    assert.deepEqual(played(600), [
      ['opened', 0],
      ['grown', 0],
    ]);
  });
  test('is over when they pass again', () => {
    assert.deepEqual(played(500), [
      ['opened', 0],
      ['grown', 0],
      ['resolved', 500],
    ]);
  });
});
