import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from '../../test/properties.ts';
import type { Framing, Ownership, ResponseHead } from '../core/message.ts';
import { PairHeaders } from '../core/pair-headers.ts';
import { BufferAllowance } from './buffer-allowance.ts';
import { type BufferedClient, mayBuffer, ResponseBuffer } from './response-buffer.ts';

/** A client that takes so many bytes before it has no room. */
class SlowClient implements BufferedClient {
  got: Buffer = Buffer.alloc(0);
  room = 0;

  passToClient(bytes: Uint8Array, start: number, end: number, _: Ownership): boolean {
    this.got = Buffer.concat([this.got, bytes.subarray(start, end)]);
    this.room -= end - start;
    return this.room >= 0;
  }
}

function made(bytesMax: number, allowed = 1e6) {
  const client = new SlowClient();
  const counts = { bufferedRequestBytes: 0, bufferedResponseBytes: 0 };
  return { client, counts, buffer: new ResponseBuffer(client, bytesMax, new BufferAllowance(counts, allowed)) };
}

function headOf(framing: Framing, type = 'text/plain'): ResponseHead {
  const headers = new PairHeaders([['content-type', type]]);
  return { status: 200, reason: '', version: 'HTTP/1.1', headers, framing, contentLength: -1 };
}

describe('what is left of a response', () => {
  const rows: readonly (readonly [what: string, head: ResponseHead, passed: number, bytesMax: number, may: boolean])[] =
    [
      ['that fits', headOf({ kind: 'length', bytes: 100 }), 0, 100, true],
      ['that does not fit', headOf({ kind: 'length', bytes: 101 }), 0, 100, false],
      ['that fits behind what has been passed on', headOf({ kind: 'length', bytes: 101 }), 1, 100, true],
      ['of unknown length', headOf({ kind: 'chunked' }), 0, 100, true],
      ['of a stream', headOf({ kind: 'chunked' }, 'text/event-stream'), 0, 100, false],
      ['where nothing is buffered', headOf({ kind: 'chunked' }), 0, 0, false],
    ];
  for (const [what, head, passed, bytesMax, may] of rows)
    it(`${what} ${may ? 'may' : 'may not'} wait in a buffer`, () =>
      assert.equal(mayBuffer(head, passed, bytesMax), may));
});

describe('a response that waits for its client', () => {
  it('is read on until the buffer is full, and not again', () => {
    const { buffer, client } = made(100);
    assert.equal(buffer.tryWait(), true);
    assert.equal(buffer.add(Buffer.alloc(60), 0, 60), true);
    assert.equal(buffer.add(Buffer.alloc(60), 0, 60), false, 'its endpoint waits');
    client.room = 1000;
    assert.equal(buffer.onClientRoom(), true);
    assert.equal(buffer.isWaiting, false);
    assert.equal(buffer.tryWait(), false, 'it is a large one');
    buffer.close();
  });

  it('is passed on, and its endpoint waits, where the allowance is used up', () => {
    const { buffer, client, counts } = made(1e6, 5000);
    buffer.tryWait();
    assert.equal(buffer.add(Buffer.from('one'), 0, 3), true);
    assert.equal(buffer.add(Buffer.alloc(9000, 'x'), 0, 9000), false);
    assert.equal(client.got.toString(), `one${'x'.repeat(9000)}`);
    assert.deepEqual([buffer.isWaiting, buffer.tryWait()], [false, false]);
    buffer.close();
    assert.equal(counts.bufferedResponseBytes, 0);
  });

  it('is passed on when it is complete, whether its client has room or not', () => {
    const { buffer, client } = made(100);
    buffer.tryWait();
    buffer.add(Buffer.from('all of it'), 0, 9);
    buffer.passAll();
    assert.deepEqual([client.got.toString(), buffer.isWaiting], ['all of it', false]);
  });

  it('comes out byte for byte, in order, however its client takes it, and counts nothing in the end', () => {
    const step = fc.oneof(
      fc.record({ add: fc.uint8Array({ minLength: 1, maxLength: 6000, size: 'max' }) }),
      fc.record({ room: fc.integer({ min: 1, max: 9000 }) }),
    );
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 40, size: 'max' }),
        fc.nat(30_000),
        fc.nat(30_000),
        (steps, bytesMax, allowed) => {
          const { buffer, client, counts } = made(bytesMax, allowed);
          const sent: Buffer[] = [];
          for (const one of steps) {
            if ('room' in one) {
              client.room = one.room;
              if (buffer.isWaiting) buffer.onClientRoom();
              continue;
            }
            const lent = Buffer.from(one.add);
            sent.push(Buffer.from(one.add));
            if (buffer.isWaiting) buffer.add(lent, 0, lent.length);
            else if (!client.passToClient(lent, 0, lent.length, 'borrowed')) buffer.tryWait();
            lent.fill(0xdb);
            assert.ok(counts.bufferedResponseBytes <= allowed);
          }
          buffer.passAll();
          assert.deepEqual(client.got, Buffer.concat(sent));
          buffer.close();
          assert.equal(counts.bufferedResponseBytes, 0);
        },
      ),
    );
  });
});
