import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from '../../test/properties.ts';
import { parseList } from 'structured-headers';
import type { Disclosure } from '../core/route-spec.ts';
import { specOf, statusOf } from '#failures/failure-texts.ts';
import { evidenceSample, sampleNumbers, sampleTexts } from '#failures/evidence-sample.test-support.ts';
import { failureTable } from '#failures/failure-table.ts';
import { type Cause, fail, type Failure } from '#failures/failure.ts';
import { proxyErrors } from '#failures/proxy-error.ts';
import type { Delivery } from '#failures/shape.ts';
import { unicodeText } from '../../test/unicode-text.ts';
import { type GeneratedResponse, type GenerateFacts, generateResponse } from './generate.ts';
import { TextRedactor } from '../redact/text-redactor.ts';

const requestId = '0199a7c2-5f0e-7d1a-9c55-2f4f8a1b7c3d';
const causes = Object.keys(failureTable) as Cause[];
/** Where the client is no longer there, or has had the beginning of its answer, nothing is answered. */
const answered = causes.filter((cause) => failureTable[cause].status !== 0);

/** Text of the world that must never reach a stranger, one canary per key of the evidence. */
const evidence = {
  ...evidenceSample,
  ...Object.fromEntries(Object.keys(sampleTexts).map((key) => [key, `canary-${key}`])),
  ...Object.fromEntries(Object.keys(sampleNumbers).map((key, at) => [key, 7_770_001 + at])),
  // The operator's words for visitors, and what the response says by itself.
  ...{ message: '', retryAfterS: 7, rule: 'header-value', status: 400 },
  // A link of a page leads there.
  path: '/canary/path.sock',
  // Fields of the response, which are there for clients.
  ...{ challenge: 'Basic realm="x"', rateLimit: '"a";r=0;t=1', rateLimitPolicy: '"a";q=1;w=1' },
};
const canary = /canary|777[0-9]{4}|777[0-9] s|2 h/i;

function failureOf(cause: Cause, changes: object = {}): Failure {
  return fail(cause, 'response', { ...evidence, ...changes } as never);
}

function factsFor(failure: Failure, changes: Partial<GenerateFacts> = {}): GenerateFacts {
  return {
    failure,
    delivery: 'sent_unknown',
    application: '',
    exit: null,
    requestId,
    method: 'GET',
    accept: null,
    contentType: null,
    takesTrailersOnly: true,
    parsed: true,
    disclosure: 'public',
    redactor: new TextRedactor(),
    deployment: 'edge',
    nextHop: 'canary-hop:3000',
    receivedStatus: null,
    errorPages: {},
    wallTime: Date.UTC(2026, 10, 20, 14, 3, 22),
    ...changes,
  };
}

function textOf(response: GeneratedResponse): string {
  return new TextDecoder('utf-8', { fatal: true }).decode(response.body);
}

function headerOf(response: GeneratedResponse, name: string): string | undefined {
  const values = response.headers
    .filter(([header]) => header.toLowerCase() === name.toLowerCase())
    .map(([, value]) => value);
  assert.ok(values.length <= 1, `${name} occurs once at most`);
  return values[0];
}

const forms: readonly { readonly name: string; readonly changes: Partial<GenerateFacts>; readonly type: string }[] = [
  { name: 'problem details', changes: { accept: '*/*' }, type: 'application/problem+json' },
  {
    name: 'HTML',
    changes: { accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8' },
    type: 'text/html; charset=utf-8',
  },
  { name: 'plain text', changes: { accept: 'text/plain' }, type: 'text/plain; charset=utf-8' },
  { name: 'gRPC', changes: { method: 'POST', contentType: 'application/grpc+proto' }, type: 'application/grpc+proto' },
  {
    name: 'a custom page',
    changes: { accept: 'text/html', errorPages: { default: '<p>{{title}} {{detail}} {{visitor}}</p>' } },
    type: 'text/html; charset=utf-8',
  },
  {
    name: 'an unparsed request',
    changes: { accept: 'text/html', method: '', parsed: false, contentType: 'application/grpc' },
    type: 'application/problem+json',
  },
];
const disclosures: readonly Disclosure[] = ['public', 'operator'];
const deliveries: readonly Delivery[] = ['not_sent', 'partial', 'sent_unknown', 'refused_by_peer', 'response_started'];

/** What every answer of ours has, whatever its form. */
function assertTruthful(response: GeneratedResponse, failure: Failure): void {
  assert.equal(headerOf(response, 'X-Request-Id'), requestId);
  assert.equal(headerOf(response, 'Cache-Control'), 'no-store');
  for (const [name, value] of response.headers)
    assert.match(`${name}: ${value}`, /^[\x20-\x7e]+$/, 'a field line is visible ASCII');
  const [member, ...more] = parseList(headerOf(response, 'Proxy-Status') ?? '');
  assert.deepEqual(more, []);
  const error = String(member?.[1].get('error'));
  assert.ok(Object.hasOwn(proxyErrors, error), `${error} is registered`);
  assert.equal(error, failureTable[failure.cause].type);
  assert.equal(String(member?.[0]), 'edge');
}

describe('an answer of our own', () => {
  for (const { name, changes, type } of forms) {
    for (const disclosure of disclosures) {
      it(`has the request id, its type and no cache, for every cause, as ${name} (${disclosure})`, () => {
        for (const cause of answered) {
          const failure = failureOf(cause);
          const response = generateResponse(factsFor(failure, { ...changes, disclosure }));
          assertTruthful(response, failure);
          assert.equal(headerOf(response, 'Content-Type'), type);
          assert.equal(response.status, name === 'gRPC' ? 200 : statusOf(failure));
          assert.equal(response.contentLength, response.body.length);
          assert.notEqual(response.reason, '');
          if (type === 'application/problem+json') JSON.parse(textOf(response));
        }
      });
    }
  }

  it('never tells a stranger an address, a path or any evidence', () => {
    for (const cause of answered) {
      for (const { name, changes } of forms) {
        const exit = {
          exit: { atInstant: 1, code: 3, signal: null, outOfMemory: false, lastLine: 'canary-line' },
          beforeMs: 40,
        };
        const noneReady = failureOf('no_endpoint_ready');
        const told = { ...changes, exit, noneReady, receivedStatus: 299 };
        const response = generateResponse(factsFor(failureOf(cause), told));
        const whole = JSON.stringify(response.headers) + textOf(response);
        assert.doesNotMatch(whole.replaceAll(requestId, ''), canary, `${cause} as ${name}`);
        assert.doesNotMatch(whole, /candor\.yaml|journalctl|ss -ltnp|\b299\b/, `${cause} as ${name}`);
      }
    }
  });

  it('tells an operator the endpoint, what happened and the next step', () => {
    for (const cause of answered) {
      const response = generateResponse(factsFor(failureOf(cause), { disclosure: 'operator' }));
      const problem = JSON.parse(textOf(response));
      assert.equal(problem.endpoint, 'canary-hop:3000');
      const { nextStep } = specOf(failureOf(cause));
      assert.equal(problem.next_step, nextStep.replaceAll('REQUEST-ID', requestId), 'with the id, to be copied');
      const parameters = parseList(headerOf(response, 'Proxy-Status') ?? '')[0]?.[1];
      assert.equal(String(parameters?.get('next-hop')), 'canary-hop:3000');
      assert.ok(String(parameters?.get('details')).startsWith(`${cause}: `));
    }
  });

  it('leads an operator to the output of an application that Candor runs', () => {
    const facts = factsFor(failureOf('closed_before_response'), { disclosure: 'operator', application: 'shop' });
    const { next_step: nextStep } = JSON.parse(textOf(generateResponse(facts)));
    assert.match(nextStep, /^Read what shop printed while it had the request: `candor explain /);
    assert.ok(nextStep.includes(requestId));
  });

  it('tells an operator why no endpoint got another attempt', () => {
    const evidence = { upstream: 'shop', endpoints: 1, reason: 'failed 7 times in a row', retryAfterS: 1 };
    const noneReady = fail('no_endpoint_ready', 'route', evidence);
    const facts = factsFor(failureOf('reset_before_response'), { disclosure: 'operator', noneReady });
    const { detail } = JSON.parse(textOf(generateResponse(facts)));
    assert.ok(detail.endsWith('. The one endpoint of upstream "shop" is not ready: failed 7 times in a row.'), detail);
  });

  it('tells an operator at which of two releases it failed, and a stranger nothing of that', () => {
    const release = { name: 'r7', arm: { name: 'new', weight: 0.05 } } as const;
    const textFor = (disclosure: Disclosure, one: GenerateFacts['release'] = release): string =>
      textOf(generateResponse(factsFor(failureOf('reset_before_response'), { disclosure, release: one })));
    const { detail } = JSON.parse(textFor('operator'));
    assert.ok(detail.endsWith(' The endpoint runs release r7, the new one of two, with 5 % of the requests.'), detail);
    assert.doesNotMatch(textFor('public'), /r7/);
    assert.doesNotMatch(textFor('operator', { name: 'r7', arm: null }), /r7/);
  });

  it('names the exit of the instance to an operator', () => {
    const exit = {
      exit: { atInstant: 1, code: null, signal: 'SIGKILL', outOfMemory: false, lastLine: 'Aborted' },
      beforeMs: 40,
    };
    const problem = JSON.parse(
      textOf(generateResponse(factsFor(failureOf('reset_before_response'), { disclosure: 'operator', exit }))),
    );
    assert.ok(
      problem.detail.endsWith('The instance was killed by SIGKILL 40 ms earlier; its last line: "Aborted".'),
      problem.detail,
    );
  });

  it('tells an operator that a signal has stopped the process that does not answer, and how it goes on', () => {
    const failure = failureOf('response_head_timeout');
    const response = generateResponse(
      factsFor(failure, { application: 'shop', disclosure: 'operator', stoppedPids: [77] }),
    );
    const { detail, usual_causes: usualCauses, next_step: nextStep } = JSON.parse(textOf(response));
    assert.match(detail, / Process 77 is stopped \(state T in \/proc\/77\/stat\): .*\.$/);
    assert.deepEqual(usualCauses, []);
    assert.match(nextStep, /^Let it go on with `kill -CONT 77` if it is still stopped/);
  });

  it('has no body for HEAD, and the length that GET would have', () => {
    for (const accept of ['*/*', 'text/html', 'text/plain']) {
      const get = generateResponse(factsFor(failureOf('connect_refused'), { accept }));
      const head = generateResponse(factsFor(failureOf('connect_refused'), { accept, method: 'HEAD' }));
      assert.equal(head.body.length, 0);
      assert.equal(head.contentLength, get.contentLength);
      assert.deepEqual(head.headers, get.headers);
    }
  });

  it('says when to come back wherever that was computed', () => {
    for (const cause of ['no_endpoint_ready', 'instance_starting', 'maintenance', 'shed', 'drained'] as const) {
      assert.equal(headerOf(generateResponse(factsFor(failureOf(cause))), 'Retry-After'), '7', cause);
    }
    const refused = fail('connect_refused', 'connect', { address: '10.0.0.7:3000' });
    assert.equal(headerOf(generateResponse(factsFor(refused)), 'Retry-After'), undefined);
  });

  it('says in problem details whether the request may have been executed', () => {
    const said = deliveries.map((delivery) => {
      const problem = JSON.parse(textOf(generateResponse(factsFor(failureOf('connect_refused'), { delivery }))));
      assert.equal(problem.delivery, delivery);
      return problem.may_have_been_executed;
    });
    assert.deepEqual(said, [false, null, true, false, true]);
  });

  it('has problem details with the members of RFC 9457 and ours, in this order', () => {
    const text = textOf(generateResponse(factsFor(failureOf('instance_starting'), { delivery: 'not_sent' })));
    assert.equal(
      text,
      `{
  "type": "urn:candor:failure:instance_starting",
  "title": "The application is not ready yet",
  "status": 503,
  "detail": "The application behind this site is starting and is not ready yet. Please try again in a moment.",
  "instance": "urn:uuid:${requestId}",
  "cause": "instance_starting",
  "shape": "refused_by_gateway",
  "proxy_error": "destination_unavailable",
  "whose": "application",
  "delivery": "not_sent",
  "may_have_been_executed": false,
  "temporary": true,
  "retry_after": 7,
  "request_id": "${requestId}"
}
`,
    );
  });

  it('points to the published document where there is one', () => {
    const problem = JSON.parse(
      textOf(generateResponse(factsFor(failureOf('shed'), { docsBase: 'https://docs.example.org/failures' }))),
    );
    assert.equal(problem.type, 'https://docs.example.org/failures#shed');
  });

  it('gives the maintenance message and the broken rule to visitors, who are meant by them', () => {
    const closed = generateResponse(factsFor(failureOf('maintenance', { message: 'Back at noon.' })));
    assert.equal(JSON.parse(textOf(closed)).detail, 'Back at noon.');
    const refused = generateResponse(
      factsFor(failureOf('request_refused', { rule: 'target-too-long' }), { parsed: false }),
    );
    assert.equal(refused.status, 414);
    assert.match(JSON.parse(textOf(refused)).detail, /longer than the limit \(RFC 9112 §3\)/);
    assert.equal(parseList(headerOf(refused, 'Proxy-Status') ?? '')[0]?.[1].get('status-code'), 414);
  });
});

describe('a gRPC answer', () => {
  const statuses: readonly [cause: Cause, grpcStatus: string][] = [
    ['connect_refused', '14'],
    ['no_endpoint_ready', '14'],
    ['response_head_timeout', '4'],
    ['no_route', '12'],
    ['gateway_fault', '13'],
  ];
  for (const [cause, grpcStatus] of statuses) {
    it(`is 200 with grpc-status ${grpcStatus} for ${cause}, and nothing else`, () => {
      const response = generateResponse(
        factsFor(failureOf(cause), { method: 'POST', contentType: 'application/grpc' }),
      );
      assert.equal(response.status, 200);
      assert.equal(response.grpcStatus, Number(grpcStatus));
      assert.equal(response.body.length, 0);
      assert.equal(headerOf(response, 'Grpc-Status'), grpcStatus);
    });
  }

  it('is for a client that can read it: any other gets the failure as everybody does', () => {
    const facts = { method: 'POST', contentType: 'application/grpc', takesTrailersOnly: false };
    const response = generateResponse(factsFor(failureOf('connect_refused'), facts));
    assert.deepEqual([response.status, response.grpcStatus], [502, null]);
    assert.equal(headerOf(response, 'Content-Type'), 'application/problem+json');
    assert.equal(headerOf(response, 'Grpc-Status'), undefined);
  });

  it('encodes its message so that any text may be in it', () => {
    fc.assert(
      fc.property(unicodeText(), (host) => {
        const failure = failureOf('no_route', { host });
        const response = generateResponse(
          factsFor(failure, { contentType: 'application/grpc', disclosure: 'operator' }),
        );
        const message = headerOf(response, 'Grpc-Message') ?? '';
        assert.match(message, /^(?:[\x20-\x24\x26-\x7e]|%[0-9A-F]{2})*$/);
        assert.doesNotThrow(() => decodeURIComponent(message));
      }),
      { numRuns: 50 },
    );
  });

  it('tells a client when to come back', () => {
    const response = generateResponse(factsFor(failureOf('shed'), { contentType: 'application/grpc' }));
    assert.equal(headerOf(response, 'Grpc-Retry-Pushback-Ms'), '7000');
  });
});

describe('hostile text', () => {
  const hostile = '"><script>alert(1)</script>\r\nSet-Cookie: a=b{{status}}`\u0000é';

  it('never becomes markup, a header line or a placeholder', () => {
    for (const accept of ['text/html', '*/*', 'text/plain']) {
      for (const errorPages of [{}, { '404': '<p title="{{title}}">{{ detail }} {{request_id}}</p>' }]) {
        const failure = failureOf('no_route', { host: hostile, path: hostile });
        const facts = factsFor(failure, {
          accept,
          errorPages,
          requestId: hostile,
          method: hostile,
          nextHop: hostile,
          disclosure: 'operator',
        });
        const response = generateResponse(facts);
        for (const [, value] of response.headers) assert.match(value, /^[\x20-\x7e]*$/);
        parseList(headerOf(response, 'Proxy-Status') ?? '');
        if (accept !== 'text/html') continue;
        assert.doesNotMatch(textOf(response), /<script|\u0000|onerror/);
        assert.match(textOf(response), /&lt;script&gt;/);
        assert.match(textOf(response), /\{\{status\}\}/, 'a value is not expanded again');
      }
    }
  });

  it('never makes generating throw, whatever it is', () => {
    const anything = unicodeText({ maxLength: 60 });
    fc.assert(
      fc.property(
        anything,
        anything,
        anything,
        anything,
        fc.constantFrom(...answered),
        (id, method, accept, text, cause) => {
          const failure = failureOf(cause, { host: text, path: text, address: text, name: text, message: text });
          const response = generateResponse(
            factsFor(failure, { requestId: id, method, accept, disclosure: 'operator', nextHop: text }),
          );
          for (const [, value] of response.headers) assert.match(value, /^[\x20-\x7e]*$/);
        },
      ),
      { numRuns: 200 },
    );
  });
});

describe('operators are not shown secrets either', () => {
  const garbage = Buffer.from('ERR Authorization: Bearer CANARY\r\npassword=CANARY').toString('hex');
  const failures: readonly Failure[] = [
    fail('response_not_http', 'response', { address: '10.0.0.7:3000', firstBytes: garbage, guess: 'text' }),
    fail('no_route', 'route', { host: 'example.org', path: '/reset?CANARY&code=CANARY' }),
    fail('no_route', 'route', { host: 'example.org', path: '/to/http://anna:CANARY@example.org/' }),
    fail('loop_detected', 'route', {
      name: 'Via',
      value: '1.1 edge (token=CANARY)',
      route: 'shop',
      passage: 2,
      limit: 4,
    }),
  ];
  const exit = {
    exit: {
      code: 1,
      signal: null,
      outOfMemory: false,
      lastLine: 'no route to redis://:CANARY@cache',
      atInstant: 1,
    },
    beforeMs: 20,
  };
  const reason = '10.0.0.7:3000: exited with code 1; last line: "password=CANARY"';
  const noneReady = fail('no_endpoint_ready', 'route', { upstream: 'shop', endpoints: 1, reason, retryAfterS: 1 });
  for (const failure of failures)
    for (const accept of ['text/html', 'application/json', 'text/plain'])
      for (const contentType of [null, 'application/grpc'])
        it(`${failure.cause} ${accept} ${contentType ?? ''}`, () => {
          const changes = { exit, noneReady, accept, contentType, disclosure: 'operator' as const };
          const response = generateResponse(factsFor(failure, changes));
          const hexadecimal = Buffer.from('CANARY').toString('hex');
          const all = `${response.headers.join('\n')}\n${textOf(response)}`;
          assert.doesNotMatch(all, new RegExp(`CANARY|${hexadecimal}`));
        });
});
