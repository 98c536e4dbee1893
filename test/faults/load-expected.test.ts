import assert from 'node:assert/strict';
import { test } from 'node:test';
import { faults } from '../../src/testing/testing.ts';
import { type ExpectedRow, loadExpected, parseExpected, sentOf } from './load-expected.ts';

const rows = loadExpected();
const now = rows.filter((row) => row.needs === null);

/** The status that RFC 9209 §2.3 recommends, by type. 404 for an unknown destination is Candor's one departure. */
const statusOf: Readonly<Record<string, number>> = {
  dns_timeout: 504,
  dns_error: 502,
  destination_not_found: 404,
  destination_unavailable: 503,
  destination_ip_prohibited: 502,
  destination_ip_unroutable: 502,
  connection_refused: 502,
  connection_terminated: 502,
  connection_timeout: 504,
  connection_read_timeout: 504,
  connection_write_timeout: 504,
  connection_limit_reached: 503,
  tls_protocol_error: 502,
  tls_certificate_error: 502,
  tls_alert_received: 502,
  http_request_error: 429,
  http_response_incomplete: 502,
  http_response_body_size: 502,
  http_response_header_section_size: 502,
  http_response_trailer_section_size: 502,
  http_response_transfer_coding: 502,
  http_response_timeout: 504,
  http_upgrade_failed: 502,
  http_protocol_error: 502,
  proxy_internal_response: 503,
  proxy_loop_detected: 502,
};

test('there are at least 60 rows to run, each with its own case and request', () => {
  assert.ok(now.length >= 60, `${now.length}`);
  const keys = rows.map(({ name, request }) => `${name} ${JSON.stringify(request)}`);
  assert.equal(new Set(keys).size, keys.length);
});

test('every fault of the fault origin has a row', () => {
  const named = new Set(now.map((row) => row.name));
  assert.deepEqual(
    faults.map((fault) => fault.name).filter((name) => !named.has(name)),
    [],
  );
});

/** These faults close or send before they read, or refuse the TLS session that carries the request. */
const readsNothing: ReadonlySet<string> = new Set(['close-at-accept', 'talks-first', 'tls-client-certificate']);

/** The rules for every row, whatever the gateway does. */
const laws: readonly [law: string, holds: (row: ExpectedRow) => boolean][] = [
  [
    'a generated response has an error and is complete',
    (r) => r.end !== 'generated' || (r.error !== null && r.clientSees === 'complete'),
  ],
  [
    'a forwarded response has no error',
    (r) => r.end !== 'forwarded' || (r.error === null && r.clientSees === 'complete'),
  ],
  [
    'a truncated response is cut, and had begun',
    (r) => r.end !== 'truncated' || (r.clientSees === 'cut' && r.delivery === 'response_started' && r.error !== null),
  ],
  ['a client that left is sent nothing', (r) => (r.end === 'abandoned') === (r.status === null)],
  [
    'the status is the one recommended for the error',
    (r) => r.end !== 'generated' || r.name.startsWith('grpc') || r.status === statusOf[r.error ?? ''],
  ],
  ['a request that was not sent does not reach the origin', (r) => r.delivery !== 'not_sent' || r.originSees.max === 0],
  [
    'a request that was sent reaches the origin, unless the origin reads no requests',
    (r) => r.needs !== null || r.delivery === 'not_sent' || r.originSees.max > 0 || readsNothing.has(r.name),
  ],
  ['a POST never reaches the origin twice', (r) => r.request.method !== 'POST' || r.originSees.max <= 1],
  ['no request reaches the origin three times', (r) => r.originSees.max <= 2],
  [
    'a failure has a cause, and no other row has one',
    (r) => r.needs !== null || (r.cause === null) === (r.shape === 'none' || r.shape === 'app_error'),
  ],
  [
    'there are as many attempts as requests that the origin can have received',
    (r) =>
      r.attempts === null ||
      r.originSees.max === 0 ||
      r.attempts.every((one) => sentOf(one) >= r.originSees.min && sentOf(one) <= r.originSees.max),
  ],
  ['a generated row cites RFC 9209', (r) => r.end !== 'generated' || r.because.includes('RFC 9209 §2.3.')],
];

for (const [law, holds] of laws) {
  test(`in every row, ${law}`, () => {
    for (const row of rows) assert.ok(holds(row), `expected.md:${row.line} ${row.name}`);
  });
}

test('each error type belongs to one shape', () => {
  const shapesOf = new Map<string, Set<string>>();
  for (const { error, shape } of rows) {
    if (error !== null) shapesOf.set(error, (shapesOf.get(error) ?? new Set()).add(shape));
  }
  for (const [error, found] of shapesOf) assert.equal(found.size, 1, `${error}: ${[...found].join(', ')}`);
});

function rowWith(changes: Readonly<Record<string, string>>): string {
  const cells = {
    ...{ case: 'a', request: 'GET', status: '502', error: 'x', cause: 'x', shape: 'reset', delivery: 'not_sent' },
    ...{ end: 'generated', client: 'complete', sees: '0', attempts: '-', tells: '-', because: 'y' },
  };
  return `| ${Object.values({ ...cells, ...changes }).join(' | ')} |`;
}

const broken: readonly [what: string, row: string, complaint: RegExp][] = [
  ['a missing cell', '| a | GET | 502 |', /^Error: expected\.md:2: 3 cells/],
  ['unknown attempts', rowWith({ attempts: 'Once' }), /"Once" are no attempts/],
  ['a key of `tells` without a value', rowWith({ tells: 'rcode' }), /"rcode" tells nothing/],
  ['an unknown shape', rowWith({ shape: 'gone' }), /"gone" is none of/],
  ['an unknown request', rowWith({ request: 'get' }), /"get" is no request/],
  ['an unknown status', rowWith({ status: '099' }), /"099" is no status/],
  [
    'more requests at the origin than sent',
    rowWith({ sees: '1-2', attempts: 'nowhere_else' }),
    /2 seen where 1 can have been sent/,
  ],
  ['an unknown count', rowWith({ sees: 'few' }), /"few" is no count/],
];

for (const [what, row, complaint] of broken) {
  test(`${what} is rejected with its line`, () => {
    assert.throws(() => parseExpected(`## Now\n${row}`), complaint);
  });
}
