import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { Judgement } from '../core/release.ts';
import type { Instant } from '../core/time.ts';
import {
  type FreshInstances,
  isOver,
  isSettling,
  drawnShareOf,
  nextRollout,
  resumedRollout,
  type Rollout,
  type RolloutEvent,
  type RolloutPlan,
  shareOf,
} from './rollout.ts';

const canary: RolloutPlan = {
  strategy: 'canary',
  steps: [
    { share: 0.05, forMs: 1000 },
    { share: 0.5, forMs: 2000 },
  ],
  ...{ readyMs: 5000, bakeMs: 3000, isChosen: false, isJudged: true, reason: null },
};
const blueGreen: RolloutPlan = { ...canary, strategy: 'blue_green', steps: [] };
const rollback: RolloutPlan = { ...blueGreen, bakeMs: 0, isJudged: false, reason: 'rolled back' };

const ready: FreshInstances = { wanted: 2, ready: 2, hopeless: null, waiting: null };
const starting: FreshInstances = { ...ready, ready: 1, waiting: 'shop/3: refused' };
const ends: FreshInstances = { ...ready, ready: 1, hopeless: 'shop/3 is not ready: exited with code 1' };
const gone: FreshInstances = { ...ready, ready: 0 };

const judged = (verdict: Judgement['verdict'], reason: string): Judgement => ({
  ...{ verdict, reason, evidence: 1, limit: 100, worst: null, requestsNeeded: 10 },
  old: { requests: 0, failures: 0, serverErrors: 0, late: 0 },
  fresh: { requests: 0, failures: 0, serverErrors: 0, late: 0 },
});

type Looked = Extract<RolloutEvent, { kind: 'looked' }>;
const looked = (instances: FreshInstances, more: Partial<Looked> = {}): RolloutEvent => ({
  ...{ kind: 'looked', instances, judgement: judged('inconclusive', '3 of 10 seen'), suspicion: null, ejected: null },
  ...more,
});

const bad = looked(ready, { judgement: judged('bad', '9 of 10 failed') });
const suspicious = looked(ready, { suspicion: '1 % fail, 0 % before' });
const abort: RolloutEvent = { kind: 'abort', reason: 'aborted by admin' };

/** What becomes of a rollout: its states, each with the share of the new release. */
function play(plan: RolloutPlan, events: readonly (readonly [ms: number, event: RolloutEvent])[]): string {
  let rollout: Rollout = { state: 'starting', since: 0 as Instant };
  const told: string[] = [];
  for (const [ms, event] of events) {
    const next = nextRollout(rollout, event, plan, ms as Instant);
    if (next !== rollout)
      told.push(`${ms} ${next.state} ${100 * shareOf(next, plan)} %${isOver(next) ? `: ${next.reason}` : ''}`);
    rollout = next;
  }
  return told.join(', ');
}

describe('a rollout', () => {
  for (const [what, plan, events, expected] of [
    ['waits until all instances are ready', canary, [[100, looked(starting)]], ''],
    ['gives the new release its first share when they are', canary, [[100, looked(ready)]], '100 shifting 5 %'],
    [
      'goes through its steps, and is watched at the end',
      canary,
      [
        [100, looked(ready)],
        [1000, looked(ready)],
        [1100, looked(ready)],
        [3100, looked(ready)],
        [6099, looked(ready)],
        [6100, looked(ready)],
      ],
      '100 shifting 5 %, 1100 shifting 50 %, 3100 baking 100 %, 6100 promoted 100 %: 3 of 10 seen',
    ],
    ['has no steps with another strategy', blueGreen, [[100, looked(ready)]], '100 baking 100 %'],
    [
      'is refused where an instance ends at its start',
      canary,
      [[100, looked(ends)]],
      '100 refused 0 %: shop/3 is not ready: exited with code 1',
    ],
    [
      'is refused after its time, which is no readiness',
      canary,
      [
        [4999, looked(starting)],
        [5000, looked(starting)],
      ],
      '5000 refused 0 %: it was not ready within 5 s: shop/3: refused',
    ],
    [
      'is taken back where the release is bad',
      canary,
      [
        [100, looked(ready)],
        [200, bad],
      ],
      '100 shifting 5 %, 200 aborted 0 %: 9 of 10 failed',
    ],
    [
      'is taken back while it is watched',
      blueGreen,
      [
        [100, looked(ready)],
        [200, bad],
      ],
      '100 baking 100 %, 200 aborted 0 %: 9 of 10 failed',
    ],
    [
      'is taken back where an endpoint is ejected',
      blueGreen,
      [
        [100, looked(ready)],
        [200, looked(ready, { ejected: 'shop/3 was ejected' })],
      ],
      '100 baking 100 %, 200 aborted 0 %: shop/3 was ejected',
    ],
    [
      'is taken back where no instance is left',
      blueGreen,
      [
        [100, looked(ready)],
        [200, looked(gone)],
      ],
      '100 baking 100 %, 200 aborted 0 %: none of its instances is ready any more',
    ],
    [
      'compares again where it looks worse than before, and goes on where it is not',
      blueGreen,
      [
        [100, looked(ready)],
        [1100, suspicious],
        [2000, looked(ready, { judgement: judged('good', 'no difference') })],
        [3999, looked(ready)],
        [4000, looked(ready)],
      ],
      '100 baking 100 %, 1100 comparing 25 %, 2000 baking 100 %, 4000 promoted 100 %: 3 of 10 seen',
    ],
    [
      'is ended by an operator',
      canary,
      [
        [100, looked(ready)],
        [200, abort],
      ],
      '100 shifting 5 %, 200 aborted 0 %: aborted by admin',
    ],
    [
      'is promoted by an operator, and then watched',
      canary,
      [
        [100, looked(ready)],
        [200, { kind: 'promote' }],
        [300, { kind: 'promote' }],
      ],
      '100 shifting 5 %, 200 baking 100 %, 300 promoted 100 %: an operator has ended its watch',
    ],
    ['is not promoted before it is ready', canary, [[100, { kind: 'promote' }]], ''],
    [
      'back is neither judged nor watched',
      rollback,
      [
        [100, looked(ready)],
        [100, bad],
      ],
      '100 baking 100 %, 100 promoted 100 %: rolled back',
    ],
  ] as const satisfies readonly (readonly [
    string,
    RolloutPlan,
    readonly (readonly [number, RolloutEvent])[],
    string,
  ])[])
    test(what, () => assert.equal(play(plan, events), expected));

  test('gets no request by chance during its steps where they are chosen for it', () => {
    const chosen: RolloutPlan = { ...canary, steps: [{ share: 0, forMs: 1000 }], isChosen: true };
    const states: readonly (readonly [Rollout, number | null])[] = [
      [{ state: 'starting', since: 0 as Instant }, 0],
      [{ state: 'shifting', since: 0 as Instant, step: 0 }, null],
      [{ state: 'baking', since: 0 as Instant, bakedMs: 0 }, 1],
      [{ state: 'comparing', since: 0 as Instant, bakedMs: 0 }, 0.25],
    ];
    for (const [rollout, share] of states) assert.equal(drawnShareOf(rollout, chosen), share, rollout.state);
    assert.equal(drawnShareOf(states[1]![0], canary), 0.05);
    assert.equal(
      play(chosen, [
        [100, looked(ready)],
        [1100, looked(ready)],
      ]),
      '100 shifting 0 %, 1100 baking 100 %',
    );
    assert.equal(
      play(chosen, [
        [100, looked(ready)],
        [200, bad],
      ]),
      '100 shifting 0 %, 200 aborted 0 %: 9 of 10 failed',
    );
    const resumed = resumedRollout('shifting', 0, chosen, 5 as Instant);
    assert.deepEqual(resumed, { state: 'shifting', step: 0, since: 5 });
  });

  test('waits until what runs before it has ended, and is refused where that fails', () => {
    const preparing: Rollout = { state: 'preparing', since: 0 as Instant };
    const after = (event: RolloutEvent): Rollout => nextRollout(preparing, event, canary, 9 as Instant);
    assert.equal(after(looked(ready)), preparing);
    assert.equal(shareOf(preparing, canary), 0);
    assert.deepEqual(after({ kind: 'prepared', failure: null }), { state: 'starting', since: 9 });
    const reason = 'what runs before it has failed: it exited with code 1';
    assert.deepEqual(after({ kind: 'prepared', failure: 'it exited with code 1' }), {
      state: 'refused',
      reason,
      since: 9,
    });
    assert.deepEqual(after(abort), { state: 'refused', reason: 'aborted by admin', since: 9 });
  });

  test('that is over stays so, whatever comes', () => {
    const events = fc.constantFrom<RolloutEvent>(looked(ready), looked(ends), looked(gone), bad, suspicious, abort, {
      kind: 'promote',
    });
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(9000), events), { maxLength: 20 }), (all) => {
        let rollout: Rollout = { state: 'starting', since: 0 as Instant };
        let [now, wasReady] = [0, false];
        for (const [ms, event] of all) {
          now += ms;
          const before: Rollout = rollout;
          rollout = nextRollout(rollout, event, canary, now as Instant);
          if (isOver(before)) assert.equal(rollout, before);
          wasReady ||= event.kind === 'looked' && event.instances.ready >= event.instances.wanted;
          assert.ok(wasReady || shareOf(rollout, canary) === 0, 'nothing is routed to what was never ready');
          if (rollout.state === 'aborted' || rollout.state === 'refused') assert.equal(shareOf(rollout, canary), 0);
        }
      }),
    );
  });

  test('says when what is counted was drawn with the share before', () => {
    const at = (state: 'comparing' | 'baking', ms: number) =>
      isSettling({ state, since: 1000 as Instant, bakedMs: 0 }, ms as Instant);
    assert.deepEqual(
      [at('baking', 1499), at('baking', 1500), at('comparing', 2999), at('comparing', 3000)],
      [true, false, true, false],
    );
  });

  test('goes on in another process as the journal has it', () => {
    const since = 7 as Instant;
    for (const [state, share, expected] of [
      ['starting', 0, { state: 'starting', since }],
      ['shifting', 0.5, { state: 'shifting', step: 1, since }],
      // The configuration has other steps now.
      ['shifting', 0.3, { state: 'baking', since, bakedMs: 0 }],
      ['baking', 1, { state: 'baking', since, bakedMs: 0 }],
    ] as const)
      assert.deepEqual(resumedRollout(state, share, canary, since), expected);
  });
});
