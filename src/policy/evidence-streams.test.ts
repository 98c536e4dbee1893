import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type EvidenceKind,
  EvidenceStreams,
  type EvidenceWeights,
  oddsRatios,
  usualWeights,
} from './evidence-streams.ts';

const none: Readonly<Record<EvidenceKind, number>> = { error: 0, failure: 0, server_error: 0, late: 0 };
const gainsOf = (gain: number) => [oddsRatios.map(() => gain)];

test('the weights are the whole', () => {
  const all = [...Object.values(usualWeights.overall), ...Object.values(usualWeights.routes)];
  assert.ok(Math.abs(all.reduce((sum, one) => sum + one, 0) - 1) < 1e-12);
});

test('routes share what is theirs, those too that appear later', () => {
  const weights: EvidenceWeights = { overall: none, routes: { ...none, error: 1 } };
  for (const [known, left] of [
    [[], 1 / 31],
    [['route1', 'route2', 'route3'], 1 / 4 / 28],
  ] as const) {
    const streams = new EvidenceStreams(weights, known, 1);
    assert.equal(streams.evidence(0), 1);
    // What speaks against a finding takes away what has seen it, and no more.
    for (let route = 1; route <= 30; route++) streams.add(`route${route}`, 'error', 0, 1, gainsOf(-100));
    assert.ok(Math.abs(streams.evidence(0) - left) < 1e-12, String(streams.evidence(0)));
  }
});

test('a second of late responses says no more than five of them, and adds at most e^1.5', () => {
  const weights: EvidenceWeights = { overall: { ...none, late: 1 }, routes: none };
  const evidenceOf = (events: number, gain: number, seconds: number): number => {
    const streams = new EvidenceStreams(weights, [], 1);
    for (let second = 0; second < seconds; second++) streams.add(null, 'late', second, events, gainsOf(events * gain));
    return Math.log(streams.evidence(0));
  };
  const cases = [
    [3, 0.2, 1, 0.6],
    [50, 0.2, 1, 1],
    [50, 0.2, 3, 3],
    [5, 2, 1, 1.5],
    [5, 2, 3, 4.5],
    [50, -0.2, 2, -2],
  ] as const;
  for (const [events, gain, seconds, log] of cases)
    assert.ok(Math.abs(evidenceOf(events, gain, seconds) - log) < 1e-9, `${events} ${gain} ${seconds}`);
});

test('evidence of one kind says nothing of another, and that of a route is told rather than that of all', () => {
  const streams = new EvidenceStreams(usualWeights, ['shop'], 1);
  assert.equal(streams.strongest(), null);
  for (const route of [null, 'shop']) streams.add(route, 'failure', 0, 1, gainsOf(3));
  streams.add(null, 'late', 0, 1, gainsOf(1.2));
  const { route, kind } = streams.strongest() ?? {};
  assert.deepEqual([route, kind], ['shop', 'failure']);
  streams.add(null, 'failure', 0, 1, gainsOf(1));
  assert.equal(streams.strongest()?.route, null);
});
