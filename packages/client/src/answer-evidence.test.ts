import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type GenerateFacts, generateResponse } from '../../../src/exchange/generate.ts';
import { TextRedactor } from '../../../src/redact/text-redactor.ts';
import { evidenceSample } from '../../failures/src/evidence-sample.test-support.ts';
import { failureTable } from '../../failures/src/failure-table.ts';
import { shapeOf } from '../../failures/src/failure-texts.ts';
import { type Cause, fail } from '../../failures/src/failure.ts';
import { proxyErrors } from '../../failures/src/proxy-error.ts';
import { deliveries } from '../../failures/src/shape.ts';
import { shapeOfProxyError } from './answer-evidence.ts';
import type { ResponseFacts } from './response-facts.ts';
import { failureOfResponse } from './response-failure.ts';

const requestId = '0199a7c2-5f0e-7d1a-9c55-2f4f8a1b7c3d';
const read = (facts: ResponseFacts) => failureOfResponse(facts, () => null, 0);

function factsOf(status: number, headers: Readonly<Record<string, string>>, bodyStart = ''): ResponseFacts {
  return { status, header: (name) => headers[name] ?? null, bodyStart };
}

function gatewayAnswer(cause: Cause, changes: Partial<GenerateFacts> = {}): ResponseFacts {
  const evidence = { ...evidenceSample, message: '', retryAfterS: 7, rule: 'header-value', status: 400 };
  const response = generateResponse({
    failure: fail(cause, 'response', evidence as never),
    delivery: 'not_sent',
    application: '',
    exit: null,
    requestId,
    method: 'GET',
    accept: null,
    contentType: null,
    takesTrailersOnly: false,
    parsed: true,
    disclosure: 'public',
    redactor: new TextRedactor(),
    deployment: 'edge',
    nextHop: 'app:3000',
    receivedStatus: null,
    errorPages: {},
    wallTime: 0,
    ...changes,
  });
  const headers = Object.fromEntries(response.headers.map(([name, value]) => [name.toLowerCase(), value]));
  return factsOf(response.status, headers, new TextDecoder().decode(response.body));
}

const strange: readonly (readonly [what: string, members: object, expected: object])[] = [
  [
    'a delivery that is an object',
    { delivery: { not_sent: true } },
    { delivery: 'sent_unknown', mayHaveBeenExecuted: true },
  ],
  ['a delivery that nobody knows', { delivery: 'perhaps' }, { mayHaveBeenExecuted: true }],
  ['a request id that is a list', { request_id: ['a'] }, { requestId: null }],
  ['a time below 0', { retry_after: -5 }, { retryAfterMs: null }],
];
for (const [what, members, expected] of strange)
  test(`problem details with ${what} say nothing by it`, () => {
    const body = JSON.stringify({ shape: 'unreachable', cause: 'connect_refused', ...members });
    const failure = read(factsOf(503, {}, body));
    assert.deepEqual({ ...failure, ...expected }, failure);
  });

test('quotes that are not closed are read once', () => {
  for (const header of ['proxy-status', 'ratelimit']) {
    const began = performance.now();
    assert.equal(read(factsOf(502, { [header]: '"\\'.repeat(50_000) }))?.writer, 'unknown');
    assert.ok(performance.now() - began < 1000, header);
  }
});

test('each error type of RFC 9209 has the shape that the package of failures gives it', () => {
  for (const [type, { shape }] of Object.entries(proxyErrors)) assert.equal(shapeOfProxyError(type), shape, type);
  assert.equal(shapeOfProxyError('something_new'), null);
});

test('the problem details of the gateway are read for each cause and delivery', () => {
  for (const [cause, spec] of Object.entries(failureTable)) {
    if (spec.status === 0 || spec.type === null) continue;
    for (const delivery of deliveries) {
      const failure = read(gatewayAnswer(cause as Cause, { delivery }));
      const facts = `${cause} ${delivery}`;
      assert.ok(failure !== null, facts);
      assert.equal(failure.writer, 'gateway', facts);
      assert.equal(failure.gateway, 'edge', facts);
      assert.equal(failure.cause, cause, facts);
      assert.equal(failure.shape, shapeOf(fail(cause as Cause, 'response', evidenceSample as never)), facts);
      assert.equal(failure.delivery, delivery, facts);
      assert.equal(failure.mayHaveBeenExecuted, delivery !== 'not_sent' && delivery !== 'refused_by_peer', facts);
      assert.equal(failure.proxyError, spec.type, facts);
      assert.equal(failure.requestId, requestId, facts);
      assert.ok(failure.whose !== null, facts);
    }
  }
});

test('what the gateway says to readers of pages proves in Proxy-Status alone that nothing was sent, where the type does', () => {
  const cases: readonly (readonly [Cause, boolean])[] = [
    ['connect_refused', false],
    ['connect_timeout', false],
    ['dns_not_found', false],
    ['pool_full', false],
    ['tls_certificate_expired', false],
    ['closed_before_response', true],
    ['response_head_timeout', true],
    // A request that is cut at the end of a drain may have been executed.
    ['drained', true],
    ['tls_alert', true],
  ];
  for (const [cause, mayHaveBeenExecuted] of cases) {
    const failure = read(gatewayAnswer(cause, { accept: 'text/html' }));
    assert.equal(failure?.mayHaveBeenExecuted, mayHaveBeenExecuted, cause);
    assert.equal(failure.writer, 'gateway');
  }
});

interface Read {
  readonly writer: string;
  readonly gateway?: string | null;
  readonly shape?: string | null;
  readonly mayHaveBeenExecuted: boolean;
}

const answers: readonly (readonly [what: string, facts: ResponseFacts, read: Read | null])[] = [
  ['a 200', factsOf(200, {}), null],
  ['a 404 of the service', factsOf(404, {}), null],
  ['a 3xx with Retry-After', factsOf(302, { 'retry-after': '5' }), null],
  [
    'a 404 of a gateway',
    factsOf(404, { 'proxy-status': 'edge;error=destination_not_found' }),
    { writer: 'gateway', shape: 'refused_by_gateway', mayHaveBeenExecuted: false },
  ],
  ['a bare 502', factsOf(502, {}), { writer: 'unknown', shape: null, mayHaveBeenExecuted: true }],
  ['a bare 504', factsOf(504, {}), { writer: 'unknown', shape: 'too_slow', mayHaveBeenExecuted: true }],
  ['a bare 429', factsOf(429, {}), { writer: 'unknown', mayHaveBeenExecuted: true }],
  [
    'a 425, which RFC 8470 sends in place of executing',
    factsOf(425, {}),
    { writer: 'unknown', mayHaveBeenExecuted: false },
  ],
  [
    'a 503 of the service behind a gateway',
    factsOf(503, { 'proxy-status': 'edge;received-status=503' }),
    { writer: 'service', shape: 'app_error', mayHaveBeenExecuted: true },
  ],
  [
    'an error behind which a CDN stands',
    factsOf(502, { 'proxy-status': '"a, b";error=connection_refused, cdn' }),
    { writer: 'gateway', gateway: 'a, b', shape: 'unreachable', mayHaveBeenExecuted: false },
  ],
  [
    'the last of two errors',
    factsOf(502, { 'proxy-status': 'a;error=connection_refused, b;error="connection_terminated"' }),
    { writer: 'gateway', gateway: 'b', shape: 'reset', mayHaveBeenExecuted: true },
  ],
  [
    'an error that stands in quotes',
    factsOf(502, { 'proxy-status': 'edge;details="x;error=connection_refused, y"' }),
    { writer: 'unknown', mayHaveBeenExecuted: true },
  ],
  [
    'a type that is not known',
    factsOf(502, { 'proxy-status': 'edge;error=new_thing' }),
    { writer: 'gateway', shape: null, mayHaveBeenExecuted: true },
  ],
  [
    'problem details of the service',
    factsOf(503, { 'content-type': 'application/problem+json' }, '{"title":"no"}'),
    { writer: 'unknown', mayHaveBeenExecuted: true },
  ],
  [
    'problem details that are cut',
    factsOf(503, { 'content-type': 'application/problem+json' }, '{"shape":"reset","cause"'),
    { writer: 'unknown', mayHaveBeenExecuted: true },
  ],
  [
    'JSON null',
    factsOf(503, { 'content-type': 'application/json' }, 'null'),
    { writer: 'unknown', mayHaveBeenExecuted: true },
  ],
  [
    'an earlier attempt that may have been executed',
    factsOf(
      502,
      { 'content-type': 'application/problem+json' },
      '{"shape":"unreachable","cause":"connect_refused","delivery":"not_sent","may_have_been_executed":true}',
    ),
    { writer: 'gateway', mayHaveBeenExecuted: true },
  ],
  [
    'a delivery in words that are not known',
    factsOf(
      502,
      { 'content-type': 'application/problem+json' },
      '{"shape":"reset","cause":"x","delivery":"certainly"}',
    ),
    { writer: 'gateway', mayHaveBeenExecuted: true },
  ],
];

for (const [what, facts, expected] of answers) {
  test(`the failure is read from ${what}`, () => {
    const failure = read(facts);
    if (expected === null) assert.equal(failure, null);
    else assert.deepEqual({ ...failure, ...expected }, failure);
  });
}

test('signatures are asked only where nothing is written for programs', () => {
  const asked: number[] = [];
  const classify = ({ status }: ResponseFacts) => {
    asked.push(status);
    return { writer: 'gateway', gateway: 'nginx', shape: null, cause: null, whose: null, delivery: null } as const;
  };
  failureOfResponse(factsOf(502, { 'proxy-status': 'edge;error=connection_refused' }), classify, 0);
  const failure = failureOfResponse(factsOf(503, {}), classify, 0);
  assert.deepEqual(asked, [503]);
  assert.equal(failure?.gateway, 'nginx');
  assert.equal(failure.delivery, 'sent_unknown');
});
