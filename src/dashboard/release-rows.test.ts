import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ApplicationReleasesJson, JudgementJson, ReleaseJson, RolloutJson } from './model.ts';
import {
  environmentWords,
  evidenceShare,
  inForceSince,
  judgementFacts,
  leftText,
  releaseState,
  rolloutNames,
  rolloutSentence,
  rolloutSteps,
  sizeFigure,
  wasCompared,
} from './release-rows.ts';

const counts = { requests: 0, failures: 0, server_errors: 0, late: 0 };

const rollout = (change: Partial<RolloutJson>): RolloutJson => ({
  ...{ id: 2, from: 'r1', to: 'r2', strategy: 'canary', state: 'shifting', began_at: '', actor: 'admin:socket' },
  ...{ share: 0.05, shares: [0.05, 0.125, 1], left_ms: 42_400, reason: null, judgement: null },
  remarks: [],
  ...change,
});

const judgement = (change: Partial<JudgementJson>): JudgementJson => ({
  ...{ verdict: 'inconclusive', reason: '', evidence: 1, limit: 100, requests_needed: 1501, worst: null },
  ...{ old: counts, fresh: counts },
  ...change,
});

const release = (number: number, environment: readonly string[], changed: readonly string[] = []): ReleaseJson =>
  ({ number, name: `r${number}`, environment, environment_changed: changed }) as ReleaseJson;

describe('the steps of a rollout', () => {
  const at = (change: Partial<RolloutJson>): string => {
    const steps = rolloutSteps(rollout(change));
    return steps
      .map(({ name, state }) => (state === 'now' ? `[${name}]` : state === 'done' ? `${name}.` : name))
      .join(' ');
  };
  const rows: readonly (readonly [Partial<RolloutJson>, string])[] = [
    [{ state: 'preparing', share: 0 }, '[start] 5 % 12.5 % all requests in force'],
    [{ state: 'starting', share: 0 }, '[start] 5 % 12.5 % all requests in force'],
    [{ share: 0.05 }, 'start. [5 %] 12.5 % all requests in force'],
    [{ share: 0.125 }, 'start. 5 %. [12.5 %] all requests in force'],
    [{ state: 'baking', share: 1 }, 'start. 5 %. 12.5 %. [all requests] in force'],
    [{ state: 'comparing', share: 0.25 }, 'start. 5 %. 12.5 %. [all requests] in force'],
    [{ state: 'promoted', share: 1 }, 'start. 5 %. 12.5 %. all requests. in force.'],
    [{ share: 0, shares: [0, 1] }, 'start. [canary_for] all requests in force'],
    [{ state: 'baking', share: 1, shares: [1] }, 'start. [all requests] in force'],
  ];
  for (const [change, shown] of rows)
    test(`of a rollout that is ${change.state ?? 'shifting'} with ${change.share}`, () =>
      assert.equal(at(change), shown));

  test('are told without the time, which has its own place', () => {
    assert.equal(rolloutSentence(rollout({})), 'r2 gets 5 % of the requests');
    assert.equal(rolloutSentence(rollout({ share: 0 })), 'r2 gets the requests of `canary_for`');
    assert.deepEqual([leftText(rollout({})), leftText(rollout({ left_ms: null }))], ['42 s left', '']);
  });
});

describe('what a verdict was computed from', () => {
  const values = (change: Partial<JudgementJson>): string[] =>
    judgementFacts(judgement(change)).map(([, value]) => value);

  test('are the evidence, the requests of the release with fewer of them, and what speaks most', () => {
    const worst = { route: 'cart', event: 'failure', cause: 'connect_refused' } as const;
    const found = { worst, old: { ...counts, requests: 900 }, fresh: { ...counts, requests: 40 }, evidence: 123_456 };
    assert.deepEqual(values(found), [
      '123.5\u2009k of 100, from which the release is bad',
      '40 of 1\u2009501 needed',
      'failed requests (connect_refused) on route cart',
    ]);
    const anywhere = { worst: { route: '', event: 'late', cause: null }, evidence: 1e30, requests_needed: 0 } as const;
    assert.deepEqual(values(anywhere), [
      '> 1 M of 100, from which the release is bad',
      '0; no number suffices, as both fail',
      'late responses on any route',
    ]);
    assert.equal(values({})[2], 'none');
  });

  test('is drawn by its logarithm, and never beyond the limit', () => {
    const shares = [0.2, 1, 10, 100, 1e9].map((evidence) => evidenceShare({ evidence, limit: 100 }));
    assert.deepEqual(
      shares.map((share) => Math.round(share * 10) / 10),
      [0, 0, 0.5, 1, 1],
    );
  });

  test('is nothing where no requests were split', () => {
    assert.equal(wasCompared(judgement({})), false);
    assert.equal(wasCompared(judgement({ old: { ...counts, requests: 1 } })), true);
  });
});

describe('a release', () => {
  test('differs from the one before by names of variables', () => {
    const before = release(1, ['PORT', 'KEY', 'OLD']);
    const next = release(2, ['PORT', 'KEY', 'NEW'], ['KEY', 'NEW', 'OLD']);
    assert.equal(environmentWords(next, before), 'KEY changed, NEW added, OLD removed');
    assert.equal(environmentWords(before), '');
  });

  test('is in force, is warm, or is being rolled out', () => {
    const all = [1, 2, 3].map((number) => release(number, []));
    const states = (change: Partial<ApplicationReleasesJson>): unknown =>
      all.map(
        (one) => releaseState(one, { rollout: null, warm: null, ...change } as ApplicationReleasesJson)?.word ?? '',
      );
    assert.deepEqual(states({ in_force: 'r2', warm: 'r1' }), ['warm', 'in force', '']);
    const goesOn = rollout({ from: 'r1', to: 'r3' });
    assert.deepEqual(states({ in_force: 'r1', rollout: goesOn }), ['in force', '', 'being rolled out']);
    assert.deepEqual(states({ in_force: 'r3', rollout: goesOn }), ['warm', '', 'in force']);
  });

  test('is in force since its last rollout has ended', () => {
    const rollouts = [
      { to: 1, state: 'aborted', ended_at: 'c' },
      { to: 1, state: 'promoted', ended_at: 'b' },
      { to: 1, state: 'promoted', ended_at: 'a' },
    ];
    const of = { in_force: 'r1', releases: [release(1, [])], rollouts } as unknown as ApplicationReleasesJson;
    assert.deepEqual([inForceSince(of), inForceSince({ ...of, rollouts: [] })], ['b', null]);
  });

  test('that is not kept any more is known by its number, and files have a size', () => {
    const past = { from: 1, from_name: null, to: 2, to_name: 'r2' } as Parameters<typeof rolloutNames>[0];
    assert.equal(rolloutNames(past), 'number 1 → r2');
    assert.equal(rolloutNames({ ...past, from: null }), 'r2');
    assert.deepEqual([0, 300, 2048].map(sizeFigure), ['–', '300 B', '2 KiB']);
  });
});
