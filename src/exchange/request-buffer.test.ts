import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from '../../test/properties.ts';
import type { BufferSpec } from '../core/route-spec.ts';
import { type MessageHeaders, type Framing, noBody, type RequestHead } from '../core/message.ts';
import { PairHeaders } from '../core/pair-headers.ts';
import { SimulatedClock } from '../testing/simulated-clock.ts';
import type { Instant } from '../core/time.ts';
import type { Attempt } from './attempt.ts';
import { BufferAllowance } from './buffer-allowance.ts';
import { RequestBuffer, waitsForBody } from './request-buffer.ts';

const spec: BufferSpec = { requestBytesMax: 100, requestWaitMs: 50, responseBytesMax: 0 };
const ofLength = (bytes: number): Framing => ({ kind: 'length', bytes });
const chunked: Framing = { kind: 'chunked' };

function bufferWithin(allowedBytes: number): { buffer: RequestBuffer; counts: { bufferedRequestBytes: number } } {
  const counts = { bufferedRequestBytes: 0, bufferedResponseBytes: 0 };
  return { buffer: new RequestBuffer(spec, new BufferAllowance(counts, allowedBytes), 0 as Instant), counts };
}

/** An attempt that takes what it gets, and has room for more or not. */
class Taker {
  readonly parts: Buffer[] = [];
  ended: MessageHeaders | null | undefined = undefined;
  hasRoom = true;

  sendBody(bytes: Uint8Array, start: number, end: number): boolean {
    this.parts.push(Buffer.from(bytes.subarray(start, end)));
    return this.hasRoom;
  }

  endBody(trailers: MessageHeaders | null): void {
    this.ended = trailers;
  }

  get asAttempt(): Attempt {
    return this as unknown as Attempt;
  }
}

describe('a request', () => {
  type Row = readonly [
    what: string,
    head: Partial<RequestHead> & { type?: string },
    spec: Partial<BufferSpec>,
    waits: boolean,
  ];
  const rows: readonly Row[] = [
    ['without content', { framing: noBody }, {}, false],
    ['with a length of 0', { framing: ofLength(0) }, {}, false],
    ['with a length', { framing: ofLength(5) }, {}, true],
    ['with a length, and a type of streams', { framing: ofLength(5), type: 'application/grpc' }, {}, true],
    ['of unknown length', { framing: chunked }, {}, true],
    ['of unknown length, which is a stream', { framing: chunked, type: 'application/grpc+proto' }, {}, false],
    ['of unknown length where none is waited for', { framing: chunked }, { requestWaitMs: 0 }, false],
    ['with a length, that asks for an upgrade', { framing: ofLength(5), upgrade: 'tcp' }, {}, true],
    ['of unknown length, that asks for an upgrade', { framing: chunked, upgrade: 'tcp' }, {}, false],
    ['where nothing is buffered', { framing: ofLength(5) }, { requestBytesMax: 0 }, false],
  ];
  for (const [what, { type, ...head }, more, waits] of rows)
    it(`${what} ${waits ? 'waits' : 'does not wait'} for its body`, () => {
      const headers = new PairHeaders(type === undefined ? [] : [['content-type', type]]);
      const request = { upgrade: null, headers, ...head } as unknown as RequestHead;
      assert.equal(waitsForBody(request, { ...spec, ...more }), waits);
    });
});

describe('the body of a request that is buffered', () => {
  const rows: readonly (readonly [
    what: string,
    framing: Framing,
    parts: readonly number[],
    allowed: number,
    goesOn: readonly boolean[],
  ])[] = [
    ['is read to its last byte, behind which its end comes', ofLength(30), [10, 10, 10], 1e6, [true, true, true]],
    ['of unknown length is waited for until it is enough', chunked, [60, 39, 1], 1e6, [true, true, false]],
    ['that is too large is waited for until it is enough', ofLength(500), [99, 1], 1e6, [true, false]],
    ['is not waited for where the allowance is used up', ofLength(500), [10], 100, [false]],
  ];
  for (const [what, framing, parts, allowed, goesOn] of rows)
    it(`${what}, and is kept`, () => {
      const { buffer } = bufferWithin(allowed);
      const sent = parts.map((bytes, index) => Buffer.alloc(bytes, index + 1));
      assert.deepEqual(
        sent.map((part) => buffer.add(part, 0, part.length, framing)),
        goesOn,
      );
      const taker = new Taker();
      buffer.sendTo(taker.asAttempt);
      assert.deepEqual(Buffer.concat(taker.parts), Buffer.concat(sent));
      assert.equal(taker.ended, undefined, 'its end has not come');
    });

  it('comes out as it went in for each attempt, with its trailers, and counts nothing once it is closed', () => {
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({ minLength: 1, maxLength: 6000, size: 'max' }), { maxLength: 8 }),
        fc.nat(20_000),
        (parts, allowed) => {
          const { buffer, counts } = bufferWithin(allowed);
          for (const part of parts) {
            const lent = Buffer.from(part);
            buffer.add(lent, 0, lent.length, chunked);
            lent.fill(0xdb);
          }
          assert.equal(buffer.isWhole, false);
          const trailers = new PairHeaders([['x-sum', '1']]);
          buffer.complete(trailers);
          assert.equal(buffer.isWhole, true);
          for (const hasRoom of [true, false]) {
            const taker = new Taker();
            taker.hasRoom = hasRoom;
            assert.equal(buffer.sendTo(taker.asAttempt), hasRoom || parts.length === 0);
            assert.deepEqual(Buffer.concat(taker.parts), Buffer.concat(parts));
            assert.equal(taker.ended, trailers);
          }
          assert.ok(counts.bufferedRequestBytes <= allowed);
          buffer.close();
          assert.equal(counts.bufferedRequestBytes, 0);
        },
      ),
    );
  });

  for (const [what, end, told] of [
    ['tells its owner when it has been waited for long enough', () => {}, 1],
    ['calls no listener when it has come', (buffer: RequestBuffer) => buffer.complete(null), 0],
    ['calls no listener when it is closed', (buffer: RequestBuffer) => buffer.close(), 0],
  ] as const)
    it(what, () => {
      const clock = new SimulatedClock();
      const { buffer } = bufferWithin(1e6);
      let heard = 0;
      buffer.limitWait({ onRequestBuffered: () => heard++ }, clock, 50);
      clock.advanceSync(49);
      assert.equal(heard, 0);
      end(buffer);
      clock.advanceSync(100);
      assert.deepEqual([heard, clock.timersLive], [told, 0]);
    });
});
