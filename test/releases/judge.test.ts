import assert from 'node:assert/strict';
import { test } from 'node:test';
import { judgeRelease } from './judge.ts';
import { judgeTable } from './judge-table.ts';
import type { PlayResult, RolloutSight } from './play-result.ts';

const deploySecond = 75;

/** What was seen of a release after so many seconds of its deployment. */
const sightsOf = (...seen: readonly (readonly [second: number, state: string, share: number])[]): RolloutSight[] =>
  seen.map(([second, state, share]) => ({ second: deploySecond + second, state, share }));

function resultOf(more: Partial<PlayResult>): PlayResult {
  const counts = { requests: 10_000, harmed: 0, wrong: 0 };
  return {
    ...{ name: 'one canary', release: 'one', kind: 'a_kind', strategy: 'canary', expected: 'rolled_back' },
    ...{ isSlow: false, migration: null, deploy: { exitCode: 0, output: '', seconds: 90 } },
    ...{ deploySecond, endSecond: 240, sights: [], before: counts, after: counts, afterMinute: counts },
    ...{ byVersion: {}, byRoute: {}, harmedBySecond: {}, faults: {}, releases: null, gatewayOutput: '' },
    ...more,
  };
}

const judged = (more: Partial<PlayResult>) => {
  const { isOk, why, foundAfter, wholeSeconds } = judgeRelease(resultOf(more));
  return [isOk, why, foundAfter, wholeSeconds];
};

test('a bad release is to be refused, or taken back from its share, or soon after it got all requests', () => {
  const deploy = { exitCode: 6, output: '', seconds: 9 };
  const refused = sightsOf([0, 'starting', 0], [8, 'refused', 0]);
  assert.deepEqual(judged({ deploy, sights: refused }), [true, 'refused', null, 0]);
  const canary = sightsOf([2, 'shifting', 0.05], [12, 'aborted', 0]);
  assert.deepEqual(judged({ deploy, sights: canary }), [true, 'aborted', 10, 0]);
  const soon = sightsOf([2, 'baking', 1], [12, 'comparing', 0.5], [15, 'baking', 1], [20, 'aborted', 0]);
  assert.deepEqual(judged({ deploy, sights: soon }), [true, 'aborted', 18, 18]);
  const late = sightsOf([2, 'baking', 1], [70, 'aborted', 0]);
  assert.deepEqual(judged({ deploy, sights: late }), [
    false,
    'it was taken back 68 s after it got all requests',
    68,
    68,
  ]);
  assert.equal(judged({ deploy, sights: late, isSlow: true })[0], true);
});

test('a bad release that is in force at the end is not found', () => {
  const sights = sightsOf([2, 'shifting', 0.05], [62, 'baking', 1], [92, 'promoted', 1]);
  assert.deepEqual(judged({ sights }), [false, 'it is in force', null, 103]);
});

test('a bad release whose migration fails is not deployed', () => {
  const migration = { exitCode: 1, output: '', seconds: 1 };
  assert.deepEqual(judged({ deploy: null, migration }), [true, 'its migration ended with 1', null, 0]);
});

test('a good release is to be promoted without a wrong answer', () => {
  const good = { expected: 'promoted', sights: sightsOf([2, 'baking', 1], [32, 'promoted', 1]) } as const;
  assert.deepEqual(judged(good).slice(0, 2), [true, 'promoted']);
  const wrong = { ...good, after: { requests: 10_000, harmed: 2, wrong: 2 } };
  assert.equal(judged(wrong)[1], '2 of 10000 requests were answered wrongly, 0 of 10000 before');
  const late = { ...good, after: { requests: 10_000, harmed: 400, wrong: 0 } };
  assert.equal(judged(late)[0], false);
  assert.equal(judged({ ...late, before: { requests: 10_000, harmed: 200, wrong: 0 } })[0], true);
  const aborted = { ...good, deploy: { exitCode: 6, output: '', seconds: 9 }, sights: sightsOf([2, 'aborted', 0]) };
  assert.deepEqual(judged(aborted).slice(0, 2), [false, 'aborted, exit code 6']);
});

test('no release is well where the gateway or the command has failed', () => {
  const sights = sightsOf([8, 'refused', 0]);
  assert.equal(judged({ sights, gatewayOutput: 'out of memory' })[1], 'the gateway has ended');
  assert.equal(judged({ sights, deploy: { exitCode: null, output: '', seconds: 600 } })[1], 'the command did not end');
});

test('what a busy machine makes late is no harm of the release', () => {
  const before = { requests: 1000, harmed: 10, wrong: 0 };
  assert.equal(judgeRelease(resultOf({ before, after: { requests: 3000, harmed: 45, wrong: 0 } })).harmed, 15);
});

test('the table has a line for each play, and what they come to', () => {
  const found = resultOf({ sights: sightsOf([2, 'shifting', 0.05], [12, 'aborted', 0]) });
  const lost = resultOf({ name: 'two blue_green', sights: sightsOf([2, 'baking', 1]) });
  const good = resultOf({ name: 'three canary', expected: 'promoted', sights: sightsOf([2, 'aborted', 0]) });
  const table = judgeTable([good, found, lost].map(judgeRelease));
  assert.match(table, /^one canary +ok +10 s +0 s +5.0 % +0 +0 +0.0 % +aborted$/m);
  assert.match(table, /^two blue_green +NOT OK +- +163 s +100.0 % +0 +0 +0.0 % +it is in force$/m);
  assert.match(table, /^canary: bad 1 of 1 ok, 0 of them got no request; found after 10 \(median\), 10 \(most\) s;/m);
  assert.match(table, /^canary: good 0 of 1 ok, not: three$/m);
});
