import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from '../../test/properties.ts';
import { headerFilter } from '../core/header-names.ts';
import type { HeaderSink } from '../core/message.ts';
import { requestRules } from '#failures/rules.ts';
import { unicodeText } from '../../test/unicode-text.ts';
import { HeadStorage } from './head-storage.ts';
import { RequestHeadParser } from './request-head.ts';
import { requestLimits } from './request-limits.test-support.ts';

const get = 'GET /a?b=c HTTP/1.1\r\nHost: example.org\r\nX-A: 1\r\n\r\n';

function newParser(storage = new HeadStorage()): RequestHeadParser {
  return new RequestHeadParser(requestLimits, storage);
}

function push(parser: RequestHeadParser, text: string): number {
  const bytes = Buffer.from(text, 'latin1');
  return parser.push(bytes, 0, bytes.length);
}

describe('RequestHeadParser', () => {
  it('uses up the head and nothing behind it', () => {
    const parser = newParser();
    assert.equal(push(parser, `${get}rest`), get.length);
    assert.equal(parser.state, 'complete');
  });

  it('reads only from start to end', () => {
    const parser = newParser();
    const bytes = Buffer.from(`xx${get}yy`);
    assert.equal(parser.push(bytes, 2, bytes.length - 2), get.length);
    assert.equal(parser.head?.target, '/a?b=c');
  });

  it('uses up nothing once it is complete or refused', () => {
    const parser = newParser();
    push(parser, get);
    assert.equal(push(parser, get), 0);
    parser.reset();
    push(parser, 'GET\n');
    assert.equal(parser.state, 'refused');
    assert.equal(push(parser, get), 0);
  });

  it('says whether a head has begun, and how much of it is held', () => {
    const parser = newParser();
    push(parser, '\r\n\r');
    assert.equal(parser.began, false);
    push(parser, '\nGE');
    assert.equal(parser.began, true);
    assert.equal(parser.bytesHeld, 2);
    parser.reset();
    assert.equal(parser.began, false);
    assert.equal(parser.bytesHeld, 0);
  });

  it('tells method and target of a head that is not whole, or refused', () => {
    const parser = newParser();
    push(parser, 'DELETE /x?y');
    assert.deepEqual([parser.methodIfRead, parser.targetIfRead], ['DELETE', '']);
    push(parser, '=1 HT');
    assert.deepEqual([parser.methodIfRead, parser.targetIfRead], ['DELETE', '/x?y=1']);
    push(parser, 'XX');
    assert.equal(parser.refusal?.rule, 'version-syntax');
    assert.deepEqual([parser.methodIfRead, parser.targetIfRead], ['DELETE', '/x?y=1']);
    parser.reset();
    assert.deepEqual([parser.methodIfRead, parser.targetIfRead], ['', '']);
  });

  it('holds no block between requests, and gives the one it had back', () => {
    const storage = new HeadStorage();
    const parser = newParser(storage);
    const other = get.replace('X-A', 'X-Block');
    push(parser, '\r\n');
    push(parser, other);
    assert.equal(storage.keptBlocks, 0);
    parser.reset();
    assert.equal(storage.keptBlocks, 1);
    push(parser, other);
    assert.equal(storage.keptBlocks, 0);
  });

  it('empties the headers of a head that is over, so that no other message shows through', () => {
    const parser = newParser();
    parser.reset(); // Else it may recognise the head, whose headers stay as they are then.
    push(parser, get);
    const headers = parser.head?.headers;
    assert.equal(headers?.get('x-a'), '1');
    parser.reset();
    push(parser, get.replace('X-A: 1', 'X-A: 2'));
    assert.equal(headers?.get('x-a'), null);
    headers?.each(() => assert.fail('a field of another message'));
    assert.equal(parser.head?.headers.get('x-a'), '2');
  });

  it('lets nothing of one message show in the next, whichever connections they came on', () => {
    const storage = new HeadStorage();
    for (const special of [
      'Connection: close, x-a',
      'Connection: upgrade\r\nUpgrade: websocket',
      'Expect: 100-continue\r\nContent-Length: 5',
      'Expect: other',
      'Transfer-Encoding: chunked',
      'Transfer-Encoding: gzip, chunked, chunked',
      'Content-Length: 5\r\nContent-Length: x',
      'Host: other',
    ]) {
      const first = newParser(storage);
      push(first, `POST /x HTTP/1.0\r\nHost: b\r\n${special}\r\n\r\n`);
      push(newParser(storage), `POST /x HTTP/1.1\r\nHost: b\r\n${special}\r\n\r\n`);
      const next = newParser(storage);
      push(next, get);
      const { head } = next;
      assert.ok(head !== null, special);
      assert.deepEqual(
        [head.authority, head.version, head.framing.kind, head.keepAlive, head.expectContinue, head.upgrade],
        ['example.org', 'HTTP/1.1', 'none', true, false, null],
      );
      const seen: string[] = [];
      head.headers.each((name) => void seen.push(name));
      assert.deepEqual(seen, ['x-a'], special);
    }
  });

  it('takes https in absolute-form where the connection is secured', () => {
    const parser = new RequestHeadParser(requestLimits, new HeadStorage(), 'https');
    push(parser, 'GET https://example.org/ HTTP/1.1\r\nHost: example.org:443\r\n\r\n');
    assert.equal(parser.head?.scheme, 'https');
    assert.equal(parser.head?.authority, 'example.org');
  });

  it('takes https in absolute-form of a trusted peer, and http where the connection is secured', () => {
    const trusted = new RequestHeadParser(requestLimits, new HeadStorage(), 'http', true);
    push(trusted, 'GET https://example.org/ HTTP/1.1\r\nHost: example.org\r\n\r\n');
    assert.deepEqual([trusted.head?.scheme, trusted.head?.authority], ['http', 'example.org']);
    const secured = new RequestHeadParser(requestLimits, new HeadStorage(), 'https');
    push(secured, 'GET http://example.org/a HTTP/1.1\r\nHost: example.org\r\n\r\n');
    assert.deepEqual([secured.head?.scheme, secured.head?.target], ['https', '/a']);
  });

  it('takes a head of exactly the limit, and not one byte more', () => {
    const limits = { ...requestLimits, headBytesMax: get.length };
    for (const [text, state] of [
      [get, 'complete'],
      [get.replace('X-A: 1', 'X-A: 12'), 'refused'],
    ] as const) {
      const parser = new RequestHeadParser(limits, new HeadStorage());
      push(parser, text);
      assert.equal(parser.state, state);
    }
  });

  it('does not repeat values and queries in its evidence: they may be secrets', () => {
    const secret = 'sesame';
    for (const text of [
      `GET /?token=${secret}#`,
      `GET /?token=${secret} HTTP/3.0\r\n`,
      `GET /?token=${secret} HTTQ`,
      `GET /?token=${secret} HTTP/1.1\r\nHost: a\r\nCookie: ${secret}\0`,
      `GET / HTTP/1.1\r\nHost: a\r\nCookie: ${secret}\r\n ${secret}`,
      `GET / HTTP/1.1\r\nHost: a\r\nAuthorization: ${secret}\n`,
    ]) {
      const parser = newParser();
      push(parser, text);
      assert.equal(parser.state, 'refused', text);
      assert.ok(!JSON.stringify(parser.refusal).includes(secret), JSON.stringify(parser.refusal));
    }
  });

  it('never throws, and every refusal is a rule with a printable place', () => {
    const piece = fc.oneof(
      fc.constantFrom(
        'GET ',
        '/',
        ' HTTP/1.1\r\n',
        'Host: a\r\n',
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
      if (parser.state !== 'refused') return;
      assert.ok(parser.refusal !== null && parser.refusal.rule in requestRules);
      assert.match(parser.refusal.at, /^[\x20-\x7e…]*$/);
    });
    fc.assert(property, { numRuns: 500 });
  });

  it('reads a head whose headers came before as it reads any other', () => {
    // What came twice on a connection is recognised the third time: few different ones, in many orders.
    const line = fc.constantFrom(
      'GET /a HTTP/1.1',
      'GET /a HTTP/1.1',
      'GET /b HTTP/1.1',
      'PUT /b?c=1 HTTP/1.1',
      'GET /a HTTP/1.0',
      'GET http://a/ HTTP/1.1',
      'GET  HTTP/1.1',
      '\r\nGET /a HTTP/1.1',
      'GET /a HTTP/1.1\r\nX-B: 1',
      `GET /${'a'.repeat(1100)} HTTP/1.1`,
    );
    const section = fc.constantFrom(
      'Host: a\r\nX-A: one of them\r\n\r\n',
      'Host: a\r\nX-A: two of them\r\n\r\n',
      'Host: a\r\nConnection: close, x-a\r\nX-A: 1\r\nX_Real_Ip: 2\r\n\r\n',
      'Host: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n',
      'Host: a\r\nX-A: one\n of them\r\n\r\n',
      'X-A: the host is missing\r\n\r\n',
    );
    const behind = fc.constantFrom('', '', '', 'abc');
    const property = fc.property(
      fc.array(fc.tuple(line, section, behind), { minLength: 8, maxLength: 30 }),
      (messages) => {
        const parser = newParser();
        for (const [start, headers, rest] of messages) {
          const text = `${start}\r\n${headers}${rest}`;
          const [first, other] = [newParser(), newParser()];
          other.reset(); // It looks for no head that other connections began with.
          const [read, expected] = [push(parser, text), push(other, text)];
          assert.equal(read, expected);
          assert.equal(push(first, text), expected);
          assert.deepEqual(whatIsRead(parser), whatIsRead(other));
          assert.deepEqual(whatIsRead(first), whatIsRead(other));
          assert.equal(push(parser, text), 0);
          parser.reset();
        }
      },
    );
    fc.assert(property, { numRuns: 300 });
  });

  it('holds no block for a head with which two connections began before', () => {
    const storage = new HeadStorage();
    const head = 'GET /health HTTP/1.1\r\nHost: example.org\r\nUser-Agent: health check\r\n\r\n';
    for (const blocksLeft of [0, 0, 1, 1]) {
      const parser = newParser(storage);
      assert.equal(push(parser, head), head.length);
      assert.equal(storage.keptBlocks, blocksLeft);
      assert.equal(parser.head?.headers.get('user-agent'), 'health check');
      parser.reset();
    }
    const strict = new RequestHeadParser({ ...requestLimits, headersMax: 1 }, storage);
    push(strict, head);
    assert.equal(strict.refusal?.rule, 'too-many-headers', 'another listener may allow fewer');
  });

  it('holds no block for a head whose headers came twice before', () => {
    const storage = new HeadStorage();
    const parser = newParser(storage);
    parser.reset();
    for (const blocksLeft of [0, 0, 1]) {
      push(parser, get);
      assert.equal(storage.keptBlocks, blocksLeft);
      assert.equal(parser.head?.headers.get('x-a'), '1');
      parser.reset();
    }
  });

  it('knows a head that came twice before in front of whatever body', () => {
    const storage = new HeadStorage();
    const parser = newParser(storage);
    const head = 'POST /a HTTP/1.1\r\nHost: example.org\r\nContent-Length: 30\r\n\r\n';
    const bodies = ['x'.repeat(30), 'y'.repeat(30), '', 'z', '\n'.repeat(30), `${'a'.repeat(30)}${head}`];
    bodies.forEach((body, index) => {
      assert.equal(push(parser, head + body), head.length);
      assert.deepEqual(parser.head?.framing, { kind: 'length', bytes: 30 });
      assert.equal(storage.keptBlocks, index < 2 ? 0 : 1, 'blocks are taken for what is read anew');
      parser.reset();
    });
  });

  it('takes nothing for a head that came before which has not come to its end', () => {
    const parser = newParser();
    const head = 'POST /a HTTP/1.1\r\nHost: example.org\r\nContent-Length: 30\r\n\r\n';
    for (const text of [head, head]) {
      push(parser, text);
      parser.reset();
    }
    // What lies in the buffer behind what has come is of another read, and may be its very end.
    const bytes = Buffer.from(head, 'latin1');
    for (let end = 0; end < head.length; end++) {
      assert.equal(parser.push(bytes, 0, end), end);
      assert.equal(parser.state, 'partial', `${end} bytes`);
      parser.reset();
    }
  });

  it('looks at no byte again when more have come', () => {
    // Every byte of a head is read some times by the scanners; a head of one-byte pieces must not be read more often than
    // one of large pieces: as large as are copied in a loop, since what is counted is no real buffer.
    const text = `GET / HTTP/1.1\r\nHost: a\r\n${'X-A: 0123456789\r\n'.repeat(100)}\r\n`;
    const whole = readsOf(text, 24);
    const single = readsOf(text, 1);
    assert.ok(whole >= text.length, 'reads are counted');
    assert.ok(single <= whole * 2 + 100, `${single} reads against ${whole}`);
  });
});

/** All that can be seen of the head, and what goes on past two filters. */
function whatIsRead({ state, refusal, head, began }: RequestHeadParser): unknown {
  if (head === null) return { state, refusal, began };
  const { headers, ...rest } = head;
  const written = [headerFilter(['x-a']), headerFilter([]), headerFilter([]), headerFilter(['host', 'x-a'])].map(
    (drop) => {
      const writer = new TextSink();
      headers.writeTo(writer, drop);
      return writer.text;
    },
  );
  const seen: [string, string][] = [];
  headers.each((name, value) => void seen.push([name, value]));
  return { state, refusal, began, rest, written, seen, host: headers.get('host'), named: headers.has('x-a') };
}

class TextSink implements HeaderSink {
  text = '';

  header(name: string, value: string): void {
    this.text += `${name}: ${value}\r\n`;
  }

  headerLines(bytes: Buffer, start: number, end: number): void {
    this.text += bytes.toString('latin1', start, end);
  }
}

/** How often bytes of the block are read while `text` comes in pieces: a block whose buffer counts. */
function readsOf(text: string, pieceBytes: number): number {
  let reads = 0;
  class CountingStorage extends HeadStorage {
    override acquire(bytesMin: number): ReturnType<HeadStorage['acquire']> {
      const block = super.acquire(bytesMin);
      const bytes = new Proxy(block.bytes, {
        get(target, key) {
          if (typeof key === 'string' && /^\d+$/.test(key)) reads++;
          const value = Reflect.get(target, key, target) as unknown;
          return typeof value === 'function' ? (value.bind(target) as unknown) : value;
        },
      });
      const words = new Proxy(block.words, {
        get(target, key) {
          if (typeof key === 'string' && /^\d+$/.test(key)) reads += 4;
          return Reflect.get(target, key, target) as unknown;
        },
      });
      return { bytes, words, spans: block.spans };
    }
  }
  const parser = newParser(new CountingStorage());
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += pieceBytes) parser.push(bytes, at, Math.min(at + pieceBytes, bytes.length));
  assert.equal(parser.state, 'complete');
  return reads;
}
