import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from '../../test/properties.ts';
import type { Framing, Ownership } from '../core/message.ts';
import { BodyReader } from './body-reader.ts';

/** A reader, and what came of what was pushed. */
function reading(framing: Framing) {
  const bulk: boolean[] = [];
  const taken: Buffer[] = [];
  const ownerships: Ownership[] = [];
  const reader = new BodyReader(
    { readInBulk: (on) => void bulk.push(on) },
    {
      onBody(bytes, start, end, ownership) {
        taken.push(Buffer.from(bytes.subarray(start, end)));
        ownerships.push(ownership);
      },
    },
  );
  reader.begin(framing);
  return { reader, bulk, ownerships, text: () => Buffer.concat(taken).toString('latin1') };
}

const framings: [framing: Framing, wire: string, body: string][] = [
  [{ kind: 'length', bytes: 11 }, 'some conten', 'some conten'],
  [{ kind: 'chunked' }, '4\r\nsome\r\n7\r\n conten\r\n0\r\n\r\n', 'some conten'],
  [{ kind: 'none' }, '', ''],
  [{ kind: 'length', bytes: 0 }, '', ''],
];

describe('a body is told from what follows it', () => {
  for (const [framing, wire, body] of framings) {
    test(`${JSON.stringify(framing)}, however it is cut into pieces`, () => {
      const bytes = Buffer.from(`${wire}GET /next`, 'latin1');
      fc.assert(
        fc.property(fc.array(fc.nat(bytes.length), { maxLength: 8 }), (cuts) => {
          const { reader, text } = reading(framing);
          let at = 0;
          for (const cut of [...cuts.sort((a, b) => a - b), bytes.length]) {
            while (at < cut && reader.state === 'partial') at += reader.push(bytes, at, cut);
          }
          assert.deepEqual([reader.state, text(), at], ['whole', body, wire.length]);
          assert.equal(reader.bytesReceived, body.length);
        }),
      );
    });
  }

  test('one chunked message after the other is read, also after one that was not chunked', () => {
    const { reader, text } = reading({ kind: 'chunked' });
    const bytes = Buffer.from('1\r\na\r\n0\r\n\r\n', 'latin1');
    for (const framing of [{ kind: 'chunked' }, { kind: 'none' }, { kind: 'chunked' }] as const) {
      for (let at = 0; at < bytes.length && reader.state === 'partial'; ) at += reader.push(bytes, at, bytes.length);
      assert.equal(reader.state, 'whole');
      reader.begin(framing);
    }
    assert.equal(reader.state, 'partial');
    assert.equal(text(), 'aa');
  });

  test('a body until the close has no end of its own', () => {
    const { reader, text } = reading({ kind: 'until-close' });
    assert.equal(reader.push(Buffer.from('all of it'), 0, 9), 9);
    assert.deepEqual([reader.state, text()], ['partial', 'all of it']);
  });

  test('what breaks the coding is refused by its rule', () => {
    const { reader } = reading({ kind: 'chunked' });
    reader.push(Buffer.from('zz\r\n'), 0, 4);
    assert.deepEqual([reader.state, reader.rule], ['refused', 'chunk-size']);
  });

  test('trailers are of their own message only', () => {
    const { reader } = reading({ kind: 'chunked' });
    const bytes = Buffer.from('0\r\nX-Sum: 1\r\n\r\n');
    reader.push(bytes, 0, bytes.length);
    assert.equal(reader.trailers?.get('x-sum'), '1');
    reader.begin({ kind: 'length', bytes: 1 });
    assert.equal(reader.trailers, null);
  });
});

describe('reading in bulk', () => {
  const piece = Buffer.alloc(256 * 1024);

  test('begins where much is to come, lends what cannot be kept, and ends with the body', () => {
    const { reader, bulk, ownerships } = reading({ kind: 'length', bytes: 700_000 });
    reader.push(Buffer.alloc(20_000), 0, 20_000);
    assert.deepEqual(bulk, [true]);
    reader.push(piece, 0, piece.length);
    reader.push(Buffer.alloc(2000), 0, 2000);
    assert.deepEqual(ownerships.slice(1), ['owned', 'borrowed']);
    while (reader.state === 'partial') reader.push(piece, 0, piece.length);
    assert.deepEqual(bulk, [true, false]);
  });

  test('does not pay for little', () => {
    const { reader, bulk } = reading({ kind: 'length', bytes: 100_000 });
    reader.push(piece, 0, 100_000);
    assert.deepEqual(bulk, []);
  });

  test('is no way to wait for a large upload that drips', () => {
    const { reader, bulk } = reading({ kind: 'length', bytes: 1_000_000 });
    for (let times = 0; times < 100; times++) reader.push(piece, 0, 1400);
    assert.deepEqual(bulk, []);
    reader.push(piece, 0, piece.length);
    reader.push(piece, 0, 400);
    assert.deepEqual(bulk, [true, false]);
  });

  test('is no way to wait for an event now and then', () => {
    const { reader, bulk } = reading({ kind: 'until-close' });
    for (let times = 0; times < 1000; times++) reader.push(piece, 0, 400);
    assert.deepEqual(bulk, []);
    reader.push(piece, 0, piece.length);
    reader.push(piece, 0, 400);
    assert.deepEqual(bulk, [true, false]);
  });

  test('ends where the rest is not wanted', () => {
    const { reader, bulk } = reading({ kind: 'until-close' });
    for (let times = 0; times < 3; times++) reader.push(piece, 0, piece.length);
    reader.stop();
    assert.deepEqual(bulk, [true, false]);
  });
});
