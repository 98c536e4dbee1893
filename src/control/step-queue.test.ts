import assert from 'node:assert/strict';
import { test } from 'node:test';
import { StepQueue } from './step-queue.ts';

test('steps run one after the other, even after a failed step', async () => {
  const steps = new StepQueue();
  const log: string[] = [];
  const first = Promise.withResolvers<void>();
  const failed = steps.run(async () => {
    log.push('first begins');
    await first.promise;
    throw new Error('on purpose');
  });
  const second = steps.run(async () => {
    log.push('second');
    return 2;
  });
  await Promise.resolve();
  assert.deepEqual(log, ['first begins']);
  first.resolve();
  await assert.rejects(failed, { message: 'on purpose' });
  assert.equal(await second, 2);
  await steps.idle;
  assert.deepEqual(log, ['first begins', 'second']);
});
