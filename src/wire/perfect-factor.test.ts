import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as headerNames from './known-names.ts';
import * as staticNames from './h2/static-names.ts';
import { perfectFactor } from './known-names.ts';

test('the factors that are tried first hold: no start searches for one', () => {
  assert.equal(headerNames.factor, headerNames.firstFactor, `write firstFactor = ${headerNames.factor}`);
  assert.equal(staticNames.factor, staticNames.firstFactor, `write firstFactor = ${staticNames.factor}`);
});

test('a factor is found for names that meet under the first one', () => {
  const names = Array.from({ length: 12 }, (_, at) => Uint8Array.of(at * 7));
  const hash = (bytes: Uint8Array, start: number, _: number, by: number): number =>
    Math.imul(bytes[start] as number, by) >>> 27;
  const factor = perfectFactor(0, names, 32, hash);
  assert.notEqual(factor, 0, 'under 0 all names meet');
  assert.equal(new Set(names.map((name) => hash(name, 0, 1, factor))).size, names.length);
});
