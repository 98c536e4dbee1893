import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { requestRules } from '#failures/rules.ts';
import { headerOf, type RawClient, type RawResponse } from '../../src/testing/testing.ts';
import { responseLimits } from '../../src/wire/limits.ts';
import { type ConformanceCase, loadCases } from '../conformance/load-cases.ts';
import { ok, RawOrigin, type RawRequest } from './raw-origin.ts';
import { timeoutMs, requestText, responseOn, startFromYaml, type YamlGateway } from './start-from-yaml.ts';
import { requestLimits } from '../../src/wire/request-limits.test-support.ts';

// Runs the cases of test/conformance, which specify the parsers, against the whole gateway: the same bytes on real sockets must
// get the same verdict, as far as it can be seen from outside.

let origin: RawOrigin;
let edge: YamlGateway;

before(async () => {
  origin = await RawOrigin.start();
  edge = await startFromYaml(`
disclosure: operator
listeners: { http: { bind: "127.0.0.1:0", http2: false } }
upstreams:
  app:
    endpoints: "${origin.address}"
    check: none
    attempts: 1
    response_head_max: ${responseLimits.headBytesMax}B
client:
  head_max: ${requestLimits.headBytesMax}B
  headers_max: ${requestLimits.headersMax}
  target_max: ${requestLimits.targetBytesMax}B
`);
});
after(() => edge.stop());
after(() => origin.close());
beforeEach(() => origin.forget());

const cases = loadCases();

/** The lines of a verdict that describe messages, each with its line of headers. */
interface Expected {
  readonly parts: readonly string[];
  readonly headers: readonly string[] | null;
}

function expectedOf({ verdict }: ConformanceCase): Expected[] {
  const messages: { parts: string[]; headers: string[] | null }[] = [];
  for (const line of verdict) {
    const [first, ...parts] = line.split(' · ');
    const last = messages.at(-1);
    if (first === 'fields' && last !== undefined) last.headers = parts.filter((part) => part !== '');
    else messages.push({ parts: [first ?? '', ...parts], headers: null });
  }
  return messages;
}

/** The rest of the line that begins like this; null if there is none. */
function said({ parts }: Expected, beginning: string): string | null {
  return parts.find((part) => part.startsWith(beginning))?.slice(beginning.length) ?? null;
}

describe('bytes of a client', () => {
  for (const one of cases.filter(({ kind }) => kind === 'request')) {
    test(one.name, async () => {
      const client = edge.connect();
      try {
        client.write(one.bytes);
        await checkRequests(client, expectedOf(one), one.bytes);
      } finally {
        client.close();
      }
    });
  }
});

async function checkRequests(client: RawClient, expected: readonly Expected[], bytes: Buffer): Promise<void> {
  let reached = 0;
  for (const message of expected) {
    const [verdict = ''] = message.parts;
    if (verdict === 'accepted') {
      const response = await responseOn(client, methodOf(message, bytes));
      assert.equal(response.status, 200);
      checkForwarded(message, origin.requests[reached]);
      reached++;
    } else if (verdict === 'partial') {
      client.finish();
      await ended(client);
      assert.doesNotMatch(
        client.bytes.toString('latin1'),
        /^HTTP\/1\.1 2/,
        'an incomplete request gets no answer as if it were complete',
      );
    } else {
      const response = await responseOn(client);
      assert.equal(String(response.status), verdict);
      assert.equal(headerOf(response, 'connection'), 'close');
      assert.match(headerOf(response, 'proxy-status') ?? '', new RegExp(`;error=${message.parts[1]}`));
      assert.match(headerOf(response, 'content-type') ?? '', /problem\+json/);
      const { reason } = requestRules[message.parts[2] as keyof typeof requestRules];
      const { detail } = JSON.parse(response.body.toString()) as { detail: string };
      assert.ok(detail.includes(reason), `${detail} (${reason})`);
      await ended(client);
      assert.equal(client.bytes.length, 0, 'nothing follows the refusal');
    }
  }
  assert.equal(origin.requests.length, reached, 'the endpoint has received as many requests');
}

async function ended(client: RawClient): Promise<void> {
  assert.ok(await client.waitFor(() => client.state !== 'open', timeoutMs), 'the connection is closed');
}

function methodOf({ parts }: Expected, bytes: Buffer): string {
  const line = parts.find((part) => /^[!-~]+ (?:\/|\*)/.test(part) && !part.startsWith('host '));
  return line?.split(' ')[0] ?? /^\s*(\S+) /.exec(bytes.toString('latin1', 0, 64))?.[1] ?? 'GET';
}

/** Headers that the gateway writes itself. forwarding.test.ts tests what happens to those of a client. */
const ownOfRequests =
  /^(?:host|via|cdn-loop|forwarded|x-forwarded-.*|x-real-ip|x-request-id|traceparent|tracestate|expect|te|connection|upgrade|content-length|transfer-encoding)$/;
const ownOfResponses = /^(?:date|x-request-id|proxy-status|connection|content-length|transfer-encoding)$/;

function checkForwarded(message: Expected, seen: RawRequest | undefined): void {
  assert.ok(seen !== undefined, 'the request has reached the endpoint');
  const line = message.parts.find((part) => /^[!-~]+ (?:\/|\*)/.test(part));
  if (line !== undefined) assert.equal(seen.line, `${line} HTTP/1.1`);
  const host = said(message, 'host ');
  if (host !== null) assert.deepEqual(named(seen.headers, 'host'), [host]);
  const body = said(message, 'content ');
  if (body !== null) assert.equal(seen.body.toString('latin1'), JSON.parse(body));
  const length = said(message, 'length ');
  if (length !== null) assert.deepEqual(named(seen.headers, 'content-length'), [length]);
  if (message.parts.includes('chunked')) {
    // All of it has come, so that the endpoint gets its length, unless trailers, or the protocol behind the body, need the coding.
    const isCoded = said(message, 'trailers ') !== null || said(message, 'upgrade ') !== null;
    assert.deepEqual(named(seen.headers, 'transfer-encoding'), isCoded ? ['chunked'] : []);
    assert.deepEqual(named(seen.headers, 'content-length'), isCoded ? [] : [String(seen.body.length)]);
  }
  if (message.headers !== null) checkHeaders(message.headers, seen.headers, ownOfRequests);
}

type HeaderLines = readonly (readonly [name: string, value: string])[];

function named(headers: HeaderLines, name: string): string[] {
  return headers.filter(([n]) => n.toLowerCase() === name).map(([, value]) => value);
}

/** Besides the gateway's own headers, exactly these were forwarded, in this order. */
function checkHeaders(expected: readonly string[], actual: HeaderLines, own: RegExp): void {
  const lines = actual.map(([name, value]) => `${name.toLowerCase()}: ${value}`);
  const theirs = (line: string): boolean => !own.test(line.slice(0, line.indexOf(':')));
  assert.deepEqual(lines.filter(theirs), expected.filter(theirs));
}

describe('bytes of an endpoint', () => {
  for (const one of cases.filter(({ kind }) => kind === 'response')) {
    const expected = expectedOf(one);
    if (!isSeenThroughGateway(one.method, expected)) continue;
    test(one.name, async () => {
      const endsAfter = expected.some(({ parts }) => parts[0] === 'partial' || parts.includes('until-close'));
      origin.answer = () => (socket) => {
        if (endsAfter) socket.end(one.bytes);
        else socket.write(one.bytes);
      };
      const client = edge.connect();
      client.write(requestText(one.method, '/', ['Accept: application/json']));
      try {
        await checkResponse(client, one.method, expected);
        await checkNext();
      } finally {
        client.close();
        origin.answer = () => ok('ok');
      }
    });
  }
});

/**
 * The gateway refuses a CONNECT before it connects to an endpoint, and the exchange judges a 101 that no client asked for. The
 * parser's verdict on these cases is not visible here.
 */
function isSeenThroughGateway(method: string, expected: readonly Expected[]): boolean {
  return method !== 'CONNECT' && !expected.some(({ parts }) => parts[1] === '101');
}

async function checkResponse(client: RawClient, method: string, expected: readonly Expected[]): Promise<void> {
  const interim = expected.filter(({ parts }) => parts[0] === 'accepted' && Number(parts[1]) < 200);
  const [final] = expected.filter((message) => !interim.includes(message));
  const { response, state } = await client.response(method, timeoutMs);
  assert.ok(response !== null, `a response has come; the connection is ${state}`);
  const passed = interim.map(({ parts }) => Number(parts[1]));
  assert.deepEqual(response.interim, passed, 'interim responses are forwarded');
  const [verdict = 'partial'] = final?.parts ?? [];
  if (verdict === 'accepted' && final !== undefined) return checkAccepted(final, response);
  if (response.status === 502) return checkRefused(response, final);
  // The head was forwarded before its body turned out wrong: the client must see that the response is incomplete.
  assert.equal(response.complete, false, 'a broken or truncated response is never completed');
  await ended(client);
  if (final !== undefined && verdict !== 'partial') assert.equal(final.parts[2], 'response_chunk');
}

function checkAccepted(message: Expected, response: RawResponse): void {
  assert.equal(response.complete, true);
  const status = message.parts[1] ?? '';
  if (/^[0-9]{3}$/.test(status)) assert.equal(String(response.status), status);
  const reason = message.parts.find((part) => part === 'reason' || part.startsWith('reason '));
  if (reason !== undefined) assert.equal(response.reason, reason.slice('reason '.length));
  const body = said(message, 'content ');
  if (body !== null) assert.equal(response.body.toString('latin1'), JSON.parse(body));
  const length = said(message, 'content-length ') ?? said(message, 'length ');
  if (length !== null && response.status !== 204) assert.equal(headerOf(response, 'content-length'), length);
  if (message.headers !== null) checkHeaders(message.headers, response.headers, ownOfResponses);
}

function checkRefused(response: RawResponse, message: Expected | undefined): void {
  const [status = '502', type, cause] = message?.parts ?? [];
  const said = headerOf(response, 'proxy-status') ?? '';
  if (message === undefined || status === 'partial')
    return assert.match(
      said,
      /details="(?:response_head_truncated|closed_before_response|response_body_short|response_chunked_truncated)/,
    );
  assert.equal(String(response.status), status);
  assert.match(said, new RegExp(`;error=${type};.*details="${cause}: `));
}

/** Whatever an endpoint has sent, the next request gets its own answer and none of those bytes. */
async function checkNext(): Promise<void> {
  origin.answer = () => ok('the next');
  const response = await edge.get('/next');
  assert.deepEqual([response.status, response.body.toString()], [200, 'the next']);
}
