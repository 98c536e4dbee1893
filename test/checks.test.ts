import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checks, runCheck } from '../scripts/checks.ts';

for (const check of checks) {
  test(check.promise, () => {
    const { passed, output } = runCheck(check);
    assert.ok(passed, output);
  });
}
