import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { stripVTControlCharacters } from 'node:util';
import { RequestLines } from '../../src/cli/request-lines.ts';
import { plain, styleFor } from '../../src/cli/style.ts';
import type { ExchangeRecord } from '../../src/core/schemas/record.ts';
import { leanRecord } from '../../src/core/record-defaults.ts';
import { SimulatedClock } from '../../src/testing/simulated-clock.ts';
import { failedRecord, goodRecord } from '../fakes/samples.ts';
import { assertFits } from './golden.ts';

/** Lines of the log of exchanges. */
function batchOf(records: readonly ExchangeRecord[]): Uint8Array {
  return Buffer.from(records.map((record) => `${JSON.stringify(leanRecord(record))}\n`).join(''), 'latin1');
}

function begin(style = plain): { told: () => string[]; lines: RequestLines; clock: SimulatedClock } {
  const clock = new SimulatedClock(Date.UTC(2026, 0, 1, 12));
  let text = '';
  const lines = new RequestLines(clock, (more) => (text += more), style, 'npx candor explain');
  const told = (): string[] => {
    const all = text;
    text = '';
    assertFits(stripVTControlCharacters(all));
    return all.split('\n').slice(0, -1);
  };
  return { told, lines, clock };
}

const good = { ...goodRecord, status: 200, method: 'GET', path: '/there', query: null, duration_ms: 1.24 };

describe('request lines', () => {
  test('show time, status, duration and request, with the redacted query', () => {
    const { told, lines } = begin();
    lines.note(batchOf([good, { ...good, status: 404, path: '/x', query: 'token=…' }]));
    const [first = '', second = ''] = told();
    assert.match(first, /^\d\d:\d\d:\d\d 200 {3}1\.2 ms {2}GET \/there$/);
    assert.match(second, /^\d\d:\d\d:\d\d 404 {3}1\.2 ms {2}GET \/x\?token=/);
  });

  test('show the status of a gRPC call that failed behind a 200', () => {
    const { told, lines } = begin();
    lines.note(batchOf([0, 13, -1].map((grpc_status) => ({ ...good, grpc_status }))));
    const shown = told().map((line) => line.slice(line.indexOf('GET')));
    assert.deepEqual(shown, ['GET /there', 'GET /there  grpc-status 13', 'GET /there  grpc-status missing']);
  });

  const declined: readonly (readonly [Partial<ExchangeRecord>, line: RegExp])[] = [
    [{ cause: 'rate_limited', evidence: { policy: 'login' } as never }, /POST \/login {2}rate_limited \(login\)$/],
    [
      { cause: 'too_many_requests_at_once', evidence: { policy: 'a'.repeat(60) } as never },
      /POST \/login {2}too_many_requests_at_once \(a+…\)$/,
    ],
    [
      { cause: 'access_denied', evidence: { by: 'country', value: 'FR', because: 'x' } as never },
      /access_denied \(country FR\)$/,
    ],
    [
      { cause: 'access_denied', evidence: { by: 'user_agent', value: 'Bad/1.0', because: 'x' } as never },
      /access_denied \(user agent\)$/,
    ],
    [
      { cause: 'not_permitted', evidence: { lacks: 'the group admin' } as never },
      /not_permitted \(lacks the group admin\)$/,
    ],
    [{ cause: 'rate_limited' }, /POST \/login {2}rate_limited$/],
  ];
  for (const [facts, line] of declined)
    test(`name the rule by which a request was declined: ${String(line)}`, () => {
      const { told, lines } = begin();
      const refused = { ...good, method: 'POST', path: '/login', status: 429, shape: 'refused_by_gateway', ...facts };
      lines.note(batchOf([refused as ExchangeRecord]));
      assert.match(told()[0] ?? '', line);
    });

  test('show how many attempts a request had, if it had several', () => {
    const { told, lines } = begin();
    const [attempt] = failedRecord.attempts;
    assert.ok(attempt !== undefined);
    const twice = { ...failedRecord, path: '/crash', query: null, attempts: [attempt, { ...attempt, n: 2 }] };
    lines.note(batchOf([twice]));
    assert.match(told()[0] ?? '', /POST \/crash {2}response_head_timeout {2}2 attempts$/);
  });

  test('show the cause of a failure, and for the first failures of a kind the details and the command for more', () => {
    const { told, lines, clock } = begin();
    lines.note(batchOf([good, failedRecord, good]));
    const text = told().join('\n');
    assert.match(
      text,
      /504 +2\.00 s {2}POST \/api\/orders.* response_head_timeout {2}2 attempts\n {9}too slow, caused by the application: No/,
    );
    assert.match(text, new RegExp(`\\n {9}npx candor explain ${failedRecord.id}\\n`));
    lines.note(batchOf([failedRecord, failedRecord, failedRecord, failedRecord]));
    assert.equal(told().filter((line) => line.includes('npx candor explain')).length, 2);
    clock.advanceSync(10_000);
    assert.match(told().join('\n'), /and 2 more \(response_head_timeout\)[^]*explain/);
    lines.end();
    assert.equal(clock.timersLive, 0);
  });

  test('are at most twenty in a second; others are counted by status, once a second', () => {
    const { told, lines, clock } = begin();
    const many = Array.from({ length: 500 }, (_, at) => (at % 50 === 0 ? { ...good, status: 304 } : good));
    lines.note(batchOf(many));
    assert.equal(told().length, 20);
    clock.advanceSync(1000);
    assert.match(told().join('\n'), /^\S+ and 480 more requests in a second: 471 × 200, 9 × 304$/);
    for (let second = 0; second < 60; second += 1) {
      lines.note(batchOf(many));
      clock.advanceSync(1000);
    }
    const busy = told();
    assert.equal(busy.length, 60);
    assert.match(busy[30] ?? '', /^\S+ 500 requests in a second: 490 × 200, 10 × 304$/);
    clock.advanceSync(2000);
    lines.note(batchOf([good]));
    assert.equal(told().length, 1, 'once it is quiet each request has its line again');
  });

  test('print a failure in the middle of a thousand requests, and a summary at the end', () => {
    const { told, lines, clock } = begin();
    lines.note(
      batchOf([...Array.from({ length: 600 }, () => good), failedRecord, ...Array.from({ length: 400 }, () => good)]),
    );
    const text = told();
    assert.equal(text.filter((line) => line.includes('response_head_timeout')).length, 1);
    lines.end();
    assert.match(told().join('\n'), /and 981 more requests in a second: 980 × 200, 1 × 504/);
    assert.equal(clock.timersLive, 0);
  });

  test('read no more than 200 failures in a second besides, and count the others', () => {
    const { told, lines, clock } = begin();
    lines.note(batchOf(Array.from({ length: 1000 }, () => failedRecord)));
    told();
    clock.advanceSync(10_000);
    const text = told().join(' ').replaceAll(/ +/g, ' ');
    assert.match(text, /and 217 more \(response_head_timeout\)/);
    assert.match(text, /and 780 more failures of any kind in the last 10 s, too many to list; the log has them/);
    lines.end();
    assert.equal(clock.timersLive, 0);
  });

  test('count a request whose client left as unanswered, whatever statuses its attempts had', () => {
    const { told, lines, clock } = begin();
    const left = { ...good, status: null, attempts: failedRecord.attempts };
    lines.note(batchOf(Array.from({ length: 22 }, () => left)));
    assert.match(told()[0] ?? '', / {2}- +1\.2 ms/);
    clock.advanceSync(1000);
    assert.match(told().join('\n'), /2 more requests in a second: 2 × no answer/);
  });

  test('have colours only if the terminal has them, and no control characters of a path', () => {
    const { told, lines } = begin(styleFor({ isTTY: true, write: () => {} }, {}));
    lines.note(batchOf([{ ...good, path: '/a\u001b[31m\u0007b' }]));
    const [line = ''] = told();
    assert.notEqual(line, stripVTControlCharacters(line));
    assert.match(stripVTControlCharacters(line), /GET \/a ?b$/);
    assert.doesNotMatch(line, /\u001b\[31m/);
  });
});
