import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type FloodPair, judgeFlood } from '../../bench/password-judgement.ts';

const good: FloodPair = { disturbed: null, loginsPerS: 5.6, calmP99Ms: 2, floodP99Ms: 3.5, failed: 0 };

for (const [what, pairs, verdict] of [
  ['both hold', [good], 'met'],
  ['too few logins', [good, { ...good, loginsPerS: 4.9 }], 'missed'],
  ['others wait', [{ ...good, floodP99Ms: 4.1 }], 'missed'],
  ['one pair of three has a pause', [good, { ...good, floodP99Ms: 40 }, good], 'met'],
  ['others fail', [{ ...good, failed: 1 }], 'missed'],
  ['only disturbed pairs miss it', [{ ...good, floodP99Ms: 40, disturbed: 'busy' }, good], 'met'],
  ['every pair was disturbed', [{ ...good, disturbed: 'busy' }], 'not measured'],
] as const)
  test(`a flood of passwords is judged: ${what}`, () => assert.equal(judgeFlood(pairs).verdict, verdict));
