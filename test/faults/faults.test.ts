import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as passTime } from 'node:timers/promises';
import { type Item, parseList } from 'structured-headers';
import type { ExchangeRecord } from '../../src/core/record.ts';
import { fieldOf, type RawOutcome, type RawResponse } from '../../src/testing/testing.ts';
import { type Condition, conditionsOf, exchangeMsMax, FaultRun, type Played, playMsMax } from './fault-run.ts';
import { type ExpectedRow, loadExpected, sentOf } from './load-expected.ts';

// The fault origin behind the real gateway, over real sockets; `expected.md` says what must come of it.

const plays = loadExpected()
  .filter((row) => row.needs === null && !row.whenStopping)
  .flatMap((row) => conditionsOf(row).map((condition) => ({ row, condition })));

describe('every fault has the outcome that expected.md gives it', () => {
  let run: FaultRun;
  /** An error where the play itself went wrong: its own row says so, and the others are played all the same. */
  const played: (Played | Error)[] = [];

  // All are played before any is checked, since records come in batches.
  before(async () => {
    run = await FaultRun.start();
    for (const { row, condition } of plays) {
      played.push(await bounded(run.play(row, condition), `${row.name}: ${requestText(row, condition)}`));
    }
    await run.quiet(2 * plays.length);
  });
  after(() => run?.stop()); // It may not have come to stand.

  plays.forEach(({ row, condition }, index) => {
    test(`expected.md:${row.line} ${row.name}: ${requestText(row, condition)}`, async () => {
      const outcomeOfPlay = played[index] ?? new Error('it was not played');
      if (outcomeOfPlay instanceof Error) throw outcomeOfPlay;
      const { faultId, outcome, next } = outcomeOfPlay;
      checkClient(row, faultId, outcome);
      const record = await run.findRecord(faultId);
      assert.ok(record !== null, `no record under ${faultId}`);
      checkRecord(row, record);
      const seen = run.seen(faultId);
      assert.ok(seen >= row.originSees.min && seen <= row.originSees.max, `the origin saw it ${seen} times`);
      checkAttempts(row, record, seen);
      checkTells(row, outcome, record);
      checkUnharmed(next);
    });
  });

  test('truncated responses are counted as such, and no others', () => {
    assert.equal(run.gateway.exchanges().truncated, plays.filter(({ row }) => row.end === 'truncated').length);
  });

  test('no failure was left unclassified, and no exchange is left running', () => {
    assert.equal(run.gateway.unclassified(), 0);
    assert.equal(run.gateway.exchanges().active, 0);
    assert.ok(run.gateway.exchanges().ended >= 2 * plays.length, `${run.gateway.exchanges().ended} have ended`);
  });
});

/** What is played, or an error that names it: a play that hangs must not take the others with it. */
async function bounded(play: Promise<Played>, what: string): Promise<Played | Error> {
  const limit = new AbortController();
  const tooLong = passTime(playMsMax, new Error(`it still hangs after ${playMsMax} ms: ${what}`), limit);
  try {
    return await Promise.race([play, tooLong]);
  } catch (error) {
    return new Error(`it could not be played: ${what}`, { cause: error });
  } finally {
    limit.abort();
    tooLong.catch(() => {});
  }
}

function checkClient(row: ExpectedRow, faultId: string, outcome: RawOutcome): void {
  const { response, state } = outcome;
  assert.ok(outcome.elapsedMs <= exchangeMsMax, `it took ${Math.round(outcome.elapsedMs)} ms`);
  if (row.status === null) return assert.equal(response, null);
  assert.ok(
    response !== null,
    `no response; the connection is ${state}, received: ${JSON.stringify(outcome.bytes.toString('latin1', 0, 200))}`,
  );
  assert.equal(response.status, row.status, 'status');
  assert.equal(clientSight(response), row.clientSees, 'the client sees it');
  assert.equal(response.rest.length, 0, 'nothing follows the response');
  assert.equal(fieldOf(response, 'x-request-id'), faultId, 'X-Request-Id');
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
  const field = fieldOf(response, 'proxy-status');
  return field === null ? [] : (parseList(field) as Item[]);
}

function checkGenerated(row: ExpectedRow, faultId: string, response: RawResponse): void {
  assert.equal(fieldOf(response, 'cache-control'), 'no-store');
  if (row.request.method === 'HEAD') return assert.equal(response.content.length, 0);
  assert.equal(fieldOf(response, 'content-type'), 'application/problem+json');
  const problem = JSON.parse(response.content.toString()) as Record<string, unknown>;
  assert.equal(problem['status'], row.status);
  assert.equal(problem['delivery'], row.delivery);
  assert.equal(problem['cause'], row.cause);
  assert.equal(problem['proxy_error'], row.error);
  assert.equal(problem['request_id'], faultId);
  if (row.status === 503) assert.match(fieldOf(response, 'retry-after') ?? '', /^[0-9]+$/, 'Retry-After');
}

/** An answer of the origin's own stays as it was, and is marked as the origin's. */
function checkUntouched(row: ExpectedRow, response: RawResponse): void {
  assert.match(response.content.toString(), /My own (?:backend|mistake)|Back in two minutes/);
  assert.equal(fieldOf(response, 'retry-after'), row.status === 503 ? '120' : null);
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

/** Each attempt is recorded, with the reason why it was the last or was not; the last failure is the exchange's. */
function checkAttempts(row: ExpectedRow, { attempts, cause }: ExchangeRecord, seen: number): void {
  const sent = sentOf(attempts.map(({ retry_reason }) => retry_reason));
  assert.ok(seen <= sent, `the origin saw it ${seen} times in ${sent} attempts`);
  // Where nothing is seen, nothing was sent, or nobody read it; who left may have left before it was read.
  if (row.originSees.max > 0 && row.status !== null) assert.equal(sent, seen, 'attempts are what the origin saw');
  const reasons = attempts.map(({ retry_reason }) => retry_reason).join(', ');
  const alternatives = (row.attempts ?? []).map((one) => one.join(', '));
  assert.ok(alternatives.includes(reasons), `attempts: "${reasons}", and not "${alternatives.join('" or "')}"`);
  attempts.forEach(({ retry }, index) => assert.equal(retry, index < attempts.length - 1, 'another followed'));
  const last = attempts.at(-1);
  if (last !== undefined) assert.equal(last.cause, cause, "the last attempt's failure is the exchange's");
}

/** As parameters of `Proxy-Status` where it has them, else as evidence. */
const parameterNames: ReadonlySet<string> = new Set([
  ...['rcode', 'alert-id', 'header-section-size', 'trailer-section-size', 'coding', 'received-status'],
]);

function checkTells(row: ExpectedRow, { response }: RawOutcome, { attempts }: ExchangeRecord): void {
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
    assert.equal(String(said), value, `it tells ${key}`);
  }
  // Whoever answers in another language is quoted.
  if ('first_bytes' in evidence) assert.match(String(evidence['first_bytes']), /^(?:[0-9a-f]{2}){1,64}$/);
}

function checkUnharmed({ response }: { response: RawResponse | null }): void {
  assert.equal(response?.status, 200, 'the next request is answered');
  assert.match(response.content.toString(), /^<!doctype html>.*It works/, 'with its own page');
  assert.equal(response.complete, true);
}

function requestText({ request, error, status, end }: ExpectedRow, condition: Condition): string {
  return `${request.method} on a ${condition} connection is ${end}${status === null ? '' : ` as ${status}`}${error === null ? '' : ` ${error}`}`;
}
