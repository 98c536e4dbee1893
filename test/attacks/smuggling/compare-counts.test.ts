import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AttemptRecord } from '../../../src/core/schemas/record.ts';
import { compareCounts, type CountedExchange } from './compare-counts.ts';
import type { SeenRequest } from './origins.ts';

function exchange(id: string, over: Partial<CountedExchange> = {}): CountedExchange {
  const attempt = { local_port: 5000 } as AttemptRecord;
  const usual = { upstream: 'app', method: 'GET', path: '/a', attempts: [attempt], end: 'forwarded' as const };
  return { id, ...usual, received_status: 200, ...over };
}

function seen(id: string, over: Partial<SeenRequest> = {}): SeenRequest {
  return { id, method: 'GET', target: '/a', status: 200, port: 5000, ...over };
}

const noRequest = { method: '', target: '', status: 400 };

const table: readonly (readonly [
  what: string,
  records: readonly CountedExchange[],
  seen: readonly SeenRequest[],
  finding: RegExp | null,
])[] = [
  ['a request that was sent and seen once', [exchange('1')], [seen('1')], null],
  ['a query that the record leaves out', [exchange('1')], [seen('1', { target: '/a?b' })], null],
  ['a request that no exchange sent', [exchange('1')], [seen('1'), seen('2')], /no exchange sent it/],
  ['a request without a name', [exchange('1')], [seen('1'), seen('', { target: '/hidden' })], /no exchange sent it/],
  ['one exchange, seen twice', [exchange('1')], [seen('1'), seen('1')], /was sent 1 times, seen 2/],
  ['a request that the origin has not seen', [exchange('1')], [], /has not counted it/],
  ['another target', [exchange('1')], [seen('1', { target: '/b' })], /GET \/a reached the origin as GET \/b/],
  ['another connection', [exchange('1')], [seen('1', { port: 5001 })], /a connection that its exchange had not/],
  [
    'a request that the gateway refused',
    [exchange('1', { upstream: null, attempts: [] })],
    [seen('1')],
    /went nowhere/,
  ],
  ['two records of one exchange', [exchange('1'), exchange('1')], [seen('1')], /recorded twice/],
  ['a refusal before a head was read', [exchange('1', { received_status: 400 })], [seen('', noRequest)], null],
  ['such a refusal that no client got', [exchange('1')], [seen('1'), seen('', noRequest)], /an invalid request/],
  [
    'such a refusal on another connection',
    [exchange('1', { received_status: 400 })],
    [seen('', { ...noRequest, port: 5001 })],
    /an invalid request/,
  ],
  [
    'such a refusal behind a request that is its exchange',
    [exchange('1', { received_status: 400 })],
    [seen('', noRequest), seen('1', { status: 400 })],
    /an invalid request/,
  ],
];

for (const [what, records, requests, finding] of table) {
  test(`an account with ${what} is ${finding === null ? 'right' : 'wrong'}`, () => {
    const findings = compareCounts(records, requests).join('\n');
    if (finding === null) assert.equal(findings, '');
    else assert.match(findings, finding);
  });
}
