import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from '../../test/properties.ts';
import { failureTable } from '#failures/failure-table.ts';
import { unicodeText } from '../../test/unicode-text.ts';
import { HeadStorage } from './head-storage.ts';
import { responseLimits } from './limits.ts';
import { firstBytesOf, ResponseHeadParser } from './response-head.ts';

function newParser(): ResponseHeadParser {
  return new ResponseHeadParser(responseLimits, new HeadStorage());
}

function push(parser: ResponseHeadParser, text: string): number {
  const bytes = Buffer.from(text, 'latin1');
  return parser.push(bytes, 0, bytes.length);
}

describe('ResponseHeadParser', () => {
  it('says at the first byte that it is no HTTP, without waiting for a line', () => {
    const parser = newParser();
    push(parser, 'HTT');
    assert.equal(parser.state, 'partial');
    push(parser, 'X');
    assert.deepEqual(parser.refusal, { cause: 'response_not_http', firstBytes: '48545458', guess: 'text' });
  });

  it('keeps at most 64 of the first bytes as evidence', () => {
    const parser = newParser();
    push(parser, `x${'\xff'.repeat(200)}`);
    assert.equal(parser.refusal?.cause, 'response_not_http');
    assert.equal(firstBytesOf(Buffer.alloc(200)).length, 128);
    assert.equal(firstBytesOf(Uint8Array.of(1, 0xab)), '01ab');
    assert.equal(firstBytesOf(Buffer.from('xxSSH').subarray(2)), '535348');
  });

  it('passes over the framing of every 1xx', () => {
    const framing = 'Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n';
    for (const status of [100, 101, 103, 199]) {
      const parser = newParser();
      push(parser, `HTTP/1.1 ${status} Interim\r\n${framing}`);
      assert.deepEqual([parser.head?.framing, parser.head?.keepAlive], [{ kind: 'none' }, false]);
    }
  });

  for (const [what, bytes, status] of [
    ['a head that is refused', 'HTTP/1.1 503 No\r\nBad Name: x\r\n', 503],
    ['a head that goes on', 'HTTP/1.1 200 OK\r\nServer: x', 200],
    ['a refused 101', 'HTTP/1.1 101 Switching Protocols\r\nBad Name: x\r\n', 101],
    ['a status line that goes on', 'HTTP/1.1 200 O', 0],
    ['a refused status line', 'HTTP/1.1 099 Low\r\n', 0],
    ['an interim response that is refused', 'HTTP/1.1 103 Early Hints\r\nBad Name: x\r\n', 0],
    ['no byte', '', 0],
  ] as const)
    it(`names the final status of ${what}: ${status}`, () => {
      const parser = newParser();
      push(parser, bytes);
      assert.equal(parser.finalStatus, status);
      parser.reset();
      assert.equal(parser.finalStatus, 0);
    });

  it('keeps to the method it was told through interim responses and resets', () => {
    const parser = newParser();
    parser.expect('HEAD');
    push(parser, 'HTTP/1.1 103 Early Hints\r\n\r\n');
    assert.equal(parser.head?.status, 103);
    parser.reset();
    push(parser, 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n');
    assert.deepEqual(parser.head?.framing, { kind: 'none' });
    assert.equal(parser.head?.contentLength, 5);
    parser.reset();
    parser.expect('GET');
    push(parser, 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n');
    assert.deepEqual(parser.head?.framing, { kind: 'length', bytes: 5 });
  });

  it('empties the headers of a head that is over', () => {
    const parser = newParser();
    push(parser, 'HTTP/1.1 200 OK\r\nX-A: 1\r\n\r\n');
    const headers = parser.head?.headers;
    parser.reset();
    assert.equal(headers?.get('x-a'), null);
  });

  const timeouts: readonly (readonly [string, number | null])[] = [
    ['timeout=5', 5],
    ['max=100, Timeout=75', 75],
    ['timeout=5, timeout=9', 5],
    ['timeout=', null],
    ['timeout=-1', null],
    ['timeout=5s', null],
    ['5', null],
    ['timeout=99999999999999999999', 86_400],
  ];
  for (const [value, seconds] of timeouts) {
    it(`reads "Keep-Alive: ${value}" as ${seconds}`, () => {
      const parser = newParser();
      push(parser, `HTTP/1.1 204 No Content\r\nKeep-Alive: ${value}\r\n\r\n`);
      assert.equal(parser.head?.keepAliveTimeoutS, seconds);
    });
  }

  it('lets nothing of one message show in the next', () => {
    const plain = 'HTTP/1.1 200 OK\r\nX-A: 1\r\n\r\n';
    for (const special of [
      'Connection: close, x-a',
      'Keep-Alive: timeout=5',
      'Content-Length: 5',
      'Transfer-Encoding: chunked',
    ]) {
      push(newParser(), `HTTP/1.1 200 OK\r\n${special}\r\n\r\n`);
      const next = newParser();
      push(next, plain);
      assert.deepEqual(
        [next.head?.framing.kind, next.head?.keepAliveTimeoutS, next.head?.contentLength],
        ['until-close', null, -1],
      );
      const seen: string[] = [];
      next.head?.headers.each((name) => void seen.push(name));
      assert.deepEqual(seen, ['x-a'], special);
    }
  });

  it('shows nothing of an earlier message in its evidence', () => {
    const parser = newParser();
    push(parser, 'HTTP/1.1 200 OK\r\nA-Name-That-Is-Rather-Long: 1\r\n\r\n');
    parser.reset();
    push(parser, 'HTTP/1.1 200 OK\r\n\rx');
    assert.deepEqual(parser.refusal, { cause: 'response_header', rule: 'line-ending', name: '' });
  });

  it('never throws, and every refusal is a cause of the table', () => {
    const piece = fc.oneof(
      fc.constantFrom(
        'HTTP/1.1 ',
        '200',
        ' OK\r\n',
        'Content-Length: 1\r\n',
        'Transfer-Encoding: ',
        'chunked',
        '\r\n',
        ': ',
        ' ',
        '\0',
      ),
      unicodeText({ maxLength: 8 }),
    );
    const property = fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
      const parser = newParser();
      for (const text of pieces) push(parser, text);
      if (parser.state === 'refused') assert.ok(parser.refusal !== null && parser.refusal.cause in failureTable);
    });
    fc.assert(property, { numRuns: 500 });
  });

  it('reads a head that came before as it reads any other, for each method', () => {
    const head = fc.constantFrom(
      'HTTP/1.1 200 OK\r\nContent-Length: 3\r\nX-A: 1\r\n\r\n',
      'HTTP/1.1 200 OK\r\nContent-Length: 4\r\nX-A: 1\r\n\r\n',
      'HTTP/1.1 103 Early Hints\r\nX-A: 1\r\n\r\n',
      'HTTP/1.0 404 Where\r\nConnection: x-a\r\nX-A: 1\r\n\r\n',
      'HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n',
    );
    const method = fc.constantFrom('GET', 'GET', 'HEAD', 'PUT');
    const behind = fc.constantFrom('', 'abc');
    const property = fc.property(
      fc.array(fc.tuple(method, head, behind), { minLength: 8, maxLength: 30 }),
      (messages) => {
        const parser = newParser();
        for (const [asked, text, rest] of messages) {
          const fresh = newParser();
          for (const one of [parser, fresh]) one.expect(asked);
          assert.equal(push(parser, text + rest), push(fresh, text + rest));
          assert.deepEqual(whatIsRead(parser), whatIsRead(fresh));
          assert.equal(push(parser, text), 0);
          parser.reset();
        }
      },
    );
    fc.assert(property, { numRuns: 300 });
  });
});

/** All that can be seen of the head. */
function whatIsRead({ state, refusal, head, began }: ResponseHeadParser): unknown {
  if (head === null) return { state, refusal, began };
  const { headers, ...rest } = head;
  const seen: [string, string][] = [];
  headers.each((name, value) => void seen.push([name, value]));
  return { state, refusal, began, rest, seen, named: headers.get('x-a') };
}
