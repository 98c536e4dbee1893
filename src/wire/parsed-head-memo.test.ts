import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from '../../test/properties.ts';
import {
  FirstHeadDetector,
  RepeatDetector,
  matchesEntry,
  hashOf,
  ParsedHeadMemo,
  memoBytesMin,
} from './parsed-head-memo.ts';

const bytes = fc.uint8Array({ minLength: memoBytesMin, maxLength: 200 });

describe('bytes that have come before', () => {
  it('are recognised wherever they stand, and no others are', () => {
    const property = fc.property(bytes, bytes, fc.nat({ max: 20 }), fc.nat(), (known, other, start, place) => {
      const kept = new ParsedHeadMemo<string>();
      const hash = hashOf(known, 0, known.length);
      const entry = kept.keep(hash, Buffer.from(known), 'read');
      const moved = Buffer.concat([Buffer.alloc(start), known, other]);
      const end = start + known.length;
      assert.equal(hashOf(moved, start, end), hash);
      assert.equal(kept.find(hash, moved, start, end), entry);
      const changed = place % known.length;
      moved[start + changed] = (known[changed] as number) ^ 1;
      assert.equal(matchesEntry(entry, moved, start), false);
      assert.notEqual(hashOf(moved, start, end), hash);
      assert.equal(kept.find(hash, moved, start, end), null);
    });
    fc.assert(property, { numRuns: 300 });
  });
});

describe('a connection whose heads are', () => {
  /** How many of so many heads are looked at. */
  const looksOf = (heads: number, hashOfHead: (head: number) => number): number => {
    const detector = new RepeatDetector();
    let looks = 0;
    for (let head = 0; head < heads; head++) {
      if (!detector.shouldCheckNext()) continue;
      looks += 1;
      detector.isRepeat(hashOfHead(head));
    }
    return looks;
  };

  it('new each time has one in sixteen looked at', () => {
    assert.equal(
      looksOf(6400, (head) => head),
      400,
    );
  });

  it('each the same twice has all of them looked at', () => {
    assert.equal(
      looksOf(6400, (head) => head >> 1),
      6400,
    );
  });

  it('the same again after a thousand that were new is noticed within 66 of them', () => {
    const detector = new RepeatDetector();
    for (let head = 0; head < 1000; head++) if (detector.shouldCheckNext()) detector.isRepeat(head);
    let heads = 1;
    while (!(detector.shouldCheckNext() && detector.isRepeat(-2))) heads += 1;
    assert.ok(heads <= 66, String(heads));
  });
});

describe('connections that begin with', () => {
  const repeatsOf = (connections: number, hashOfHead: (connection: number) => number): number => {
    const detector = new FirstHeadDetector();
    let repeats = 0;
    for (let connection = 0; connection < connections; connection++)
      if (detector.isRepeat(hashOfHead(connection))) repeats += 1;
    return repeats;
  };

  it('a head of their own have none kept', () => {
    assert.equal(
      repeatsOf(10_000, (connection) => connection + 1),
      0,
    );
  });

  it('one of a hundred heads are noticed the second time', () => {
    assert.equal(
      repeatsOf(200, (connection) => Math.imul((connection % 100) + 1, 0x01000193)),
      100,
    );
  });
});
