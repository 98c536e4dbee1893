import assert from 'node:assert/strict';
import { test } from 'node:test';
import { countFigure, rateFigure, shareFigure } from './shown-figures.ts';

test('a share that is not zero is never shown as zero', () => {
  const rows: readonly (readonly [number | null, string])[] = [
    [null, '–'],
    [0, '0 %'],
    [0.000_01, '< 0.1 %'],
    [0.0123, '1.2 %'],
    [0.5, '50 %'],
    [1, '100 %'],
  ];
  for (const [share, text] of rows) assert.equal(shareFigure(share), text);
});

test('counts are short', () => {
  const rows: readonly (readonly [number, string])[] = [
    [0, '0'],
    [999, '999'],
    [1284, '1\u2009284'],
    [12_345, '12.3\u2009k'],
    [1_500_000, '1.50\u2009M'],
  ];
  for (const [count, text] of rows) assert.equal(countFigure(count), text);
  assert.equal(rateFigure(0.25), '0.3');
});
