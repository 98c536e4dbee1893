import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from '../../test/properties.ts';
import type { Instant } from '../core/time.ts';
import type { InstanceRecord } from './instance-record.ts';
import {
  adopted,
  dueAt,
  type InstanceLife,
  type LifeEvent,
  type LifeSpec,
  next,
  type Phase,
  restartDelayMs,
  starting,
} from './instance-life.ts';

const spec: LifeSpec = {
  readiness: { path: '/', intervalMs: 100, timeoutMs: 500, passes: 3, startMs: 10_000 },
  stopMs: 5_000,
  restart: { firstMs: 100, maxMs: 10_000, resetAfterMs: 60_000 },
};

const at = (ms: number) => ms as Instant;
const pass: LifeEvent = { kind: 'checked', passed: true };
const fail: LifeEvent = { kind: 'checked', passed: false };
const refused = (refusals: number): LifeEvent => ({ kind: 'checked', passed: false, refusals });
const exited: LifeEvent = { kind: 'exited' };
const gone: LifeEvent = { kind: 'group_gone', chance: 0.5 };
const notStarted: LifeEvent = { kind: 'not_started', chance: 0.5 };
const due: LifeEvent = { kind: 'due', chance: 0.5 };
const retire: LifeEvent = { kind: 'retire', drainMs: 3_000 };
const drained: LifeEvent = { kind: 'drained' };
const stop: LifeEvent = { kind: 'stop' };
const kill: LifeEvent = { kind: 'kill' };

type Step = readonly [atMs: number, event: LifeEvent, phase: string, dueMs: number];
const none = Number.POSITIVE_INFINITY;

const lives: Readonly<Record<string, readonly Step[]>> = {
  'only passes in a row make it ready, and only fails in a row take that away': [
    [100, pass, 'starting', 10_000],
    [150, pass, 'starting', 10_000],
    [200, fail, 'starting', 10_000],
    [300, pass, 'starting', 10_000],
    [350, pass, 'starting', 10_000],
    [400, pass, 'ready', none],
    [1400, fail, 'ready', none],
    [2400, fail, 'ready', none],
    [3400, pass, 'ready', none],
    [4400, fail, 'ready', none],
    [5400, fail, 'ready', none],
    [6400, fail, 'failing', none],
    [7400, pass, 'failing', none],
    [8400, pass, 'failing', none],
    [9400, fail, 'failing', none],
    [10_400, pass, 'failing', none],
    [11_400, pass, 'failing', none],
    [12_400, pass, 'ready', none],
  ],
  'two refused connections in a row take a ready one out, and one does not': [
    [100, pass, 'starting', 10_000],
    [150, pass, 'starting', 10_000],
    [200, pass, 'ready', none],
    [1200, refused(1), 'ready', none],
    [1450, pass, 'ready', none],
    [2400, refused(1), 'ready', none],
    [2650, refused(2), 'failing', none],
  ],
  'time alone never makes it ready': [
    [10_000, due, 'starting', none], // reported, and checked on
    [20_000, due, 'starting', none],
    [20_100, pass, 'starting', none],
    [20_150, pass, 'starting', none],
    [20_200, pass, 'ready', none],
  ],
  'it starts again after a delay that doubles': [
    [1000, exited, 'exited', 2000],
    [1001, gone, 'backing_off', 1051],
    [1051, due, 'starting', 11_051],
    [2000, exited, 'exited', 3000],
    [2001, gone, 'backing_off', 2101],
    [2101, due, 'starting', 12_101],
    [2200, notStarted, 'backing_off', 2400],
    [2400, due, 'starting', 12_400],
  ],
  'a long run clears the count of failures': [
    [10, notStarted, 'backing_off', 60],
    [60, due, 'starting', 10_060],
    [70, notStarted, 'backing_off', 170],
    [170, due, 'starting', 10_170],
    [300, pass, 'starting', 10_170],
    [350, pass, 'starting', 10_170],
    [400, pass, 'ready', none],
    [60_170, exited, 'exited', 61_170],
    [60_171, gone, 'backing_off', 60_221],
  ],
  'what a crashed program left behind is killed before the next run': [
    [10, exited, 'exited', 1010],
    [1010, due, 'exited', 6010],
    [1020, gone, 'backing_off', 1070],
  ],
  'what cannot be killed does not stop the next run for ever': [
    [10, exited, 'exited', 1010],
    [1010, due, 'exited', 6010],
    [6010, due, 'backing_off', 6060],
  ],
  'retiring drains what may have requests': [
    [10, pass, 'starting', 10_000],
    [20, pass, 'starting', 10_000],
    [30, pass, 'ready', none],
    [40, retire, 'draining', 3040],
    [50, pass, 'draining', 3040],
    [60, drained, 'stopping', 5060],
    [70, exited, 'stopping', 5060],
    [80, gone, 'stopped', none],
    [90, due, 'stopped', none],
  ],
  'draining has an end, and so has stopping': [
    [10, pass, 'starting', 10_000],
    [20, pass, 'starting', 10_000],
    [30, pass, 'ready', none],
    [40, retire, 'draining', 3040],
    [3040, due, 'stopping', 8040],
    [8040, due, 'stopping', 13_040],
    [13_040, due, 'stopped', none],
  ],
  'retiring stops at once what has no requests': [
    [40, retire, 'stopping', 5040],
    [50, notStarted, 'stopped', none],
  ],
  'stopping from a pause between runs': [
    [10, notStarted, 'backing_off', 60],
    [20, stop, 'stopping', 5020],
    [20, gone, 'stopped', none],
  ],
  'a second request to stop kills': [
    [10, stop, 'stopping', 5010],
    [20, kill, 'stopping', 5020],
    [30, exited, 'stopping', 5020],
    [30, gone, 'stopped', none],
    [40, kill, 'stopped', none],
  ],
};

for (const [promise, steps] of Object.entries(lives)) {
  test(promise, () => {
    let life: InstanceLife = starting(at(0));
    for (const [ms, event, phase, dueMs] of steps) {
      life = next(life, event, at(ms), spec);
      assert.deepEqual([ms, event.kind, life.phase, dueAt(life, spec)], [ms, event.kind, phase, dueMs]);
    }
  });
}

const anyEvent = fc.constantFrom(
  pass,
  pass,
  pass,
  fail,
  exited,
  gone,
  notStarted,
  due,
  due,
  retire,
  drained,
  stop,
  kill,
);

/** Which phase may follow which. Everything an instance does is one of these arrows. */
const mayFollow: { readonly [P in Phase]: readonly Phase[] } = {
  starting: ['ready', 'exited', 'backing_off', 'stopping'],
  ready: ['failing', 'exited', 'draining', 'stopping'],
  failing: ['ready', 'exited', 'draining', 'stopping'],
  exited: ['backing_off', 'stopping'],
  backing_off: ['starting', 'stopping'],
  draining: ['stopping'],
  stopping: ['stopped'],
  stopped: [],
};

test('whatever happens, a life follows the arrows of its diagram', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(anyEvent, fc.nat(20_000)), { maxLength: 60 }), (happenings) => {
      let life: InstanceLife = starting(at(0));
      let now = 0;
      for (const [event, passedMs] of happenings) {
        now += passedMs;
        const followed = next(life, event, at(now), spec);
        if (followed.phase !== life.phase)
          assert.ok(mayFollow[life.phase].includes(followed.phase), `${life.phase} → ${followed.phase}`);
        if (followed.phase === 'ready' && life.phase !== 'ready') assert.deepEqual(event, pass);
        if (followed.phase !== life.phase) assert.ok(dueAt(followed, spec) >= now, 'never due in the past');
        life = followed;
      }
    }),
    { numRuns: 300 },
  );
});

test('a stop ends within its limits even if the program never reports anything again', () => {
  fc.assert(
    fc.property(fc.array(anyEvent, { maxLength: 30 }), (happenings) => {
      let life: InstanceLife = starting(at(0));
      happenings.forEach((event, index) => {
        life = next(life, event, at(index), spec);
      });
      life = next(life, stop, at(100), spec);
      for (let turn = 0; turn < 2 && life.phase !== 'stopped'; turn++) life = next(life, due, dueAt(life, spec), spec);
      assert.equal(life.phase, 'stopped');
    }),
    { numRuns: 200 },
  );
});

/** Runs that end by themselves, one after the other: how long each was ready; null: never. */
const delays: readonly (readonly [
  promise: string,
  readyMs: readonly (number | null)[],
  restart: Partial<LifeSpec['restart']>,
  longestMs: readonly number[],
])[] = [
  ['doubles while it ends at each start', [null, null, null, null, null], {}, [250, 500, 1000, 2000, 4000]],
  ['doubles while it ends as soon as it is ready', [999, 999, 999, 999], {}, [250, 500, 1000, 2000]],
  ['stays short while each run serves', [2000, 2000, 2000, 2000, 2000], {}, [250, 500, 1000, 1000, 1000]],
  ['begins anew after a run that served', [null, null, null, 1000, null], {}, [250, 500, 1000, 1000, 250]],
  ['is as long as the operator said', [2000, 2000], { firstMs: 8000 }, [8000, 8000]],
  ['is no longer than the operator said', [2000, 2000], { maxMs: 300 }, [250, 300]],
];

for (const [promise, readyMs, restart, longestMs] of delays) {
  test(`the longest delay before a restart ${promise}`, () => {
    const settings = { ...spec, restart: { firstMs: 250, maxMs: 30_000, resetAfterMs: 60_000, ...restart } };
    let now = 0;
    let life: InstanceLife = starting(at(now));
    const pass = (ms: number, event: LifeEvent): void => {
      now += ms;
      life = next(life, event, at(now), settings);
    };
    const seen = readyMs.map((ms) => {
      if (ms !== null) for (let passes = 0; passes < 3; passes++) pass(50, { kind: 'checked', passed: true });
      pass(ms ?? 100, exited);
      pass(10, { kind: 'group_gone', chance: 1 });
      const delayMs = dueAt(life, settings) - now;
      pass(delayMs, due);
      return delayMs;
    });
    assert.deepEqual(seen, longestMs);
  });
}

test('an instance that failed its checks after it was ready has served', () => {
  const failing = adopted({ ...left('failing'), sinceMs: 10 }, 0, at(70_000));
  assert.partialDeepStrictEqual(next(failing, exited, at(70_001), spec), { failures: 3, failedStarts: 0 });
});

test('the delay before a restart stays between zero and its maximum', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 5_000 }),
      fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      (failures, chance) => {
        const delayMs = restartDelayMs({ failures, failedStarts: failures }, chance, spec.restart);
        assert.ok(
          delayMs >= 0 && delayMs <= spec.restart.maxMs && delayMs <= spec.restart.firstMs * 2 ** (failures - 1),
        );
      },
    ),
  );
});

const left = (phase: InstanceRecord['phase']): InstanceRecord =>
  ({
    ...{ phase, sinceMs: 200, ranMs: 1_000, dueInMs: 3_000, failures: 2, failedStarts: 2 },
    readiness: spec.readiness,
  }) as InstanceRecord;

const adoptions: readonly (readonly [phase: InstanceRecord['phase'], agoMs: number, becomes: string, dueMs: number])[] =
  [
    ['starting', 50, 'starting', 19_750],
    ['ready', 50, 'ready', none],
    ['ready', 5_000, 'ready', none],
    ['ready', 5_001, 'starting', 20_000],
    ['failing', 50, 'failing', none],
    ['draining', 50, 'draining', 12_950],
    ['draining', 9_000, 'draining', 10_000],
    ['stopping', 50, 'stopping', 14_750],
  ];

for (const [phase, agoMs, becomes, dueMs] of adoptions) {
  test(`an instance that was left ${phase} ${agoMs} ms ago is ${becomes}`, () => {
    const life = adopted(left(phase), agoMs, at(10_000));
    assert.deepEqual([life.phase, dueAt(life, spec)], [becomes, dueMs]);
  });
}

test('how long it has run, and how often it ended, is not forgotten', () => {
  const life = adopted({ ...left('ready'), ranMs: 60_000 }, 50, at(70_000));
  const crashed = next(life, exited, at(70_001), spec);
  assert.deepEqual(crashed, { phase: 'exited', since: 70_001, failures: 1, failedStarts: 1, killedAt: null });
  const early = next(adopted(left('ready'), 50, at(70_000)), exited, at(70_001), spec);
  assert.deepEqual(early, { phase: 'exited', since: 70_001, failures: 3, failedStarts: 3, killedAt: null });
});
