import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { LiveIncident } from '../../src/core/live-incident.ts';
import { judge } from './judge-scenario.ts';
import type { ExpectedIncident, JudgedScenario } from './judged-scenario.ts';
import { playScenario } from './play-scenario.ts';

const scenario: JudgedScenario = {
  kind: 'nothing listens',
  name: 'one of three endpoints refuses connections on one of two routes, another upstream is well',
  seconds: 70,
  upstreams: {
    api: { endpoints: 3, rate: 60, medianMs: 10, p99Ms: 30, routes: ['/a', '/b'] },
    web: { endpoints: 1, rate: 5, medianMs: 10, p99Ms: 30 },
  },
  steps: [{ from: 40, to: 70, fail: 'connect_refused', share: 1, endpoints: [2], routes: ['/b'] }],
  incidents: [],
};
const result = playScenario(scenario, 1);
const first = result.incidents[0] as LiveIncident;
const right: ExpectedIncident = {
  ...{ right: [first.suspects[0]?.name ?? 'not_known'], shapes: ['unreachable'], upstream: 'api', from: 40 },
  ...{ endpoints: [2], routes: ['/b'] },
};

function faultsWith(changed: Partial<ExpectedIncident>, more: Partial<JudgedScenario> = {}, of = result) {
  const { expected, others } = judge({ ...scenario, incidents: [{ ...right, ...changed }], ...more }, of);
  return [...expected.flat(), ...others].map(({ what }) => what);
}

describe('a judged scenario', () => {
  for (const { name, changed, more, faults } of [
    { name: 'has no fault where all is as expected', changed: {}, faults: [] },
    { name: 'accepts any of several causes', changed: { right: ['dns', ...right.right] }, faults: [] },
    { name: 'tells another cause in the first place', changed: { right: ['not_known'] }, faults: ['cause'] },
    { name: 'tells another shape', changed: { shapes: ['garbage'] }, faults: ['shape'] },
    { name: 'tells failures at another endpoint', changed: { endpoints: [3] }, faults: ['place'] },
    { name: 'tells an endpoint without failures', changed: { endpoints: [2, 3] }, faults: ['place'] },
    { name: 'tells failures on another route', changed: { routes: ['/a'] }, faults: ['place'] },
    { name: 'tells an incident elsewhere', changed: { upstream: 'web' }, faults: ['not_opened', 'elsewhere'] },
    {
      name: 'tells no incident elsewhere where one may be',
      changed: { upstream: 'web' },
      more: { mayAlsoOpen: ['api'] },
      faults: ['not_opened'],
    },
    { name: 'tells an incident in a quiet time', changed: {}, more: { incidents: [] }, faults: ['false_alarm'] },
  ] as const satisfies readonly {
    name: string;
    changed: Partial<ExpectedIncident>;
    more?: Partial<JudgedScenario>;
    faults: readonly string[];
  }[]) {
    test(name, () => assert.deepEqual(faultsWith(changed, more), faults));
  }

  test('tells an incident that is opened more than 5 s after its third failure', () => {
    const late = result.changes.map((change) => ({ ...change, second: change.second + 5 }));
    assert.deepEqual(faultsWith({}, {}, { ...result, changes: late }), ['late']);
  });

  test('tells that most failures are at an endpoint besides the expected one', () => {
    const elsewhere = { endpoint: 'api/3', attempts: 9000, failed: 9000 };
    const incidents = result.incidents.map((each) => ({ ...each, endpoints: [...each.endpoints, elsewhere] }));
    assert.deepEqual(faultsWith({}, {}, { ...result, incidents }), ['place']);
  });

  test('has one incident for each that it expects', () => {
    const twice = judge({ ...scenario, incidents: [right, right] }, result).expected;
    assert.deepEqual(
      twice.map((faults) => faults.map(({ what }) => what)),
      [[], ['not_opened']],
    );
  });
});
