import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ExchangeRecord } from './schemas/record.ts';
import { contextSearchOf } from './request-context.ts';

const began = Date.parse('2026-11-24T12:00:00.000Z');

for (const { what, exit, lateMs } of [
  { what: 'goes on', exit: null, lateMs: 100 },
  { what: 'has ended, and prints its last words for no other request', exit: { code: 1, before_ms: 15 }, lateMs: 500 },
])
  test(`lines of an instance that ${what} are searched until ${lateMs} ms after its attempt`, () => {
    const attempt = { endpoint: 'web/shop/1/127.0.0.1:1', address: '127.0.0.1:1', started_ms: 2, ended_ms: 40, exit };
    const record = { id: 'a', trace_id: null, at: new Date(began).toISOString(), duration_ms: 41 };
    const { visits } = contextSearchOf({ ...record, attempts: [attempt] } as unknown as ExchangeRecord);
    assert.deepEqual(
      visits.map(({ since, until, ended, exitedAt = began }) => [
        since - began,
        ended - began,
        until - ended,
        exitedAt - began,
      ]),
      [[2, 40, lateMs, exit === null ? 0 : 25]],
    );
  });
