import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AuthenticationSpec } from './settings.ts';
import { authenticationWords } from './words.ts';

test('candor route says whose word counts of each scheme', () => {
  const authentication: AuthenticationSpec = {
    schemes: [
      { name: 'api_keys', spec: {}, believes: 'api-keys' },
      { name: 'forward', spec: {}, believes: 'authelia /api/verify' },
      { name: 'basic', spec: {} },
    ],
    ...{ realm: 'Team', require: null, userHeader: null, groupsHeader: null },
  };
  const shown = authenticationWords.settings?.({ authentication }, null, {} as never);
  assert.deepEqual(shown?.access, {
    authentication: 'api_keys by api-keys or forward by authelia /api/verify or basic',
  });
});
