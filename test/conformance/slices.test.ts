import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from '../properties.ts';
import { HeadStorage } from '../../src/wire/head-storage.ts';
import { judgeRequests, judgeResponses, type Slices, type Verdict } from './judge.ts';
import { type ConformanceCase, loadCases } from './load-cases.ts';

const cases = loadCases();
const small = cases.filter(({ bytes }) => bytes.length < 2000);

test('every case has the same verdict in one slice and byte by byte', () => {
  for (const each of cases) {
    const slices = Array.from(each.bytes, (byte) => Uint8Array.of(byte));
    agree(each, slices);
  }
});

test('every case has the same verdict in two slices, split anywhere', () => {
  for (const each of small) {
    const { bytes } = each;
    for (let at = 1; at < bytes.length; at++) agree(each, [bytes.subarray(0, at), bytes.subarray(at)]);
  }
});

test('every case has the same verdict in random slices', () => {
  const property = fc.property(
    fc.constantFrom(...cases),
    fc.array(fc.integer({ min: 1, max: 6000 })),
    (each, lengths) => {
      agree(each, cut(each.bytes, lengths));
    },
  );
  fc.assert(property, { numRuns: 500 });
});

test('every block of the storage comes back, whatever a case did', () => {
  for (const each of cases) {
    const storage = new HeadStorage();
    judgeIn(each, [each.bytes], storage);
    judgeIn(each, [each.bytes], storage);
    assert.ok(storage.keptBlocks <= 2, each.name);
  }
});

function agree(each: ConformanceCase, slices: Slices): void {
  assert.deepEqual(told(judgeIn(each, slices)), told(judgeIn(each, [each.bytes])), each.name);
}

/** The guess at the protocol of the bytes depends on how many had come at the refusal; nothing else may. */
function told(verdict: readonly Verdict[]): readonly Verdict[] {
  return verdict.map((line) => (line.includes('response_not_http') ? line.slice(0, 3) : line));
}

function judgeIn(each: ConformanceCase, slices: Slices, storage = new HeadStorage()): readonly Verdict[] {
  return each.kind === 'request' ? judgeRequests(slices, storage) : judgeResponses(slices, each.method, storage);
}

function cut(bytes: Uint8Array, lengths: readonly number[]): Slices {
  const slices: Uint8Array[] = [];
  let at = 0;
  for (const length of lengths) {
    if (at < bytes.length) slices.push(bytes.subarray(at, at + length));
    at += length;
  }
  if (at < bytes.length) slices.push(bytes.subarray(at));
  return slices;
}
