import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from '../../test/properties.ts';
import { expandedRecord, leanRecord } from './record-defaults.ts';
import type { ExchangeRecord } from './schemas/record.ts';

const text = fc.oneof(fc.constantFrom('', 'shop', 'GET', 'HTTP/1.1', 'a/shop/127.0.0.1:3000'), fc.string());
const name = fc.option(fc.constantFrom('', 'shop', 'other'));
const number = fc.oneof(fc.constantFrom(0, 1, 200, 502), fc.double({ noNaN: true, noDefaultInfinity: true, min: 0 }));
const ms = fc.option(number);

const attempt = fc.record(
  {
    ...{ endpoint: text, address: text, state: fc.constantFrom('healthy', 'ejected') },
    ...{
      address_stale: fc.constant(true),
      protocol: fc.constant('HTTP/2'),
      reused: fc.boolean(),
      idle_ms: ms,
      local_port: ms,
      started_ms: number,
    },
    ...{ queued_ms: number, dns_ms: ms, connected_ms: ms, tls_ms: ms, sent_ms: ms, head_ms: ms, ended_ms: number },
    ...{ status: ms, cause: name, stage: name, evidence: fc.constantFrom(null, { errno: 'ECONNRESET' }) },
    ...{ exit: fc.constantFrom(null, { code: 1 }), retry: fc.boolean() },
    retry_reason: fc.constantFrom('accepted', 'idempotent'),
    release: text,
    surplus_bytes: number,
    bytes_to_endpoint: number,
    bytes_from_endpoint: number,
  },
  { noNullPrototype: true },
);

const records = fc.record(
  {
    ...{
      v: fc.constant(3),
      kind: fc.constantFrom('exchange', 'tunnel'),
      id: text,
      trace_id: fc.option(text),
      at: text,
    },
    ...{ process: fc.option(text), deployment: name, member: name, process_started_at: name, worker: number },
    ...{ revision: number, route: name, upstream: name, application: name },
    client: fc.record({ address: text, port: number, peer: text, protocol: text }, { noNullPrototype: true }),
    tls: fc.constantFrom(null, { version: 'TLSv1.3', sni: null, cipher: null }),
    ...{ method: text, scheme: fc.constantFrom('http', 'https'), host: text, path: text, query: fc.option(text) },
    ...{
      headers: fc.constant({ referer: 'x' }),
      filter_ms: number,
      body_ms: number,
      release: text,
      arm: fc.constantFrom('old', 'new'),
      weight: number,
      attempts: fc.array(attempt, { maxLength: 3 }),
    },
    ...{ status: ms, received_status: ms, grpc_status: ms, shape: fc.constantFrom('none', 'reset'), type: name },
    ...{ cause: name, whose: name, stage: name, detail: name },
    delivery: fc.constantFrom('response_started', 'not_sent'),
    end: fc.constantFrom('forwarded', 'generated', 'truncated'),
    ...{ bytes_in: number, bytes_out: number, duration_ms: number, tunnel: fc.constant({ how: 'closed' }) },
  },
  { noNullPrototype: true },
);

/** Keys that a record may lack, of which a reader knows no default. */
const optional = new Set([
  'release',
  'arm',
  'weight',
  'headers',
  'filter_ms',
  'body_ms',
  'tunnel',
  'queued_ms',
  'address_stale',
  'protocol',
  'surplus_bytes',
  'bytes_to_endpoint',
  'bytes_from_endpoint',
]);

function without(fields: object, chance: () => boolean): object {
  return Object.fromEntries(Object.entries(fields).filter(([key]) => !optional.has(key) || chance()));
}

const mixed = fc.tuple(records, fc.infiniteStream(fc.boolean())).map(([record, booleans]) => {
  const chance = (): boolean => booleans.next().value as boolean;
  const attempts = record.attempts.map((one) => without(one, chance));
  return without({ ...record, attempts }, chance) as unknown as ExchangeRecord;
});

test('a record is the same after its defaults were left out and filled in again, its keys in the same order', () => {
  fc.assert(
    fc.property(mixed, (record) => {
      const line = JSON.stringify(leanRecord(record));
      assert.equal(
        JSON.stringify(expandedRecord(JSON.parse(line) as object as Record<string, unknown>)),
        JSON.stringify(record),
      );
    }),
    { numRuns: 2000 },
  );
});

test('no key that stands in a line has its default', () => {
  fc.assert(
    fc.property(mixed, (record) => {
      const lean = leanRecord(record);
      for (const key of Object.keys(lean)) {
        if (optional.has(key) || key === 'client' || key === 'attempts') continue;
        const { [key]: value, ...others } = lean;
        const filled = expandedRecord(others)[key];
        assert.ok(filled === undefined || filled !== value, key);
      }
    }),
    { numRuns: 500 },
  );
});

test('members of any kind do not make a reader throw, and unknown ones are kept', () => {
  fc.assert(
    fc.property(
      fc.dictionary(fc.constantFrom('attempts', 'client', 'tls', 'end', 'status', 'more'), fc.jsonValue()),
      (fields) => {
        const full = expandedRecord(fields);
        for (const key of Object.keys(fields)) assert.ok(key in full);
        if ('more' in fields) assert.deepEqual(full['more'], fields['more']);
      },
    ),
  );
  assert.deepEqual(expandedRecord({ attempts: [7, null] })['attempts'], [7, null]);
});
