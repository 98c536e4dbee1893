import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { AttemptRecord } from '../core/schemas/record.ts';
import { evidenceFacts } from './evidence-facts.ts';

describe('the facts of an attempt', () => {
  for (const [evidence, facts] of [
    [{ how: 'reset' }, ['the connection was reset']],
    [{ how: 'cancelled', code: 'CANCEL' }, ['the request was cancelled', 'code CANCEL']],
    [{ limit_ms: 1500, interims: 2 }, ['limit 1.50 s', 'interim responses 2']],
  ] as const)
    it(`say: ${facts.join(', ')}`, () => {
      const attempt = { cause: 'client_gone', evidence } as unknown as AttemptRecord;
      assert.deepEqual(evidenceFacts(attempt, 'client_gone').facts, facts);
    });
});
