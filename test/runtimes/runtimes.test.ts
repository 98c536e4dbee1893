// Only `npm run test:complete` runs this file: it fetches 600 MB of runtimes; `npm test` tries the Node at hand and a browser.
// Starts processes: each runtime runs the promises of candor-client as it is packed.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { withBrowser } from '../browser.ts';
import { buildClient, fetchRuntimes, runtimeNames, tryRuntime } from './runtimes.ts';

const missing = fetchRuntimes(() => {});
const client = buildClient();

describe('the promises of candor-client, as it is packed, hold', () => {
  for (const name of runtimeNames) {
    const isFetched = name !== 'node' && name !== 'chromium';
    const options = isFetched && missing !== null ? { skip: missing } : name === 'chromium' ? withBrowser : {};
    test(`in ${name}`, options, async () => {
      const outcomes = await tryRuntime(name, client);
      assert.ok(outcomes.length > 10);
      assert.deepEqual(
        outcomes.filter(({ broken }) => broken !== null),
        [],
      );
    });
  }
});
