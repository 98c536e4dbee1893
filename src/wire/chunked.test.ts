import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from '../../test/properties.ts';
import type { Transport } from '../core/transport.ts';
import { unicodeText } from '../../test/unicode-text.ts';
import { ChunkedDecoder, chunkHead, writeChunkStart, writeLastChunk } from './chunked.ts';
import { HeadStorage } from './head-storage.ts';
import { chunkLimits } from './limits.ts';
import { ByteWriter } from './byte-writer.ts';
import { RequestHeadParser } from './request-head.ts';
import { requestLimits } from './request-limits.test-support.ts';

/** Takes the parts of a body together; owns what it keeps. */
class Collector {
  body = Buffer.alloc(0);
  onBody(bytes: Uint8Array, start: number, end: number): void {
    this.body = Buffer.concat([this.body, bytes.subarray(start, end)]);
  }
}

function encode(chunks: readonly Uint8Array[]): Buffer {
  const parts = chunks
    .filter((chunk) => chunk.length > 0)
    .flatMap((chunk) => [Buffer.from(chunkHead(chunk.length)), chunk, Buffer.from('\r\n')]);
  return Buffer.concat([...parts, Buffer.from('0\r\n\r\n')]);
}

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

describe('ChunkedDecoder', () => {
  it('gives back the body of any chunking, read in any pieces', () => {
    const chunks = fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 8 });
    const lengths = fc.array(fc.integer({ min: 1, max: 200 }), { maxLength: 40 });
    const property = fc.property(chunks, lengths, fc.uint8Array({ maxLength: 20 }), (body, pieces, behind) => {
      const encoded = encode(body);
      const bytes = Buffer.concat([encoded, behind]);
      const decoder = new ChunkedDecoder();
      const collector = new Collector();
      let used = 0;
      let at = 0;
      for (const length of [...pieces, bytes.length]) {
        const end = Math.min(at + length, bytes.length);
        used += decoder.push(bytes, at, end, collector);
        at = end;
      }
      assert.equal(decoder.state, 'done');
      assert.equal(used, encoded.length);
      assert.deepEqual(collector.body, Buffer.concat(body));
      assert.equal(decoder.trailers, null);
    });
    fc.assert(property, { numRuns: 300 });
  });

  it('hands on body as runs of what came, without a copy', () => {
    const bytes = Buffer.from('5\r\nhello\r\n0\r\n\r\n');
    const runs: unknown[] = [];
    new ChunkedDecoder().push(bytes, 0, bytes.length, {
      onBody: (from, start, end) => void runs.push([from === bytes, start, end]),
    });
    assert.deepEqual(runs, [[true, 3, 8]]);
  });

  it('reads another message after a reset, and leaves the trailers of the last one alone', () => {
    const decoder = new ChunkedDecoder();
    const first = Buffer.from('0\r\nX-A: 1\r\n\r\n');
    decoder.push(first, 0, first.length, new Collector());
    const { trailers } = decoder;
    decoder.reset();
    const second = Buffer.from('0\r\nX-A: 2\r\n\r\n');
    decoder.push(second, 0, second.length, new Collector());
    assert.equal(trailers?.get('x-a'), '1');
    assert.equal(decoder.trailers?.get('x-a'), '2');
  });

  it('counts extensions for one message, not for the connection', () => {
    const decoder = new ChunkedDecoder({ ...chunkLimits, chunkExtensionBytesMax: 10 });
    const bytes = Buffer.from('1;abcde\r\nx\r\n0\r\n\r\n');
    for (let message = 0; message < 5; message++) {
      decoder.reset();
      decoder.push(bytes, 0, bytes.length, new Collector());
      assert.equal(decoder.state, 'done');
    }
  });

  it('shows no trailer that may not be one, to nobody', () => {
    const decoder = new ChunkedDecoder();
    const bytes = Buffer.from('0\r\nContent-Length: 5\r\nIf-Match: a\r\nX-A: 1\r\n\r\n');
    decoder.push(bytes, 0, bytes.length, new Collector());
    assert.equal(decoder.trailers?.get('content-length'), null);
    assert.equal(decoder.trailers?.get('if-match'), null);
    assert.equal(decoder.trailers?.has('content-length'), false);
    assert.equal(decoder.trailers?.get('x-a'), '1');
  });

  it('never throws', () => {
    const piece = fc.oneof(
      fc.constantFrom('5', '\r\n', '0\r\n', ';a=', '"', 'X: y\r\n', 'ffffffffffffff'),
      unicodeText({ maxLength: 5 }),
    );
    const property = fc.property(fc.array(piece, { maxLength: 20 }), (pieces) => {
      const decoder = new ChunkedDecoder();
      const bytes = Buffer.from(pieces.join(''), 'latin1');
      const used = decoder.push(bytes, 0, bytes.length, new Collector());
      assert.ok(used <= bytes.length);
      assert.equal(decoder.state === 'refused', decoder.rule !== null);
      if (decoder.state === 'partial') assert.equal(used, bytes.length);
    });
    fc.assert(property, { numRuns: 500 });
  });
});

describe('writing the chunked coding', () => {
  it('is read back as it was written, trailers too', () => {
    const head = Buffer.from('GET / HTTP/1.1\r\nHost: a\r\nX-A: 1\r\nConnection: close\r\n\r\n');
    const parser = new RequestHeadParser(requestLimits, new HeadStorage());
    parser.push(head, 0, head.length);
    const bytes = composed((writer) => {
      writeChunkStart(writer, 300);
      writer.bytes(Buffer.alloc(300, 'x'), 0, 300);
      writer.text('\r\n');
      writeLastChunk(writer, parser.head?.headers ?? null);
    });
    assert.equal(bytes.toString(), `12c\r\n${'x'.repeat(300)}\r\n0\r\nX-A: 1\r\n\r\n`);
  });

  it('ends without trailers where there are none', () => {
    assert.equal(composed((writer) => writeLastChunk(writer, null)).toString(), '0\r\n\r\n');
  });
});
