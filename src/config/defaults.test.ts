import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defaults } from './defaults.ts';
import { count } from '../schema/fallback.ts';

test('one address may have a small part of all connections', () => {
  const ofOne = count(undefined, defaults.client.connectionsPerAddressMax);
  assert.ok(ofOne * 10 <= count(undefined, defaults.client.connectionsMax));
});
