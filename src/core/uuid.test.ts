import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SeededRandom } from '../testing/seeded-random.ts';
import { IdSource } from '../wire/request-id.ts';
import { uuidV7 } from './uuid.ts';

test('a UUIDv7 has the time, its version and its variant', () => {
  const id = uuidV7(Date.UTC(2026, 0, 2), new SeededRandom(1));
  assert.match(id, /^[\da-f]{8}-[\da-f]{4}-7[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/);
  assert.equal(Number.parseInt(id.replaceAll('-', '').slice(0, 12), 16), Date.UTC(2026, 0, 2));
});

test('request ids have the same form', () => {
  const ones = { next: () => 0, fill: (target: Uint8Array) => void target.fill(0xff) };
  assert.equal(uuidV7(1_767_312_000_000, ones), new IdSource(ones).requestId(1_767_312_000_000));
});
