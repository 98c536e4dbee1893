// Starts processes: a gateway and programs in Node that do not come up.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { candorProgram } from '../program.ts';
import { isControl } from './boot-case.ts';
import { nodeAlone } from './boot-languages.ts';
import { bootCases, findBootCase } from './cases.ts';
import { judgeBoot } from './judge.ts';
import { playBoot } from './play.ts';
import type { BootResult } from './play-result.ts';
import { sampled } from '../../src/testing/sweep.test-support.ts';

test('the corpus has 64 programs at least in seven languages, each by a name of its own, and ten controls', () => {
  assert.ok(bootCases.length >= 64, `${bootCases.length} cases`);
  assert.equal(new Set(bootCases.map(({ name }) => name)).size, bootCases.length);
  assert.equal(new Set(bootCases.map(({ language }) => language)).size, 7);
  assert.ok(bootCases.filter(({ expected }) => isControl(expected)).length >= 10);
});

test('each case says what its reason must hold, by patterns that keep no state', () => {
  for (const { name, expected } of bootCases) {
    if (isControl(expected)) continue;
    assert.ok(expected.facts.length > 0, name);
    const patterns = [...expected.facts, ...(expected.better ?? []), ...(expected.wrong ?? [])];
    for (const pattern of patterns) assert.doesNotMatch(pattern.flags, /[gy]/, `${name}: ${pattern}`);
  }
});

test('a case that waits for the file `seen` writes it, and one that names a process beside it starts it', () => {
  for (const { name, expected, files, beside } of bootCases) {
    const texts = Object.values(files ?? {}).join('\n');
    if (!isControl(expected) && expected.from === 'seen') assert.match(texts, /\bseen\b/, name);
    assert.equal(/beside-up/.test(texts), beside !== undefined, name);
  }
});

describe('the judge', () => {
  const played = findBootCase('node-syntax-error');
  const result = (reason: string, atMs: number, phase = 'restarting'): BootResult => ({
    ...{ name: played.name, printed: [], seenAtMs: 1000, endMs: 5000, exit: null, command: null, lastLines: [] },
    ...{ leaked: false, names: {}, heldUpMs: 0 },
    shown: [{ atMs, phase, reason, late: false }],
  });
  const facts = 'exited with code 1: SyntaxError: missing ) in server.js:3';

  for (const [what, one, verdict] of [
    ['takes a reason with all facts in time', result(facts, 2900), 'right'],
    ['notices when it came too late', result(facts, 3500), 'late'],
    ['misses a fact', result('exited with code 1: SyntaxError', 1200), 'missed'],
    ['refuses a claim that is not so, beside the facts', result(`${facts}; out of memory`, 1200), 'wrong'],
    ['refuses readiness of what never was ready', result(facts, 1200, 'ready'), 'false ready'],
    ['refuses a secret before anything else', { ...result(facts, 1200), leaked: true }, 'leaked'],
  ] as const) {
    test(what, () => assert.equal(judgeBoot(played, one).verdict, verdict));
  }
});

describe('a gateway of its own for each', () => {
  for (const name of sampled(['node-missing-variable', 'node-wrong-version', 'good-204'], 2)) {
    const { expected, ...found } = findBootCase(name);
    test(`${name}: ${found.what}`, async () => {
      // Other tests run at the same time.
      const played = { ...found, expected: isControl(expected) ? { ...expected, readyWithinMs: 60_000 } : expected };
      const result = await playBoot(played, candorProgram, nodeAlone(), { isPatient: true });
      const judged = judgeBoot(played, result);
      assert.ok(['right', 'late', 'good'].includes(judged.verdict), JSON.stringify(judged, null, 2));
    });
  }
});
