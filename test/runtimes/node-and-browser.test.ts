// Starts processes: a Node and a browser, which run the promises of candor-client. `npm run try:runtimes` has the other runtimes.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { withBrowser } from '../browser.ts';
import { sourceOfClient, tryRuntime } from './runtimes.ts';

describe('the promises of candor-client hold', { concurrency: true }, () => {
  for (const name of ['node', 'chromium'] as const)
    test(`in ${name}`, name === 'chromium' ? withBrowser : {}, async () => {
      const outcomes = await tryRuntime(name, sourceOfClient());
      assert.ok(outcomes.length > 10);
      assert.deepEqual(
        outcomes.filter(({ broken }) => broken !== null),
        [],
      );
    });
});
