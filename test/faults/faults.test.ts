import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { type Item, parseList } from 'structured-headers';
import type { ExchangeRecord } from '../../src/core/record.ts';
import { fieldOf, type RawResponse } from '../../src/testing/testing.ts';
import { exchangeMsMax, FaultRun, type Played } from './fault-run.ts';
import { type ExpectedRow, loadExpected } from './load-expected.ts';

// The fault origin behind the real gateway, over real sockets; `expected.md` says what must come of it.

const rows = loadExpected().filter((row) => row.needs === null);
const skip = existsSync(new URL('../../src/gateway/gateway.ts', import.meta.url)) ? false : 'there is no gateway to run yet';

describe('every fault has the outcome that expected.md gives it', { skip }, () => {
  let run: FaultRun;
  before(async () => {
    run = await FaultRun.start();
  });
  after(() => run.stop());

  for (const row of rows) {
    test(`expected.md:${row.line} ${row.name}: ${requestText(row)}`, async () => {
      const played = await run.play(row);
      checkClient(row, played);
      const record = await run.record(played.faultId);
      assert.ok(record !== null, `no record under ${played.faultId}`);
      checkRecord(row, record);
      const seen = run.origin.count(played.faultId);
      assert.ok(seen >= row.originSees.min && seen <= row.originSees.max, `the origin saw it ${seen} times`);
      checkUnharmed(await run.ask());
    });
  }

  test('nothing was left unclassified, every exchange has ended', async () => {
    assert.equal(run.gateway.unclassified(), 0);
    assert.equal(run.gateway.exchanges().active, 0);
    assert.ok(run.gateway.exchanges().ended >= 2 * rows.length);
  });
});

function checkClient(row: ExpectedRow, { faultId, outcome }: Played): void {
  const { response, state } = outcome;
  assert.ok(outcome.elapsedMs <= exchangeMsMax, `it took ${Math.round(outcome.elapsedMs)} ms`);
  if (row.status === null) return assert.equal(response, null);
  assert.ok(response !== null, `no response; the connection is ${state}, received: ${JSON.stringify(outcome.octets.toString('latin1', 0, 200))}`);
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

function checkUnharmed({ response }: { response: RawResponse | null }): void {
  assert.equal(response?.status, 200, 'the next request is answered');
  assert.match(response.content.toString(), /^<!doctype html>.*It works/, 'with its own page');
  assert.equal(response.complete, true);
}

function requestText({ request, error, status, end }: ExpectedRow): string {
  const how = request.reusedAfterMs === null ? '' : ' on a used connection';
  return `${request.method}${how} is ${end}${status === null ? '' : ` as ${status}`}${error === null ? '' : ` ${error}`}`;
}
