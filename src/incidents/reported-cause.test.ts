import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { IncidentSuspect, SuspectKind } from '../core/live-incident.ts';
import { ReportedCause } from './reported-cause.ts';

const suspects = (...names: SuspectKind[]): readonly IncidentSuspect[] =>
  names.map((name) => ({ name, fit: 1, sentence: `It is ${name}.`, evidence: [], nextStep: '' }));

/** Seconds at which a correction is sent, by which suspect stands first in each second. */
function corrected(reported: ReportedCause, firsts: readonly (SuspectKind | null)[]): readonly number[] {
  return firsts.flatMap((first, second) =>
    reported.see(first === null ? [] : suspects(first, 'network'), second * 1000, second) ? [second] : [],
  );
}

const for10S = <T>(value: T): readonly T[] => Array.from({ length: 11 }, () => value);

test('another cause is told when it has stood first for ten seconds, and only once', () => {
  const reported = new ReportedCause();
  reported.report(suspects('lying_check', 'crash'));
  const firsts = [
    ...for10S('lying_check' as const),
    ...for10S('nothing_listens' as const),
    ...for10S('crash' as const),
  ];
  assert.deepEqual(corrected(reported, firsts), [21]);
  assert.deepEqual(reported.correction, {
    at: 21,
    from: { name: 'lying_check', sentence: 'It is lying_check.' },
    to: { name: 'nothing_listens', sentence: 'It is nothing_listens.' },
  });
});

test('a cause that stands first for a moment is not told, and neither is that none is known any more', () => {
  const reported = new ReportedCause();
  reported.report(suspects('crash'));
  const unsteady = (['network', 'crash', 'dns', 'tls_settings'] as const).flatMap((name) => [name, name, name, name]);
  assert.deepEqual(corrected(reported, [...unsteady, ...for10S(null)]), []);
});

test('a cause that was not known when it opened is told', () => {
  const reported = new ReportedCause();
  reported.report([]);
  assert.deepEqual(corrected(reported, for10S('crash')), [10]);
  assert.equal(reported.correction?.from, null);
});

test('nothing is corrected of what this process has not told', () => {
  assert.deepEqual(corrected(new ReportedCause(), for10S('crash')), []);
});
