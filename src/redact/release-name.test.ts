import assert from 'node:assert/strict';
import { test } from 'node:test';
import { releaseOf } from './release-name.ts';

test('the release of a program is what its variables of that name say, and no other variable', () => {
  assert.equal(releaseOf({ PORT: '3000', SECRET: 'v7', RELEASE: '2026-11-26.3' }), '2026-11-26.3');
  assert.equal(releaseOf({ GIT_SHA: '8a6ce6bb', APP_VERSION: 'v42+build.7' }), 'v42+build.7');
  assert.equal(releaseOf({ RELEASE: 'https://user:password@host/', GIT_COMMIT: 'fa892a74' }), 'fa892a74');
  assert.equal(releaseOf({ PASSWORD: 'v42', RELEASE: '' }), null);
});
