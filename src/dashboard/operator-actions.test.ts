import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ApplicationReleasesJson, EndpointJson, IncidentJson, OverlayEntryJson, StatusJson } from './model.ts';
import {
  actionPath,
  actionsFor,
  bodyOf,
  ejectEndpoint,
  endpointActions,
  isConfirmed,
  marksFor,
  rollBackTo,
  rolloutActions,
} from './operator-actions.ts';

const endpoint = (id: string, state: EndpointJson['state']): EndpointJson => ({ id, state }) as EndpointJson;

const status = (endpoints: readonly EndpointJson[], entries: readonly Partial<OverlayEntryJson>[] = []): StatusJson =>
  ({ upstreams: [{ id: 'api', endpoints }], overlay: { entries } }) as unknown as StatusJson;

const incident = (change: Partial<IncidentJson>): IncidentJson =>
  ({
    upstream: 'api',
    resolved_at: null,
    suspects: [],
    routes: [],
    endpoints: [
      { endpoint: 'a', attempts: 100, failed: 90 },
      { endpoint: 'b', attempts: 100, failed: 1 },
    ],
    ...change,
  }) as IncidentJson;

const both = [endpoint('a', 'healthy'), endpoint('b', 'healthy')];
const labels = (of: IncidentJson, at: StatusJson): string[] => actionsFor(of, at).map(({ label }) => label);

describe('what operators can say of an incident', () => {
  const mark = { at: '', by: 'admin:socket', reason: null };
  const said = (change: Partial<IncidentJson>): string[] =>
    marksFor(incident({ id: 3, acknowledged: null, muted: null, ...change })).map(
      (action) => `${action.label} ${actionPath(action)} ${JSON.stringify(bodyOf(action, { reason: 'I look' }))}`,
    );

  test('is asked for with the reason and the time, and once', () => {
    assert.deepEqual(said({}), [
      'Acknowledge /v1/incidents/acknowledge {"incident":3,"reason":"I look"}',
      'Mute /v1/incidents/mute {"incident":3,"until":"30m","reason":"I look"}',
    ]);
    assert.deepEqual(said({ acknowledged: mark, muted: { ...mark, until: '' } }), [
      'Unmute /v1/incidents/mute {"incident":3,"until":null}',
    ]);
    assert.deepEqual(said({ resolved_at: '' }), []);
  });
});

describe('actions that an incident offers', () => {
  test('the endpoint that fails is drained, if another one can take its requests', () => {
    assert.deepEqual(labels(incident({}), status(both)), ['Drain a']);
    assert.deepEqual(labels(incident({}), status([endpoint('a', 'healthy')])), []);
    assert.deepEqual(labels(incident({}), status([endpoint('a', 'healthy'), endpoint('b', 'unhealthy')])), []);
    assert.deepEqual(labels(incident({}), status([endpoint('a', 'draining'), endpoint('b', 'healthy')])), []);
    assert.deepEqual(labels(incident({}), status([endpoint('a', 'unchecked'), endpoint('b', 'unchecked')])), [
      'Drain a',
    ]);
    assert.deepEqual(labels(incident({}), status([endpoint('a', 'unhealthy'), endpoint('b', 'healthy')])), []);
  });

  test('no endpoint is drained if all of them fail', () => {
    const all = [
      { endpoint: 'a', attempts: 100, failed: 90 },
      { endpoint: 'b', attempts: 100, failed: 80 },
    ];
    assert.deepEqual(labels(incident({ endpoints: all }), status(both)), []);
  });

  test('the route that fails most is put into maintenance, unless it is', () => {
    const routes = [
      { route: '/', failed: 3 },
      { route: '/cart', failed: 90 },
    ];
    const of = incident({ endpoints: [], routes });
    assert.deepEqual(labels(of, status(both)), ['Maintenance for /cart']);
    assert.deepEqual(labels(of, status(both, [{ kind: 'maintenance', target: '/cart', revision: 1 }])), []);
    assert.deepEqual(labels(of, status(both, [{ kind: 'maintenance', target: null, revision: 1 }])), []);
  });

  test("an operator's change that is suspected is restored", () => {
    const suspects = [{ name: 'operator_action' }] as unknown as IncidentJson['suspects'];
    const entries = [
      { id: 'weight:a', kind: 'weight', target: 'a', revision: 1, reason: 'x' },
      { id: 'drain:b', kind: 'drain', target: 'b', revision: 2, reason: 'y' },
    ] as const;
    assert.deepEqual(labels(incident({ endpoints: [], suspects }), status(both, entries)), ['Restore drain:b']);
  });

  test('an incident that is over offers none', () => {
    assert.deepEqual(labels(incident({ resolved_at: '2026-01-01T12:00:00.000Z' }), status(both)), []);
  });
});

describe('actions that an endpoint offers', () => {
  const of = (
    states: readonly EndpointJson['state'][],
    kinds: readonly OverlayEntryJson['kind'][] = [],
    target = 'app/10.0.0.1:80',
  ): string[] => {
    const endpoints = states.map(
      (state, index) =>
        ({ id: `app/10.0.0.${index + 1}:80`, address: `10.0.0.${index + 1}:80`, state }) as EndpointJson,
    );
    const entries = kinds.map((kind) => ({ id: `${kind}:x`, kind, target }) as unknown as OverlayEntryJson);
    return endpointActions(endpoints[0] as EndpointJson, { endpoints }, entries).map(({ label }) => label);
  };
  const rows: readonly (readonly [string, readonly string[], readonly string[]])[] = [
    ['another is ready', of(['healthy', 'healthy']), ['Drain', 'Eject']],
    ['another is ready without a check', of(['unchecked', 'unchecked']), ['Drain', 'Eject']],
    ['it is the last one that is ready', of(['healthy', 'unhealthy']), ['Eject', 'Drain']],
    ['it is the only one', of(['unchecked']), ['Eject', 'Drain']],
    ['none is ready', of(['unhealthy', 'unhealthy']), ['Drain', 'Eject']],
    ['it was drained', of(['draining', 'healthy'], ['drain']), ['Restore drain']],
    ['it was drained and its checks fail', of(['unhealthy', 'healthy'], ['drain']), ['Restore drain']],
    ['it is leaving by itself', of(['draining', 'healthy']), []],
    ['it was ejected', of(['ejected', 'healthy'], ['eject']), ['Restore eject', 'Drain']],
    ['outlier detection has ejected it', of(['ejected', 'healthy']), ['Drain', 'Eject']],
    ['its weight was changed', of(['healthy', 'healthy'], ['weight']), ['Restore weight', 'Drain', 'Eject']],
    ['an entry names its instance', of(['draining', 'healthy'], ['drain'], 'app'), ['Restore drain']],
    ['its upstream is paused', of(['healthy', 'healthy'], ['pause'], 'app'), ['Drain', 'Eject']],
    ['another was drained', of(['healthy', 'draining'], ['drain'], 'app/10.0.0.2:80'), ['Eject', 'Drain']],
  ];
  for (const [when, offered, expected] of rows) test(`when ${when}`, () => assert.deepEqual(offered, expected));

  test('ejecting the last one that is ready has to be confirmed, and draining it says what will fail', () => {
    const endpoints = [{ id: 'a', address: 'a', state: 'healthy' } as EndpointJson];
    const [eject, drain] = endpointActions(endpoints[0] as EndpointJson, { endpoints }, []);
    assert.equal(isConfirmed(eject as NonNullable<typeof eject>, {}), false);
    assert.match(drain?.effect ?? '', /No other endpoint of the upstream is ready/);
  });
});

describe('what a person is asked for', () => {
  test('goes into the body: the first choice if none is made, and nothing that is empty', () => {
    const eject = ejectEndpoint('a', false);
    assert.deepEqual(bodyOf(eject, {}), { endpoint: 'a', seconds: 300 });
    assert.deepEqual(bodyOf(eject, { seconds: 'an hour', reason: ' disk ' }), {
      endpoint: 'a',
      seconds: 3600,
      reason: 'disk',
    });
    assert.deepEqual(bodyOf(eject, { seconds: 'until it is restored', reason: '  ' }), { endpoint: 'a' });
  });

  test('is complete only if everything is confirmed', () => {
    assert.equal(isConfirmed(ejectEndpoint('a', false), {}), true);
    const last = ejectEndpoint('a', true);
    assert.deepEqual([isConfirmed(last, {}), isConfirmed(last, { force: 'true' })], [false, true]);
    assert.equal(bodyOf(last, { force: 'true' })['force'], true);
  });
});

describe('what an operator can do about releases', () => {
  const release = (number: number): ApplicationReleasesJson['releases'][number] =>
    ({ number, name: `r${number}` }) as ApplicationReleasesJson['releases'][number];
  const of = (change: object): ApplicationReleasesJson =>
    ({
      ...{ application: 'shop', in_force: 'r2', warm: null, rollout: null, rollouts: [] },
      ...change,
    }) as unknown as ApplicationReleasesJson;
  const goesOn = (state: string): ApplicationReleasesJson => of({ rollout: { from: 'r2', to: 'r3', state } });
  const asked = (state: string): string[] =>
    rolloutActions(goesOn(state)).map((one) => `${one.label} ${actionPath(one)} ${JSON.stringify(bodyOf(one, {}))}`);

  test('a rollout is promoted or aborted, and before its release is ready only aborted', () => {
    const abort = 'Abort r3 /v1/releases/abort {"application":"shop"}';
    for (const state of ['preparing', 'starting']) assert.deepEqual(asked(state), [abort]);
    for (const state of ['shifting', 'comparing', 'baking'])
      assert.deepEqual(asked(state), ['Promote r3 /v1/releases/promote {"application":"shop"}', abort]);
    assert.deepEqual(rolloutActions(of({})), []);
  });

  test('a release that is not in force is rolled back to, and not during a rollout', () => {
    const [action] = rollBackTo(release(1), of({}));
    assert.ok(action !== undefined);
    assert.equal(
      `${actionPath(action)} ${JSON.stringify(action.body)}`,
      '/v1/releases/rollback {"application":"shop","to":"r1"}',
    );
    assert.deepEqual(rollBackTo(release(2), of({})), []);
    assert.deepEqual(rollBackTo(release(1), goesOn('shifting')), []);
    assert.deepEqual(rollBackTo(release(1), of({ in_force: null })), []);
  });

  test('a rollback says whether it takes a start, and what the last rollout of the release came to', () => {
    const effect = (change: object): string => rollBackTo(release(1), of(change))[0]?.effect ?? '';
    assert.match(effect({ warm: 'r1' }), /at once: its instances still run/);
    assert.match(effect({}), /as soon as its instances are ready.* It is not judged\.$/);
    const rollouts = [{ to: 1, state: 'aborted', reason: '9 of 31 requests failed' }];
    assert.match(effect({ rollouts }), /Its last rollout was aborted: 9 of 31 requests failed\.$/);
    assert.doesNotMatch(effect({ rollouts: [{ ...rollouts[0], state: 'promoted' }] }), /last rollout/);
  });
});
