import assert from 'node:assert/strict';
import { type Item, parseList } from 'structured-headers';
import type { ExchangeRecord } from '../../src/core/schemas/record.ts';
import { headerOf, type RawOutcome, type RawResponse } from '../../src/testing/testing.ts';
import { type Condition, exchangeMsMax, type FaultRun, type Played } from './fault-run.ts';
import { type ExpectedRow, sentOf } from './load-expected.ts';

/** Whether a row of `expected.md` had its outcome: at the client, in the record, at the origin, and for the next client. */
export async function checkPlay(run: FaultRun, row: ExpectedRow, { faultId, outcome, next }: Played): Promise<void> {
  checkClient(row, faultId, outcome);
  const record = await run.findRecord(faultId);
  assert.ok(record !== null, `no record under ${faultId}`);
  checkRecord(row, record);
  const seen = run.seen(faultId);
  assert.ok(seen >= row.originSees.min && seen <= row.originSees.max, `the origin got ${seen} requests`);
  checkAttempts(row, record, seen);
  checkTells(row, outcome, record);
  checkUnharmed(next);
}

/** The row in words, for the name of its test. */
export function requestText({ request, error, status, end }: ExpectedRow, condition: Condition): string {
  return `${request.method} on a ${condition} connection is ${end}${status === null ? '' : ` as ${status}`}${error === null ? '' : ` ${error}`}`;
}

function checkClient(row: ExpectedRow, faultId: string, outcome: RawOutcome): void {
  const { response, state } = outcome;
  assert.ok(outcome.elapsedMs <= exchangeMsMax, `the row took ${Math.round(outcome.elapsedMs)} ms`);
  if (row.status === null) return assert.equal(response, null);
  assert.ok(
    response !== null,
    `no response; the connection is ${state}, received: ${JSON.stringify(outcome.bytes.toString('latin1', 0, 200))}`,
  );
  assert.equal(response.status, row.status, 'status');
  assert.equal(clientSight(response), row.clientSees, 'the message at the client');
  assert.equal(response.rest.length, 0, 'no bytes follow the response');
  assert.equal(headerOf(response, 'x-request-id'), faultId, 'X-Request-Id');
  checkProxyStatus(row, response);
  if (row.end === 'generated') checkGenerated(row, faultId, response);
  if (row.shape === 'app_error') checkUntouched(row, response);
}

function clientSight(response: RawResponse): string {
  return response.complete ? 'complete' : 'cut';
}

function checkProxyStatus(row: ExpectedRow, response: RawResponse): void {
  const members = proxyStatus(response);
  const errors = members.map(([, parameters]) => parameters.get('error')).filter((error) => error !== undefined);
  const expected = row.end === 'generated' ? [row.error] : [];
  assert.deepEqual(errors.map(String), expected, 'error in Proxy-Status');
  for (const [name] of members) assert.equal(String(name), 'edge.test', 'the deployment is named');
}

function proxyStatus(response: RawResponse): Item[] {
  const header = headerOf(response, 'proxy-status');
  return header === null ? [] : (parseList(header) as Item[]);
}

function checkGenerated(row: ExpectedRow, faultId: string, response: RawResponse): void {
  assert.equal(headerOf(response, 'cache-control'), 'no-store');
  if (row.request.method === 'HEAD') return assert.equal(response.body.length, 0);
  assert.equal(headerOf(response, 'content-type'), 'application/problem+json');
  const problem = JSON.parse(response.body.toString()) as Record<string, unknown>;
  assert.equal(problem['status'], row.status);
  assert.equal(problem['delivery'], row.delivery);
  assert.equal(problem['cause'], row.cause);
  assert.equal(problem['proxy_error'], row.error);
  assert.equal(problem['request_id'], faultId);
  if (row.status === 503) assert.match(headerOf(response, 'retry-after') ?? '', /^[0-9]+$/, 'Retry-After');
}

/** A status that the origin has sent is unchanged, and marked as the origin's. */
function checkUntouched(row: ExpectedRow, response: RawResponse): void {
  assert.match(response.body.toString(), /My own (?:backend|mistake)|Back in two minutes|^(?:ok\n)?$/);
  assert.equal(headerOf(response, 'retry-after'), row.status === 503 ? '120' : null);
  const received = proxyStatus(response).map(([, parameters]) => parameters.get('received-status'));
  assert.deepEqual(received, row.tells.has('received-status') ? [row.status] : [], 'received-status');
}

function checkRecord(row: ExpectedRow, record: ExchangeRecord): void {
  const { status, type, cause, shape, delivery, end } = record;
  const expected = {
    ...{ status: row.status, type: row.error, cause: row.cause },
    ...{ shape: row.shape, delivery: row.delivery, end: row.end },
  };
  assert.deepEqual({ status, type, cause, shape, delivery, end }, expected, 'the record');
  assert.equal(record.method, row.request.method);
  if (row.shape === 'app_error') assert.equal(record.received_status, row.status);
}

/** Each attempt is recorded, with the reason for or against another one; the last failure is that of the exchange. */
function checkAttempts(row: ExpectedRow, { attempts, cause }: ExchangeRecord, seen: number): void {
  const sent = sentOf(attempts.map(({ retry_reason }) => retry_reason));
  assert.ok(seen <= sent, `the origin got ${seen} requests in ${sent} attempts`);
  // The origin may see fewer requests if it read none, or if the client left before the origin had read it.
  if (row.originSees.max > 0 && row.status !== null)
    assert.equal(sent, seen, 'the attempts are the requests at the origin');
  const reasons = attempts.map(({ retry_reason }) => retry_reason).join(', ');
  const alternatives = (row.attempts ?? []).map((one) => one.join(', '));
  assert.ok(alternatives.includes(reasons), `attempts: "${reasons}", and not "${alternatives.join('" or "')}"`);
  attempts.forEach(({ retry }, index) => assert.equal(retry, index < attempts.length - 1, 'another followed'));
  const last = attempts.at(-1);
  if (last !== undefined) assert.equal(last.cause, cause, 'the last attempt has the failure of the exchange');
}

/** As parameters of `Proxy-Status` if that has them, otherwise as evidence. */
const parameterNames: ReadonlySet<string> = new Set([
  ...['rcode', 'alert-id', 'header-section-size', 'trailer-section-size', 'body-size', 'coding', 'received-status'],
]);

function checkTells(row: ExpectedRow, { response }: RawOutcome, { attempts, cause, client }: ExchangeRecord): void {
  // RFC 9113 §5.4.2: who leaves a stream ends it with RST_STREAM, and the connection stays.
  const isCancelled = cause === 'client_gone' && client.protocol === 'HTTP/2';
  const last = attempts.at(-1);
  const evidence: Readonly<Record<string, unknown>> = {
    address_stale: last?.address_stale === true,
    ...last?.evidence,
  };
  const [member] = response === null ? [] : proxyStatus(response);
  for (const [key, value] of row.tells) {
    const said =
      key === 'interim'
        ? [...new Set(response?.interim)].join('+') || 'none'
        : parameterNames.has(key)
          ? member?.[1].get(key)
          : evidence[key];
    const expected = key === 'how' && isCancelled ? 'cancelled' : value;
    assert.equal(String(said), expected, `the response or record has ${key}`);
  }
  // Bytes of another protocol are quoted.
  if ('first_bytes' in evidence) assert.match(String(evidence['first_bytes']), /^(?:[0-9a-f]{2}){1,64}$/);
}

function checkUnharmed({ response }: { response: RawResponse | null }): void {
  assert.equal(response?.status, 200, 'the next request is answered');
  assert.match(response.body.toString(), /^<!doctype html>.*It works/, 'with its own page');
  assert.equal(response.complete, true);
}
