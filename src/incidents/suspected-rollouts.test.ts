import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Event } from '../core/event.ts';
import type { IncidentSuspect } from '../core/live-incident.ts';
import type { EndpointOutcomes } from '../core/outcome.ts';
import { sampleCount } from '../record/sample-count.test-support.ts';
import { IncidentTracker } from './incident-tracker.ts';

// Releases of the application shop behind the upstream of that name, second by second: r7 is deployed in place of r6.

interface Second {
  /** Of 20 requests, so many go to r7. */
  readonly toNew?: number;
  /** Of the requests at each release that many fail, with a 5xx. */
  readonly failOld?: number;
  readonly failNew?: number;
}

type StateAt = Readonly<Record<number, Parameters<typeof rollout>>>;

const wall = 1_795_000_000_000;

const event = (kind: string, subject: string, evidence: object, more: object = {}): Event =>
  ({
    ...{
      kind,
      subject,
      epoch: 'one',
      seq: 1,
      at: wall,
      member: 'one',
      worker: null,
      revision: 1,
      from: null,
      to: null,
    },
    ...{ reason: 'It happened.', actor: 'gateway', evidence, ...more },
  }) as unknown as Event;

const instance = (number: number, release: string | null): readonly Event[] => [
  event('instance_started', `instance:shop/${number}`, { pid: 1, port: 40_000, command: 'node', release }),
  event('instance_ready', `instance:shop/${number}`, { port: 40_000, passes: 1, afterMs: 1 }),
];

const rollout = (state: string, share: number, release = 'r7', before = 'r6'): Event =>
  event(
    'rollout',
    'application:shop',
    { application: 'shop', rollout: 2, release, before, share, ordered: false },
    {
      to: state,
      from: state === 'starting' ? null : 'starting',
      actor: state === 'starting' ? 'admin:alice' : 'gateway',
    },
  );

/** It has changed the upstream. */
const reload = event(
  'configuration_applied',
  'configuration',
  { contentHash: '', source: 'candor.yaml', changed: ['upstreams: shop'] },
  { revision: 2, actor: 'operator' },
);

/**
 * The suspects of each incident. `release`: of the old instances; null: they began before the first deployment. `reloadedAt`: the second of a reload that
 * has changed the upstream; null: there was none.
 */
function suspectsAfter(
  seconds: number,
  states: StateAt,
  at: (second: number) => Second,
  release: string | null = 'r6',
  reloadedAt: number | null = null,
): readonly (readonly IncidentSuspect[])[] {
  const tracker = new IncidentTracker(wall);
  for (const one of instance(1, release)) tracker.onEvent(one, 0);
  for (let second = 0; second < seconds; second++) {
    const ms = second * 1000;
    const state = states[second];
    if (second === reloadedAt) tracker.onEvent(reload, ms);
    if (state !== undefined) tracker.onEvent(rollout(...state), ms);
    if (state?.[0] === 'starting' && state[2] === undefined)
      for (const one of instance(2, 'r7')) tracker.onEvent(one, ms);
    const { toNew = 0, failOld = 0, failNew = 0 } = at(second);
    const counted = [
      { count: 20 - failOld - failNew },
      {
        count: failOld + failNew,
        statusClass: '5xx' as const,
        shape: 'app_error' as const,
        whose: 'application' as const,
      },
    ];
    tracker.note(
      {
        exchanges: counted
          .filter(({ count }) => count > 0)
          .map((one) => sampleCount({ ...one, firstEndedAt: wall + ms })),
        outcomes: [outcomesOf(1, 20 - toNew, failOld), outcomesOf(2, toNew, failNew)].filter(
          (one) => one.successes > 0,
        ),
        staleReusesFailed: 0,
      },
      ms,
    );
    tracker.judge(ms + 999, () => ({ application: 'shop', endpoints: [] }));
  }
  return tracker.list(seconds * 1000).map(({ suspects }) => suspects);
}

const outcomesOf = (number: number, successes: number, serverErrors: number): EndpointOutcomes => ({
  ...{ upstream: 'shop', endpoint: `shop/shop/${number}/127.0.0.1:4000${number}`, state: 'healthy' },
  ...{ successes, serverErrors, rateLimited: 0, restMs: 0, failures: 0, consecutiveFailures: 0 },
  ...{ consecutiveUnreachable: 0, latencyMs: 0, causes: [] },
});

const canary: StateAt = { 60: ['starting', 0], 70: ['shifting', 0.5] };

test('the release whose requests alone fail is the first suspect', () => {
  const [[first] = []] = suspectsAfter(110, canary, (second) =>
    second < 70 ? {} : { toNew: 10, failNew: second < 90 ? 0 : 3 },
  );
  assert.equal(first?.name, 'release');
  assert.match(
    first.sentence,
    /^Release r7 of shop, deployed 30 s before the first failure: (\d+) of its \d+ requests fail; of r6 0 of \d+\.$/,
  );
  assert.equal(first.nextStep, 'Run `candor rollback shop`: r6 gets all requests again.');
  assert.deepEqual(first.evidence, [
    'admin:alice has deployed r7 in place of r6; it gets 50 % of the requests',
    'shop/2 runs it, and was ready 30 s before the first failure',
  ]);
});

test('so it is with few of the requests, a long time after its deployment, and where the other one was not deployed by the gateway', () => {
  const states: StateAt = { 60: ['starting', 0], 70: ['shifting', 0.05] };
  const [[first] = []] = suspectsAfter(
    700,
    states,
    (second) => (second < 70 ? {} : { toNew: 1, failNew: second < 600 ? 0 : 1 }),
    null,
  );
  assert.match(first?.sentence ?? '', /^Release r7 of shop, deployed 540 s before .*; of r6 0 of \d+\.$/);
});

test('a release that fails no more than the other one is not the first suspect', () => {
  const [suspects = []] = suspectsAfter(110, canary, (second) =>
    second < 70 ? {} : { toNew: 10, ...(second < 90 ? {} : { failNew: 3, failOld: 3 }) },
  );
  assert.notEqual(suspects[0]?.name, 'release');
  const release = suspects.find(({ name }) => name === 'release');
  assert.match(release?.sentence ?? '', /does about as well as r6: \d+ of its \d+ requests fail; of r6 \d+ of \d+\.$/);
  assert.doesNotMatch(release?.nextStep ?? '', /candor rollback/);
});

test('nor is one whose instances do not fail', () => {
  const [suspects = []] = suspectsAfter(110, canary, (second) =>
    second < 70 ? {} : { toNew: 10, failOld: second < 90 ? 0 : 5 },
  );
  assert.ok(suspects.length > 0);
  assert.ok(!suspects.some(({ name }) => name === 'release'), JSON.stringify(suspects));
});

test('one that got all requests at once is suspected by the time alone', () => {
  const states: StateAt = { 60: ['starting', 0], 70: ['baking', 1] };
  const [[first] = []] = suspectsAfter(110, states, (second) => (second < 70 ? {} : { toNew: 20, failNew: 8 }));
  assert.match(
    first?.sentence ?? '',
    /^Release r7 of shop, deployed 10 s before the first failure: \d+ of its \d+ requests fail\.$/,
  );
});

test('what was taken back needs no rollback', () => {
  const states: StateAt = { ...canary, 95: ['aborted', 0] };
  const [[first] = []] = suspectsAfter(97, states, (second) =>
    second < 70 ? {} : second < 95 ? { toNew: 10, failNew: second < 90 ? 0 : 5 } : {},
  );
  assert.match(first?.nextStep ?? '', /^r6 gets the requests now: .*correct r7 before you deploy it again\.$/);
});

describe('a release whose first requests fail is suspected before a reload that was further away', () => {
  const began = 90;
  const atOnce: StateAt = { 88: ['starting', 0], 90: ['baking', 1] };
  const slowly: StateAt = { 20: ['preparing', 0], 25: ['starting', 0], 90: ['baking', 1] };
  const canaryOfMost: StateAt = { 88: ['starting', 0], 90: ['shifting', 0.95] };
  const verySlowly: StateAt = { 20: ['preparing', 0], 25: ['starting', 0], 300: ['baking', 1] };
  const cases: readonly (readonly [what: string, states: StateAt, began: number, toNew: (after: number) => number])[] =
    [
      ['all requests', atOnce, began, () => 20],
      ['all but the last ones of the old release', atOnce, began, (after) => (after < 2 ? 18 : 20)],
      ['nearly all', canaryOfMost, began, () => 19],
      ['all, after it was built for longer than the reload is away', slowly, began, (after) => (after < 2 ? 18 : 20)],
      ['all, after it was built for minutes', verySlowly, 300, () => 20],
    ];
  for (const [what, states, first, toNew] of cases)
    test(what, () => {
      for (const seconds of [2, 3, 6, 40]) {
        const at = (second: number): Second => {
          const requests = second < first ? 0 : toNew(second - first);
          return { toNew: requests, failNew: requests };
        };
        const [suspects = []] = suspectsAfter(first + seconds, states, at, 'r6', first - 50);
        assert.deepEqual(
          suspects.slice(0, 2).map(({ name }) => name),
          ['release', 'configuration_change'],
          `after ${seconds} s`,
        );
      }
    });
});

test('a rollback soon after the first failure hides nothing', () => {
  const states: StateAt = { 60: ['starting', 0], 70: ['baking', 1], 73: ['starting', 0, 'r6', 'r7'] };
  const [[first] = []] = suspectsAfter(110, states, (second) =>
    second < 70 || second >= 75 ? {} : { toNew: 20, failNew: 15 },
  );
  assert.match(first?.sentence ?? '', /^Release r7 of shop, deployed 10 s before the first failure/);
});

test('a canary is not suspected by the time alone where requests at the other release fail as well', () => {
  const states: StateAt = { 78: ['starting', 0], 80: ['shifting', 0.05] };
  const [suspects = []] = suspectsAfter(89, states, (second) =>
    second < 80 ? {} : { toNew: 1, failNew: second % 4 === 1 ? 1 : 0, failOld: 1 },
  );
  const release = suspects.find(({ name }) => name === 'release');
  assert.match(release?.sentence ?? '', /: 2 of its 8 requests fail; of r6 8 of 152\.$/);
  assert.equal(release?.fit, 0.6);
});
