// Only `npm run test:complete` runs this file: it is a sweep over upgrades. `npm test` has the failures of `upgrade.test.ts`.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { sampled } from '../../src/testing/sweep.test-support.ts';
import { upgradeWithBlow } from './kill-sweep.ts';

// The short form of `npm run soak:upgrade-kills`: one of the two processes of an upgrade is killed, early or late.

const skip = process.platform === 'linux' ? false : 'processes are identified through /proc';

describe('one process serves, with one application, and can be upgraded, when', { skip }, () => {
  for (const afterMs of sampled([0, 40, 150, 300], 2)) {
    test(`the old process is killed ${afterMs} ms after the start of the new one`, async () => {
      const { serves, broken } = await upgradeWithBlow({ at: 'old', signal: 'SIGKILL', afterMs });
      assert.deepEqual(broken, []);
      assert.equal(serves, 'new');
    });
  }

  // Later kills hit the handoff: the old process rolls back, and no orphan watchdog ends the applications meanwhile.
  for (const afterMs of sampled([0, 150, 300, 450], 2, 1)) {
    test(`the new process is killed after ${afterMs} ms, and every request is answered`, async () => {
      const { failed, broken } = await upgradeWithBlow({ at: 'new', signal: 'SIGKILL', afterMs });
      assert.deepEqual(broken, []);
      assert.deepEqual(failed, []);
    });
  }
});
