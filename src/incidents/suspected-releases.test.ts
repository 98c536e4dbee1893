import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Event, ReturnedPart } from '../core/event.ts';
import type { IncidentSuspect, LiveIncident } from '../core/live-incident.ts';
import type { SuspectContext } from './suspect-facts.ts';
import { ranking } from './ranking.test-support.ts';

// Which release of an application is suspected, if any. The incident starts at second 600.

type SeenEvent = SuspectContext['events'][number];

const applied = (
  afterS: number,
  revision: number,
  changed: string | readonly string[],
  returned: readonly ReturnedPart[] = [],
): SeenEvent => ({
  afterMs: afterS * 1000,
  event: {
    ...{ kind: 'configuration_applied', subject: 'gateway', revision, actor: 'signal:SIGHUP', from: null, to: null },
    ...{ reason: `revision ${revision} is active` },
    evidence: { contentHash: `${revision}`, source: 'candor.yaml', changed: [changed].flat(), returned },
  } as unknown as Event,
});

const exited = (afterS: number, instance: string): SeenEvent => ({
  afterMs: afterS * 1000,
  event: {
    ...{ kind: 'instance_exited', subject: `instance:${instance}`, from: 'ready', to: 'backing_off', reason: 'ended' },
    evidence: { pid: 7, code: 1, signal: null, outOfMemory: false, afterMs: 1, output: [] },
  } as unknown as Event,
});

/** `startedS`, `readyS`: seconds after the incident started. */
const instance = (revision: number, startedS: number, readyS: number | null) => ({
  revision,
  startedMs: 600_000 + startedS * 1000,
  readyMs: readyS === null ? null : 600_000 + readyS * 1000,
});

interface Case {
  readonly events: readonly SeenEvent[];
  readonly instances?: Readonly<Record<string, ReturnType<typeof instance>>>;
  /** Attempts that failed at each instance, and all. */
  readonly attempts?: Readonly<Record<string, readonly [failed: number, all: number]>>;
  readonly failedRevisions?: readonly number[];
  /** Attempts with revision 1, while it was active; absent: many. */
  readonly attemptsBefore?: number;
  /** After that one. */
  readonly revisions?: SuspectContext['revisions'];
  readonly family?: LiveIncident['family'];
  /** Failures in seconds after the first. */
  readonly failedAt?: readonly (readonly [second: number, failed: number])[];
  /** Of the incident; absent: those. */
  readonly failed?: number;
  readonly methods?: SuspectContext['methods'];
}

function suspectsOf(what: Case): readonly IncidentSuspect[] {
  const { events, instances = {}, attempts = {}, failedRevisions = [], family = 'application' } = what;
  const attemptsBefore = new Map([['web', what.attemptsBefore ?? 1000]]);
  const { failedAt = [], failed = failedAt.reduce((sum, [, count]) => sum + count, 0) || 50 } = what;
  const incident = {
    ...{ family, upstream: 'web', cause: null, requests: 100, failed, attemptsFailed: failed, routes: [] },
    causes: [{ cause: 'app_error', count: 50, isConsequence: false }],
    endpoints: Object.entries(attempts).map(([name, [failed, all]]) => ({
      endpoint: `web/${name}/127.0.0.1:40100`,
      ...{ attempts: all, failed },
    })),
    ...{ upstreams: [{ upstream: 'web', failed: 50 }], additions: [], rate: { before: null, during: 1 } },
  } as unknown as LiveIncident;
  return ranking(incident, {
    ...(what.methods === undefined ? {} : { methods: what.methods }),
    failedAt: new Map(failedAt.map(([second, count]) => [second, [count, count]])),
    ...{ events, instances: new Map(Object.entries(instances)), failedRevisions: new Set(failedRevisions) },
    watched: { application: 'web', endpoints: [] },
    revisions: [
      { revision: 1, ms: 0, changed: ['everything'], attempts: attemptsBefore, failed: new Map() },
      ...(what.revisions ?? []),
    ],
  });
}

const back = (revision: number): readonly ReturnedPart[] => [{ part: 'applications: web', revision }];
const toBad = applied(-100, 2, 'applications: web');
const toGood = applied(-20, 3, 'applications: web', back(1));
const old = instance(1, -500, -490);
const bad = instance(2, -100, -95);

const cases: (readonly [what: string, Case, kind: string, sentence: RegExp, nextStep: RegExp])[] = [
  [
    'a release whose instances fail',
    { events: [toBad], instances: { 'web/1': old, 'web/2': bad }, attempts: { 'web/1': [0, 40], 'web/2': [50, 60] } },
    'release',
    /^A new release of web began 100 s before the first failure\.$/,
    /^Restore the configuration of web of revision 1, the last with which requests succeeded, and run `candor reload`; its release/,
  ],
  [
    'a release that was taken back while its instances fail',
    {
      events: [toBad, toGood],
      instances: { 'web/2': bad, 'web/3': instance(3, -20, null) },
      attempts: { 'web/2': [50, 60] },
    },
    'release',
    /began 100 s before/,
    /^Revision 3 has the earlier settings again: .*do not restore revision 2\.$/,
  ],
  [
    'a release that was taken back only after the incident began',
    { events: [applied(-10, 2, 'applications: web'), applied(60, 3, 'applications: web', back(1))] },
    'release',
    /began 10 s before/,
    /^Revision 3 has the earlier settings again/,
  ],
  [
    'a rollback that the old release did not survive',
    {
      events: [applied(-300, 2, 'applications: web'), toGood],
      instances: { 'web/3': instance(3, -20, -15) },
      attempts: { 'web/3': [50, 60] },
    },
    'application_errors',
    /answers with errors/,
    /what web printed/,
  ],
  [
    'a return to settings with which requests have failed in the same way',
    {
      events: [toBad, toGood],
      failedRevisions: [1],
      instances: { 'web/3': instance(3, -20, -15) },
      attempts: { 'web/3': [50, 60] },
    },
    'release',
    /began 20 s before/,
    /^Restore/,
  ],
  [
    'a return to settings with which too few requests were made to know',
    {
      events: [toBad, toGood],
      attemptsBefore: 9,
      instances: { 'web/3': instance(3, -20, -15) },
      attempts: { 'web/3': [50, 60] },
    },
    'release',
    /^A new release of web began 20 s before/,
    /^Restore/,
  ],
  [
    'a return to settings with which as many requests were made as show it',
    {
      events: [toBad, toGood],
      attemptsBefore: 10,
      instances: { 'web/3': instance(3, -20, -15) },
      attempts: { 'web/3': [50, 60] },
    },
    'application_errors',
    /answers with errors/,
    /what web printed/,
  ],
  [
    'a release that is not ready, while the old instance fails',
    { events: [toBad], instances: { 'web/1': old, 'web/2': instance(2, -100, null) }, attempts: { 'web/1': [50, 60] } },
    'application_errors',
    /answers with errors/,
    /what web printed/,
  ],
  [
    'an old instance that ends while a release starts',
    {
      family: 'gone',
      ...{ events: [toBad, exited(-1, 'web/1')], instances: { 'web/1': old, 'web/2': instance(2, -100, null) } },
    },
    'crash',
    /^web\/1 ended by itself/,
    /why it ends/,
  ],
  [
    'a release at a fixed port that never becomes ready, after the old instance was stopped',
    { family: 'not_ready', events: [toBad], instances: { 'web/1': old, 'web/2': instance(2, -100, null) } },
    'release',
    /began 100 s before the first failure, and is not ready\.$/,
    /^Restore/,
  ],
  [
    'the first release of an application, whose instances start before its configuration is active',
    { events: [toBad], instances: { 'web/1': instance(1, -104, -101) }, attempts: { 'web/1': [50, 60] } },
    'release',
    /began 100 s before/,
    /or take web out of the configuration again/,
  ],
  [
    'a configuration that was changed back',
    {
      events: [
        applied(-100, 2, 'upstreams: web'),
        applied(-20, 3, 'upstreams: web', [{ part: 'everything', revision: 1 }]),
      ],
    },
    'application_errors',
    /answers with errors/,
    /what web printed/,
  ],
  [
    'a configuration of which only one part was changed back',
    {
      events: [applied(-20, 3, 'upstreams: web', [{ part: 'applications: other', revision: 1 }])],
    },
    'configuration_change',
    /^The configuration was changed 20 s before/,
    /^Compare/,
  ],
];

// A change after the first failure explains what came after it.
cases.push(
  [
    'not a change that hardly any failure followed, but what fails',
    { events: [applied(1, 2, 'upstreams: web')], failedAt: [[0, 9]] },
    'application_errors',
    /answers with errors/,
    /what web printed/,
  ],
  [
    'the later one of two changes, where nearly all failures came after it',
    {
      events: [applied(1, 2, 'timeouts'), applied(22, 3, 'upstreams: web')],
      failedAt: [[0, 1], ...Array.from({ length: 20 }, (_, at) => [22 + at, 12] as const)],
    },
    'configuration_change',
    /^The configuration was changed 22 s after the first failure; 240 of 241 failures came after it\.$/,
    /^Compare/,
  ],
  [
    'what all routes send the application, changed a little before',
    { events: [applied(-2, 2, 'request_headers')], failedAt: [[0, 30]] },
    'configuration_change',
    /^The configuration was changed 2 s before the first failure\.$/,
    /^Compare/,
  ],
  [
    'the change that the failures follow, not an earlier one, where a single request failed between them',
    {
      failed: 1000,
      events: [applied(-100, 7, 'timeouts'), applied(3, 8, 'upstreams: web')],
      failedAt: [[0, 1], ...Array.from({ length: 24 }, (_, at) => [3 + at, 10] as const)],
    },
    'configuration_change',
    /^The configuration was changed 3 s after the first failure; 999 of 1000 failures came after it\.$/,
    /^Compare/,
  ],
  [
    'not a change in the middle of failures that go on as before, however many come later',
    {
      events: [applied(30, 2, 'upstreams: web')],
      failedAt: Array.from({ length: 400 }, (_, at) => [at, 5] as const),
    },
    'application_errors',
    /answers with errors/,
    /what web printed/,
  ],
  [
    'the exits of an application that is new',
    {
      events: [applied(-2, 4, ['upstreams: web', 'applications: web, other']), exited(-1, 'web/1')],
      instances: { 'web/1': instance(3, -3, null) },
      family: 'not_ready',
    },
    'crash',
    /^web\/1 ended by itself\.$/,
    /what the application writes elsewhere/,
  ],
);

describe('the first suspect', () => {
  for (const [what, scene, kind, sentence, nextStep] of cases)
    test(what, () => {
      const [first] = suspectsOf(scene);
      assert.equal(first?.name, kind, JSON.stringify(first));
      assert.match(first.sentence, sentence);
      assert.match(first.nextStep, nextStep);
    });
});

test('a rollback is named as one, and never with the advice to bring the other release back', () => {
  const found = suspectsOf({ events: [applied(-300, 2, 'applications: web'), toGood] }).find(
    ({ name }) => name === 'release',
  );
  assert.match(found?.sentence ?? '', /^A rollback: web got the settings of revision 1 again 20 s before/);
  assert.match(found?.nextStep ?? '', /^Keep revision 3;/);
});

test('a release that is not ready is said to serve nothing', () => {
  const found = suspectsOf({
    events: [toBad],
    instances: { 'web/1': old, 'web/2': instance(2, -100, null) },
    attempts: { 'web/1': [50, 60] },
  }).find(({ name }) => name === 'release');
  assert.match(
    found?.sentence ?? '',
    /but it is not ready: the requests are still sent to older instances, which fail\.$/,
  );
});

test('the evidence of a release is more than its sentence: who changed what, and how its instances do beside the older ones', () => {
  const [first] = suspectsOf({
    events: [toBad],
    instances: { 'web/1': old, 'web/2': bad },
    attempts: { 'web/1': [0, 40], 'web/2': [50, 60] },
  });
  assert.deepEqual(first?.evidence, [
    'revision 2, requested by signal:SIGHUP, changed applications: web',
    'web/2, which it started, was ready 95 s before the first failure',
    'failed there: 50 of 60 attempts; at older instances: 0 of 40',
  ]);
});

test('no step asks for an earlier release of an application that is new', () => {
  const found = suspectsOf({
    events: [applied(-2, 4, ['upstreams: web', 'applications: web, other'])],
    instances: { 'web/1': instance(3, -3, null) },
    family: 'not_ready',
  });
  const release = found.find(({ name }) => name === 'release');
  assert.equal(
    release?.sentence,
    'web is new: its first release began 2 s before the first failure, and is not ready.',
  );
  assert.match(release.nextStep, /^See .*what web printed .*; or take web out of the configuration again/);
  assert.doesNotMatch(found.map(({ nextStep }) => nextStep).join(), /[Rr]estore/);
});

test('an exit after the first failures is suspected as far as it explains them', () => {
  const fitOf = (failedAt: Case['failedAt'] & object): number =>
    suspectsOf({ events: [exited(7, 'web/1')], failedAt, family: 'gone' }).find(({ name }) => name === 'crash')?.fit ??
    0;
  assert.ok(
    fitOf([
      [0, 1],
      [6, 1],
      [7, 1],
    ]) < 0.65,
  );
  assert.ok(
    fitOf([
      [6, 1],
      [7, 9],
    ]) > 0.9,
  );
});

describe('of two bad releases in a row', () => {
  const second = applied(-20, 3, 'applications: web');
  const revision = (number: number, attempts: number, failed: number): SuspectContext['revisions'][number] => ({
    ...{ revision: number, ms: number * 1000, changed: ['applications: web'] },
    ...{ attempts: new Map([['web', attempts]]), failed: new Map([['web', failed]]) },
  });
  const instances = { 'web/1': old, 'web/2': bad, 'web/3': instance(3, -20, -15) };
  const attempts = { 'web/2': [30, 30], 'web/3': [20, 20] } as const;
  const stepOf = (what: Partial<Case>): string =>
    suspectsOf({ events: [second], instances, attempts: { 'web/3': [20, 20] }, ...what }).find(
      ({ name }) => name === 'release',
    )?.nextStep ?? '';

  test('the first is told with its own instances, though the second is not suspected', () => {
    const events = [applied(-5, 2, 'applications: web'), applied(60, 3, 'applications: web')];
    const started = { 'web/1': old, 'web/2': instance(2, -5, -1), 'web/3': instance(3, 60, 65) };
    const { evidence = [] } =
      suspectsOf({ events, instances: started, attempts, failedAt: [[0, 50]] }).find(
        ({ name }) => name === 'release',
      ) ?? {};
    assert.deepEqual(evidence.slice(1), [
      'web/2, which it started, was ready 1 s before the first failure',
      'failed there: 30 of 30 attempts; at older instances: 0 of 0; at newer ones: 20 of 20',
    ]);
  });

  test('the step names the configuration before both, with which requests succeeded', () =>
    assert.match(
      stepOf({ revisions: [revision(2, 400, 390)] }),
      /of revision 1, the last with which requests succeeded/,
    ));

  test('the step names the one between, if requests succeeded with it', () =>
    assert.match(
      stepOf({ revisions: [revision(2, 400, 4)] }),
      /of revision 2, the last with which requests succeeded/,
    ));

  test('the step names none, if requests are not known to have succeeded with one', () =>
    assert.match(
      stepOf({ revisions: [revision(2, 400, 390)], attemptsBefore: 3 }),
      /^Restore a configuration of web with which requests succeeded and run/,
    ));
});

describe('a release is compared with the requests that came before it', () => {
  const release = (methods: Readonly<Record<string, readonly [afterS: number, failed: number]>>) =>
    suspectsOf({
      events: [applied(-30, 2, 'applications: web')],
      instances: { 'web/1': instance(1, -300, -299), 'web/2': instance(2, -30, -28) },
      attempts: { 'web/1': [0, 10], 'web/2': [50, 90] },
      methods: new Map(
        Object.entries(methods).map(([method, [afterS, failed]]) => [method, { afterMs: afterS * 1000, failed }]),
      ),
    }).find(({ name }) => name === 'release');

  test('it is not blamed for requests of a method of which none had come before', () => {
    const suspect = release({ GET: [-300, 0], POST: [0, 50] });
    assert.equal(suspect?.fit, 0.3);
    assert.match(suspect.sentence, /, but no POST request had come before it: they may have failed before as well\.$/);
  });
  for (const [what, methods] of [
    ['some had come', { GET: [-300, 0], POST: [-100, 50] }],
    ['others fail as well', { GET: [-300, 40], POST: [0, 10] }],
    ['no request had come at all', { POST: [0, 50] }],
    ['it is not known', {}],
  ] as const)
    test(`it is suspected where ${what}`, () => assert.ok((release(methods)?.fit ?? 0) > 0.5));
});
