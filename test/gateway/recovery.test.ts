import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { sampled } from '../../src/testing/sweep.test-support.ts';
import { recoverAfter, startLater, statusesDuringRestart } from './recovery.ts';

// With default settings and real processes. `node test/gateway/recovery-run.ts 20` keeps the application down for 20 s.
// Here it is down until the checks know; nothing changes after that.

/**
 * An idle machine takes 0.1 to 0.4 s, of which a check interval is up to 0.3 s. The bound leaves room for a busy
 * machine, and is far below the two checks of 5 s each that recovery once took.
 */
const boundMs = 3_000;

describe('no request fails while the only instance of an application restarts', () => {
  for (const method of sampled(['GET', 'POST'], 2, 1)) {
    test(`${method}, for two seconds`, async () => {
      const statuses = await statusesDuringRestart(2_000, method);
      assert.ok(statuses.length > 10);
      assert.deepEqual(new Set(statuses), new Set([200]));
    });
  }
});

describe('an application that comes back is served within a second', () => {
  test('after it was down', async () => {
    const { servedAfterMs, whileDown } = await recoverAfter(4_000);
    assert.ok((whileDown[503] ?? 0) > 0, 'the gateway knows that the application is down');
    assert.ok(servedAfterMs <= boundMs, `served ${servedAfterMs} ms after it listened`);
  });

  test('when it starts a second after the gateway', async () => {
    const { servedAfterMs } = await startLater(1_000);
    assert.ok(servedAfterMs <= boundMs, `served ${servedAfterMs} ms after it listened`);
  });
});
