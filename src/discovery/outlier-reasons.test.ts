import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FailureCauses } from './outlier-reasons.ts';

test('what does not count against an endpoint is no reason to eject it', () => {
  const causes = new FailureCauses();
  causes.add(
    {
      causes: [
        { cause: 'connect_refused', count: 1 },
        { cause: 'response_body_stalled', excused: true, count: 7 },
        { cause: 'client_gone', count: 9 },
      ],
      serverErrors: 3,
      rateLimited: 0,
    },
    null,
  );
  assert.deepEqual(causes.toObject(), { connect_refused: 1 });
});
