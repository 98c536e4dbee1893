import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type Item, parseList } from 'structured-headers';
import type { ExchangeRecord } from '../../src/core/record.ts';
import { fieldOf, type RawOutcome, type RawResponse } from '../../src/testing/testing.ts';
import { type Condition, conditionsOf, exchangeMsMax, FaultRun, type Played } from './fault-run.ts';
import { type ExpectedRow, loadExpected } from './load-expected.ts';

// The fault origin behind the real gateway, over real sockets; `expected.md` says what must come of it.

const plays = loadExpected()
  .filter((row) => row.needs === null)
  .flatMap((row) => conditionsOf(row).map((condition) => ({ row, condition })));

describe('every fault has the outcome that expected.md gives it', () => {
  let run: FaultRun;
  const played: Played[] = [];

  // All are played before any is checked, since records come in batches; one that throws ends the run.
  before(async () => {
    run = await FaultRun.start();
    for (const { row, condition } of plays) played.push(await run.play(row, condition));
    await run.quiet(2 * plays.length);
  });
  after(() => run.stop());

  plays.forEach(({ row, condition }, index) => {
    test(`expected.md:${row.line} ${row.name}: ${requestText(row, condition)}`, async () => {
      const { faultId, outcome, next } = played[index]!;
      checkClient(row, faultId, outcome);
      const record = await run.gateway.findRecord(faultId);
      assert.ok(record !== null, `no record under ${faultId}`);
      checkRecord(row, record);
      const seen = run.seen(faultId);
      assert.ok(seen >= row.originSees.min && seen <= row.originSees.max, `the origin saw it ${seen} times`);
      checkAttempts(row, record, seen);
      checkUnharmed(next);
    });
  });

  test('no failure was left unclassified, and no exchange is left running', () => {
    assert.equal(run.gateway.unclassified(), 0);
    assert.equal(run.gateway.exchanges().active, 0);
    assert.ok(run.gateway.exchanges().ended >= 2 * plays.length, `${run.gateway.exchanges().ended} have ended`);
  });
});

function checkClient(row: ExpectedRow, faultId: string, outcome: RawOutcome): void {
  const { response, state } = outcome;
  assert.ok(outcome.elapsedMs <= exchangeMsMax, `it took ${Math.round(outcome.elapsedMs)} ms`);
  if (row.status === null) return assert.equal(response, null);
  assert.ok(
    response !== null,
    `no response; the connection is ${state}, received: ${JSON.stringify(outcome.octets.toString('latin1', 0, 200))}`,
  );
  assert.equal(response.status, row.status, 'status');
  assert.equal(clientSight(response), row.clientSees, 'the client sees it');
  assert.equal(response.rest.length, 0, 'nothing follows the response');
  assert.equal(fieldOf(response, 'x-request-id'), faultId, 'X-Request-Id');
  checkProxyStatus(row, response);
  if (row.end === 'generated') checkGenerated(row, response);
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
  const field = fieldOf(response, 'proxy-status');
  return field === null ? [] : (parseList(field) as Item[]);
}

function checkGenerated(row: ExpectedRow, response: RawResponse): void {
  assert.equal(fieldOf(response, 'cache-control'), 'no-store');
  if (row.request.method === 'HEAD') return assert.equal(response.content.length, 0);
  assert.equal(fieldOf(response, 'content-type'), 'application/problem+json');
  const problem = JSON.parse(response.content.toString()) as Record<string, unknown>;
  assert.equal(problem['status'], row.status);
  assert.equal(problem['delivery'], row.delivery);
  if (row.status === 503) assert.match(fieldOf(response, 'retry-after') ?? '', /^[0-9]+$/, 'Retry-After');
}

/** An answer of the origin's own stays as it was, and is marked as the origin's. */
function checkUntouched(row: ExpectedRow, response: RawResponse): void {
  assert.match(response.content.toString(), /My own backend|Back in two minutes/);
  assert.equal(fieldOf(response, 'retry-after'), row.status === 503 ? '120' : null);
  const received = proxyStatus(response).map(([, parameters]) => parameters.get('received-status'));
  assert.deepEqual(received, [row.status], 'received-status');
}

function checkRecord(row: ExpectedRow, record: ExchangeRecord): void {
  const { status, type, shape, delivery, end } = record;
  const expected = { status: row.status, type: row.error, shape: row.shape, delivery: row.delivery, end: row.end };
  assert.deepEqual({ status, type, shape, delivery, end }, expected, 'the record');
  assert.equal(record.method, row.request.method);
  if (row.shape === 'app_error') assert.equal(record.received_status, row.status);
}

/** Each attempt is recorded, with the reason why it was the last or was not. */
function checkAttempts(row: ExpectedRow, { attempts }: ExchangeRecord, seen: number): void {
  if (row.originSees.max > 0) assert.equal(attempts.length, seen, 'attempts are what the origin saw');
  for (const attempt of attempts.slice(0, -1)) assert.equal(attempt.retry, true, 'another followed');
  const last = attempts.at(-1);
  if (last === undefined) return;
  assert.equal(last.retry, false, 'none followed the last');
  const reason = lastReason(row);
  if (reason !== null) assert.equal(last.retry_reason, reason, 'why none followed the last');
}

/** As far as a row says why there was no further attempt. */
function lastReason({ request, shape, end, status }: ExpectedRow): string | null {
  if (end === 'forwarded') return 'accepted';
  if (end === 'truncated') return 'committed';
  if (end === 'abandoned' || shape === 'too_slow') return 'not_the_upstream';
  if (shape === 'reset' && status === 502 && request.contentOctets > 0) return 'not_idempotent';
  return null;
}

function checkUnharmed({ response }: { response: RawResponse | null }): void {
  assert.equal(response?.status, 200, 'the next request is answered');
  assert.match(response.content.toString(), /^<!doctype html>.*It works/, 'with its own page');
  assert.equal(response.complete, true);
}

function requestText({ request, error, status, end }: ExpectedRow, condition: Condition): string {
  return `${request.method} on a ${condition} connection is ${end}${status === null ? '' : ` as ${status}`}${error === null ? '' : ` ${error}`}`;
}
