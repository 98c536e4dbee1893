import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Fields } from '../core/message.ts';
import { recordedHeadersOf } from './recorded-headers.ts';

const fieldsOf = (values: Readonly<Record<string, string>>): Fields =>
  ({ get: (name: string) => (Object.hasOwn(values, name) ? values[name] : null) }) as Fields;

test('the wanted headers that the request has are kept, in the order of the configuration', () => {
  const fields = fieldsOf({ referer: 'b', 'user-agent': 'a', cookie: 'secret' });
  assert.deepEqual(Object.entries(recordedHeadersOf(fields, ['user-agent', 'x-a', 'referer']) ?? {}), [
    ['user-agent', 'a'],
    ['referer', 'b'],
  ]);
});

test('a request without any of them has no such headers', () => {
  assert.equal(recordedHeadersOf(fieldsOf({ cookie: 'secret' }), ['user-agent']), null);
});

test('a value of any length costs an exchange a bounded amount of memory', () => {
  const kept = recordedHeadersOf(fieldsOf({ 'user-agent': 'a'.repeat(100_000) }), ['user-agent']);
  assert.equal(kept?.['user-agent']?.length, 2048);
});
