import assert from 'node:assert/strict';
import { test } from 'node:test';
import { extentFigures, extentLabel } from './incident-extent.ts';

const counts = { failed: 809, attempts_failed: 809 };

test('requests that were late, or answered otherwise, are not said to have failed', () => {
  assert.equal(extentLabel({ cause: null, shape: 'too_slow' }), 'late');
  assert.equal(extentLabel({ cause: null, shape: 'none' }), 'answered otherwise');
  assert.equal(extentFigures({ ...counts, cause: null, shape: 'too_slow' }), '809 requests late');
  assert.equal(extentFigures({ ...counts, cause: null, shape: 'none' }), '809 requests answered otherwise');
});

test('requests that failed are said to, and attempts where other attempts answered the requests', () => {
  assert.equal(extentLabel({ cause: 'response_head_timeout', shape: 'too_slow' }), 'failed');
  assert.equal(extentFigures({ ...counts, cause: null, shape: 'app_error' }), '809 requests failed');
  const hidden = { cause: 'connect_refused', shape: 'unreachable', failed: 0, attempts_failed: 1 } as const;
  assert.equal(extentFigures(hidden), '1 attempt failed');
});
