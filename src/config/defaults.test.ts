import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defaults } from './defaults.ts';
import { count } from './fallback.ts';

test('one address has fewer connections than an application takes, and all together have more', () => {
  const ofOne = count(undefined, defaults.client.connectionsPerAddressMax);
  assert.ok(ofOne < count(undefined, defaults.connections.max));
  assert.ok(ofOne < count(undefined, defaults.client.connectionsMax));
});
