import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from '../../test/properties.ts';
import { headerFilter } from '../core/header-names.ts';
import { chunkedBody, bodyUntilClose, type Framing, type HttpVersion, noBody } from '../core/message.ts';
import type { Transport } from '../core/transport.ts';
import { HeadStorage } from './head-storage.ts';
import { responseLimits } from './limits.ts';
import { ByteWriter } from './byte-writer.ts';
import { RequestHeadParser } from './request-head.ts';
import { requestLimits } from './request-limits.test-support.ts';
import { ResponseHeadParser } from './response-head.ts';
import { writeInformation, writeRequestHead, writeResponseHead } from './write-head.ts';

/** What is composed in a writer, as it would leave. */
function composed(compose: (writer: ByteWriter) => void): Buffer {
  const pieces: Buffer[] = [];
  const write: Transport['write'] = (bytes, start, end) => pieces.push(Buffer.from(bytes.subarray(start, end))) > 0;
  const composer = { transport: { write, pendingBytes: 0 } as Partial<Transport> as Transport };
  const writer = new ByteWriter();
  writer.claim(composer);
  compose(writer);
  writer.flush(composer);
  return Buffer.concat(pieces);
}

type Lines = readonly (readonly [string, string])[];

function requestText(
  method: string,
  framing: Framing,
  lines: Lines = [],
  target = '/',
  authority = 'example.org',
): string {
  return composed((writer) =>
    writeRequestHead(writer, {
      method,
      scheme: 'http',
      authority,
      target,
      framing,
      upgrade: null,
      takesTrailers: false,
      writeHeaders: (sink) => lines.forEach(([name, value]) => sink.header(name, value)),
    }),
  ).toString('latin1');
}

interface ResponseCase {
  readonly status?: number;
  readonly reason?: string;
  readonly framing: Framing;
  readonly contentLength?: number;
  readonly version?: HttpVersion;
  readonly persistent?: boolean;
  readonly method?: string;
  readonly lines?: Lines;
  readonly upgrade?: string;
}

function responseText(each: ResponseCase): readonly [string, string] {
  const { status = 200, reason = 'OK', framing, contentLength = -1, version = 'HTTP/1.1', persistent = true } = each;
  let how = '';
  const bytes = composed((writer) => {
    const writeHeaders = (sink: { header(name: string, value: string): void }): void =>
      (each.lines ?? []).forEach(([name, value]) => sink.header(name, value));
    const response = {
      status,
      reason,
      upgrade: each.upgrade ?? null,
      priority: null,
      framing,
      contentLength,
      writeHeaders,
    };
    how = writeResponseHead(writer, response, { persistent, version }, each.method ?? 'GET');
  });
  return [bytes.toString('latin1'), how];
}

const length5: Framing = { kind: 'length', bytes: 5 };

describe('writeRequestHead', () => {
  const framings: readonly (readonly [string, Framing, string])[] = [
    ['GET', noBody, ''],
    ['DELETE', noBody, ''],
    ['POST', noBody, 'Content-Length: 0\r\n'],
    ['PUT', noBody, 'Content-Length: 0\r\n'],
    ['PATCH', noBody, 'Content-Length: 0\r\n'],
    ['POST', { kind: 'length', bytes: 0 }, 'Content-Length: 0\r\n'],
    ['GET', length5, 'Content-Length: 5\r\n'],
    ['POST', { kind: 'length', bytes: 123456 }, 'Content-Length: 123456\r\n'],
    ['POST', chunkedBody, 'Transfer-Encoding: chunked\r\n'],
    ['POST', bodyUntilClose, 'Transfer-Encoding: chunked\r\n'],
  ];
  for (const [method, framing, line] of framings) {
    it(`frames ${method} with ${JSON.stringify(framing)} by "${line.trimEnd()}"`, () => {
      assert.equal(requestText(method, framing), `${method} / HTTP/1.1\r\nHost: example.org\r\n${line}\r\n`);
    });
  }

  for (const [what, upgrade, takesTrailers, line] of [
    ['alone', null, false, 'Connection: close\r\n'],
    ['beside TE', null, true, 'TE: trailers\r\nConnection: close, TE\r\n'],
    ['not beside an upgrade', 'websocket', false, 'Upgrade: websocket\r\nConnection: upgrade\r\n'],
  ] as const) {
    it(`says of the last request of a connection that it is, ${what}`, () => {
      const writeHeaders = (): void => {};
      const head = {
        method: 'GET',
        scheme: 'http',
        authority: 'a',
        target: '/',
        framing: noBody,
        writeHeaders,
      } as const;
      const text = composed((writer) => writeRequestHead(writer, { ...head, upgrade, takesTrailers }, true));
      assert.equal(text.toString(), `GET / HTTP/1.1\r\nHost: a\r\n${line}\r\n`);
    });
  }

  it('names an empty host where an HTTP/1.0 client named none', () => {
    assert.equal(requestText('GET', noBody, [], '/', ''), 'GET / HTTP/1.1\r\nHost: \r\n\r\n');
  });

  it('writes what is parsed as the same request', () => {
    const name = fc.stringMatching(/^x-[a-z0-9]{1,12}$/);
    const value = fc.stringMatching(/^[!-~\x80-\xff]([ -~\x80-\xff]{0,30}[!-~\x80-\xff])?$/);
    const framing = fc.oneof(
      fc.constant(chunkedBody),
      fc.nat({ max: 1e9 }).map((bytes): Framing => ({ kind: 'length', bytes })),
    );
    const target = fc.stringMatching(/^\/[a-z0-9%/._-]{0,30}(\?[a-z0-9=&{}|]{0,30})?$/);
    const property = fc.property(
      target,
      framing,
      fc.array(fc.tuple(name, value), { maxLength: 20 }),
      (path, how, lines) => {
        const bytes = Buffer.from(requestText('POST', how, lines, path), 'latin1');
        const parser = new RequestHeadParser(requestLimits, new HeadStorage());
        assert.equal(parser.push(bytes, 0, bytes.length), bytes.length);
        const head = parser.head;
        assert.ok(head !== null, JSON.stringify(parser.refusal));
        assert.deepEqual([head.method, head.target, head.authority, head.framing], ['POST', path, 'example.org', how]);
        const seen: (readonly [string, string])[] = [];
        head.headers.each((headerName, headerValue) => void seen.push([headerName, headerValue]));
        assert.deepEqual(seen, lines);
      },
    );
    fc.assert(property, { numRuns: 200 });
  });
});

describe('writeResponseHead', () => {
  const close = 'Connection: close\r\n';
  const cases: readonly (readonly [what: string, each: ResponseCase, lines: string, how: string])[] = [
    ['a length', { framing: length5 }, 'Content-Length: 5\r\n', 'length'],
    ['chunks', { framing: chunkedBody }, 'Transfer-Encoding: chunked\r\n', 'chunked'],
    [
      'an end that only the connection tells, as chunks',
      { framing: bodyUntilClose },
      'Transfer-Encoding: chunked\r\n',
      'chunked',
    ],
    [
      'chunks to HTTP/1.0, to the end of the connection',
      { framing: chunkedBody, version: 'HTTP/1.0' },
      close,
      'until-close',
    ],
    [
      'a length to HTTP/1.0 that persists',
      { framing: length5, version: 'HTTP/1.0' },
      'Content-Length: 5\r\nConnection: keep-alive\r\n',
      'length',
    ],
    ['the last on its connection', { framing: length5, persistent: false }, `Content-Length: 5\r\n${close}`, 'length'],
    ['none', { framing: noBody }, 'Content-Length: 0\r\n', 'none'],
    [
      'none to HEAD, whose length is known',
      { framing: noBody, contentLength: 7, method: 'HEAD' },
      'Content-Length: 7\r\n',
      'none',
    ],
    ['none to HEAD, whose length is not known', { framing: noBody, method: 'HEAD' }, '', 'none'],
    ['content to HEAD all the same', { framing: length5, method: 'HEAD' }, '', 'none'],
  ];
  for (const [what, each, lines, how] of cases) {
    it(`writes ${what}`, () => assert.deepEqual(responseText(each), [`HTTP/1.1 200 OK\r\n${lines}\r\n`, how]));
  }

  it('gives 204 no length, and 304 the one it would have', () => {
    const none = { framing: noBody, contentLength: 3 };
    assert.deepEqual(responseText({ ...none, status: 204, reason: 'No Content' }), [
      'HTTP/1.1 204 No Content\r\n\r\n',
      'none',
    ]);
    const [text] = responseText({ ...none, status: 304, reason: 'Not Modified' });
    assert.equal(text, 'HTTP/1.1 304 Not Modified\r\nContent-Length: 3\r\n\r\n');
  });

  it('says in 426 alone, for one connection, which protocols are required', () => {
    const each = { status: 426, reason: 'Upgrade Required', framing: noBody, upgrade: 'a/1' };
    const said = (more: Partial<ResponseCase>): string =>
      responseText({ ...each, ...more })[0]
        .split('\r\n')
        .slice(2, 4)
        .join();
    assert.equal(said({}), 'Upgrade: a/1,Connection: upgrade');
    assert.equal(said({ persistent: false }), 'Upgrade: a/1,Connection: close, upgrade');
    assert.equal(said({ version: 'HTTP/1.0' }), 'Upgrade: a/1,Connection: keep-alive, upgrade');
    assert.equal(said({ status: 400, persistent: false }), 'Connection: close,');
  });

  it('says nothing of the connection in 101: the upgrade does', () => {
    const each = { status: 101, reason: 'Switching Protocols', framing: noBody, persistent: false };
    assert.equal(responseText(each)[0], 'HTTP/1.1 101 Switching Protocols\r\n\r\n');
  });

  it("keeps the endpoint's own reason, and none where there was none", () => {
    assert.match(
      responseText({ status: 503, reason: 'Come back', framing: noBody })[0],
      /^HTTP\/1\.1 503 Come back\r\n/,
    );
    assert.match(responseText({ status: 200, reason: '', framing: noBody })[0], /^HTTP\/1\.1 200 \r\n/);
    assert.match(responseText({ status: 599, reason: 'Own', framing: noBody })[0], /^HTTP\/1\.1 599 Own\r\n/);
  });

  it('writes what is parsed as the same response, framed as it says', () => {
    const framing = fc.constantFrom<Framing>(noBody, length5, chunkedBody, bodyUntilClose);
    const property = fc.property(
      fc.integer({ min: 200, max: 599 }),
      framing,
      fc.boolean(),
      fc.constantFrom('GET', 'HEAD', 'POST'),
      (status, how, persistent, method) => {
        const [text, told] = responseText({ status, reason: 'Any', framing: how, persistent, method });
        const parser = new ResponseHeadParser(responseLimits, new HeadStorage());
        parser.expect(method);
        const bytes = Buffer.from(text);
        assert.equal(parser.push(bytes, 0, bytes.length), bytes.length);
        const head = parser.head;
        assert.ok(head !== null, JSON.stringify(parser.refusal));
        assert.equal(head.status, status);
        // We send no body where there must be none; a recipient cannot know that of everybody.
        const mayDoubt = method === 'HEAD' || status === 205 || status === 304;
        if (!mayDoubt || !persistent) assert.equal(head.keepAlive, persistent);
        const read = head.framing.kind === 'length' && head.framing.bytes === 0 ? 'none' : head.framing.kind;
        assert.equal(read, told);
      },
    );
    fc.assert(property, { numRuns: 300 });
  });
});

it('writes an interim response with its headers but for those to drop, and no framing', () => {
  const bytes = Buffer.from('HTTP/1.1 103 Early Hints\r\nLink: </a>\r\nServer: x\r\nConnection: close\r\n\r\n');
  const parser = new ResponseHeadParser(responseLimits, new HeadStorage());
  parser.push(bytes, 0, bytes.length);
  const { headers } = parser.head!;
  const text = composed((writer) => writeInformation(writer, 103, headers, headerFilter(['server']))).toString();
  assert.equal(text, 'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n');
});

describe('a count', () => {
  for (const count of [0, 1, 9, 10, 99, 100, 2_147_483_647, 2_147_483_648, 9_999_999_999, Number.MAX_SAFE_INTEGER])
    it(`of ${count} is written as its digits, behind what stands there and before what comes`, () => {
      const written = composed((writer) => {
        writer.text('n=');
        writer.count(count);
        writer.text(';');
      });
      assert.equal(written.toString(), `n=${count};`);
    });
});
