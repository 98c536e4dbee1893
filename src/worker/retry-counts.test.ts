import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { noCounts } from '../core/counters.ts';
import type { RetryReason } from '../core/exchange.ts';
import { countRetries } from './retry-counts.ts';

const table: readonly [what: string, reasons: readonly RetryReason[], retries: number, hedges: number, over: number][] =
  [
    ['no attempt', [], 0, 0, 0],
    ['one attempt', ['accepted'], 0, 0, 0],
    ['a retry', ['idempotent', 'accepted'], 1, 0, 0],
    [
      'two retries, and a third one that the budget did not allow',
      ['nothing_sent', 'retriable_status', 'budget_spent'],
      2,
      0,
      1,
    ],
    ['a retry that the budget did not allow', ['budget_spent'], 0, 0, 1],
    ['a hedge that came first', ['hedged', 'accepted'], 0, 1, 0],
    ['a hedge that came too late', ['superseded', 'accepted'], 0, 1, 0],
    ['a hedge, and a retry after both had failed', ['hedged', 'idempotent', 'accepted'], 1, 1, 0],
  ];

describe('the counts of retries', () => {
  for (const [what, reasons, retries, hedges, over] of table)
    it(`for ${what} are ${retries}, ${hedges} and ${over}`, () => {
      const counts = noCounts(0);
      countRetries(
        reasons.map((retryReason, index) => ({ retry: index < reasons.length - 1, retryReason })),
        counts,
      );
      assert.deepEqual(
        [counts.retriesTotal, counts.hedgesTotal, counts.retriesOverBudgetTotal],
        [retries, hedges, over],
      );
    });
});
