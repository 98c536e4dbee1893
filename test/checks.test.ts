import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checks, runCheck } from '../scripts/checks.ts';
import { PassedChecks } from '../scripts/passed-checks.ts';
import { isWholeSweep } from '../src/testing/sweep.test-support.ts';

const passedChecks = new PassedChecks();

for (const check of checks) {
  test(check.promise, () => {
    // What has passed as a whole is not tried again.
    const isWhole = isWholeSweep || passedChecks.has(check);
    const { passed, output } = runCheck(isWhole ? check : { ...check, ...check.withoutTests }, passedChecks);
    assert.ok(passed, output);
  });
}
