import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CheckSpec } from '../core/upstream-spec.ts';
import type { HealthCheckResult } from '../core/health-checker.ts';
import { transcriptOf } from './check-transcript.ts';

const http = { kind: 'http', path: '/healthz' } as Exclude<CheckSpec, { kind: 'none' }>;
const tcp = { kind: 'tcp' } as Exclude<CheckSpec, { kind: 'none' }>;
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const answered = (status: number, body: string): HealthCheckResult => ({
  kind: 'answered',
  address: '127.0.0.1:3000',
  status,
  location: null,
  firstBytes: bytes(body),
});

const cases: readonly [what: string, result: HealthCheckResult, check: typeof http, transcript: object][] = [
  [
    'a response',
    answered(503, 'database is gone'),
    http,
    { request: 'GET /healthz', status: 503, body: 'database is gone' },
  ],
  ['a response whose body is not read', answered(200, ''), http, { request: 'GET /healthz', status: 200, body: null }],
  ['a connection', { kind: 'connected', address: 'a' }, tcp, { request: null, status: null, body: null }],
  [
    'no response in time',
    { kind: 'timed_out', limitMs: 1, connected: true, status: null },
    http,
    { request: 'GET /healthz', status: null, body: null },
  ],
];
for (const [what, result, check, transcript] of cases) {
  test(`the transcript of a check has ${what}`, () => assert.deepEqual(transcriptOf(result, check), transcript));
}

test('the transcript has 200 bytes of a body, and no secrets', () => {
  assert.equal(transcriptOf(answered(500, 'x'.repeat(500)), http).body?.length, 200);
  const secret = transcriptOf(answered(500, 'Authorization: Bearer abcdefghijklmnopqrstuvwxyz0123456789'), http).body;
  assert.doesNotMatch(secret ?? '', /abcdefghijklmnop/);
});
