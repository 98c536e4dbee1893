import assert from 'node:assert/strict';
import { test } from 'node:test';
import { countFigure, rateFigure, shareFigure, timeTextMs, zoneText } from './shown-figures.ts';

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

test('a time has its day where that is not today', () => {
  const at = new Date(2026, 10, 22, 14, 2, 11, 58).getTime();
  assert.equal(timeTextMs(at, at + 1000), '14:02:11.058');
  assert.equal(timeTextMs(at, at + 86_400_000), '11-22 14:02:11.058');
});

test('the zone of the times is said', () => {
  const at = Date.parse('2026-11-22T12:00:00Z');
  const before = process.env['TZ'];
  const shown = ['UTC', 'Asia/Kolkata', 'America/St_Johns'].map((zone) => {
    process.env['TZ'] = zone;
    return zoneText(at);
  });
  if (before === undefined) delete process.env['TZ'];
  else process.env['TZ'] = before;
  assert.deepEqual(shown, ['UTC', 'UTC+05:30', 'UTC-03:30']);
});
