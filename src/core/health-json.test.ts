import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { healthAdvice } from './health-json.ts';

describe('application/health+json says which dependency fails', () => {
  const cases: readonly (readonly [which: string, body: unknown, advice: string | null])[] = [
    [
      'in a list of the draft',
      {
        status: 'fail',
        checks: {
          'cpu:utilization': [{ status: 'pass' }],
          'postgres:connections': [{ status: 'pass' }, { status: 'fail', output: 'timed out after 1 s' }],
        },
      },
      'postgres:connections fails: timed out after 1 s',
    ],
    ['in a single entry', { checks: { redis: { status: 'DOWN' } } }, 'redis fails'],
    [
      'failures before warnings',
      { checks: { disk: [{ status: 'warn', output: '91 %' }], db: [{ status: 'error' }] } },
      'db fails; disk warns: 91 %',
    ],
    [
      'three of many',
      { checks: Object.fromEntries(['a', 'b', 'c', 'd', 'e'].map((name) => [name, [{ status: 'fail' }]])) },
      'a fails; b fails; c fails, and 2 more',
    ],
    ['by its own output', { status: 'fail', output: 'draining' }, 'draining'],
    ['not where all pass', { status: 'pass', checks: { db: [{ status: 'pass' }] } }, null],
    ['not where it is a list', [], null],
    [
      'without what turns the direction of text, or is not shown',
      { checks: { 'd\u202eb': [{ status: 'fail', output: 'a\u202e\u2066b\u200bc\u0000\u{e0041}d\ufeff' }] } },
      'd b fails: a b c d',
    ],
    ['in one line of at most 80 characters', { output: `a\nb${'x'.repeat(200)}` }, `a b${'x'.repeat(76)}…`],
  ];
  for (const [which, body, advice] of cases) {
    test(which, () => assert.equal(healthAdvice(JSON.stringify(body)), advice));
  }

  test('nothing where it is cut off', () => {
    assert.equal(healthAdvice('{"status":"fail","checks":{"db":[{"st'), null);
  });
});
