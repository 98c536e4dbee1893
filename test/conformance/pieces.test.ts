import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { HeadStorage } from '../../src/wire/head-storage.ts';
import { judgeRequests, judgeResponses, type Pieces, type Verdict } from './judge.ts';
import { type ConformanceCase, loadCases } from './load-cases.ts';

const cases = loadCases();
const small = cases.filter(({ octets }) => octets.length < 2000);

test('every case has the same verdict in one piece and octet by octet', () => {
  for (const each of cases) {
    const pieces = Array.from(each.octets, (octet) => Uint8Array.of(octet));
    agree(each, pieces);
  }
});

test('every case has the same verdict cut anywhere in two', () => {
  for (const each of small) {
    const { octets } = each;
    for (let at = 1; at < octets.length; at++) agree(each, [octets.subarray(0, at), octets.subarray(at)]);
  }
});

test('every case has the same verdict in any pieces', () => {
  const property = fc.property(
    fc.constantFrom(...cases),
    fc.array(fc.integer({ min: 1, max: 6000 })),
    (each, lengths) => {
      agree(each, cut(each.octets, lengths));
    },
  );
  fc.assert(property, { numRuns: 500 });
});

test('every block of the storage comes back, whatever a case did', () => {
  for (const each of cases) {
    const storage = new HeadStorage();
    judgeIn(each, [each.octets], storage);
    judgeIn(each, [each.octets], storage);
    assert.ok(storage.keptBlocks <= 2, each.name);
  }
});

function agree(each: ConformanceCase, pieces: Pieces): void {
  assert.deepEqual(told(judgeIn(each, pieces)), told(judgeIn(each, [each.octets])), each.name);
}

/** The guess at what octets are depends on how many had come when they were refused; nothing else may. */
function told(verdict: readonly Verdict[]): readonly Verdict[] {
  return verdict.map((line) => (line.includes('response_not_http') ? line.slice(0, 3) : line));
}

function judgeIn(each: ConformanceCase, pieces: Pieces, storage = new HeadStorage()): readonly Verdict[] {
  return each.kind === 'request' ? judgeRequests(pieces, storage) : judgeResponses(pieces, each.method, storage);
}

function cut(octets: Uint8Array, lengths: readonly number[]): Pieces {
  const pieces: Uint8Array[] = [];
  let at = 0;
  for (const length of lengths) {
    if (at < octets.length) pieces.push(octets.subarray(at, at + length));
    at += length;
  }
  if (at < octets.length) pieces.push(octets.subarray(at));
  return pieces;
}
