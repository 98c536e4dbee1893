import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MessageHeaders } from '../core/message.ts';
import { recordedHeadersOf } from './state.ts';

const headersOf = (values: Readonly<Record<string, string>>): MessageHeaders =>
  ({ get: (name: string) => (Object.hasOwn(values, name) ? values[name] : null) }) as MessageHeaders;

test('the wanted headers that the request has are kept, in the order of the configuration', () => {
  const headers = headersOf({ referer: 'b', 'user-agent': 'a', cookie: 'secret' });
  assert.deepEqual(Object.entries(recordedHeadersOf(headers, ['user-agent', 'x-a', 'referer']) ?? {}), [
    ['user-agent', 'a'],
    ['referer', 'b'],
  ]);
});

test('a request without any of them has no such headers', () => {
  assert.equal(recordedHeadersOf(headersOf({ cookie: 'secret' }), ['user-agent']), null);
});

test('a value of any length costs an exchange a bounded amount of memory', () => {
  const kept = recordedHeadersOf(headersOf({ 'user-agent': 'a'.repeat(100_000) }), ['user-agent']);
  assert.equal(kept?.['user-agent']?.length, 2048);
});
