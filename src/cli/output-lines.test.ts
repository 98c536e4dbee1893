import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { stripVTControlCharacters } from 'node:util';
import type { OutputLineJson } from '../core/schemas/output.ts';
import { columnsMax } from './layout.ts';
import { outputRows } from './output-lines.ts';
import { plain } from './style.ts';

const rowsOf = (text: string): string[] => {
  const line = {
    at: '2026-01-01T12:00:04Z',
    stream: 'stderr',
    application: 'shop',
    instance: 'shop/1',
    text,
    left_out: 0,
  };
  return outputRows(line as OutputLineJson, plain).map(stripVTControlCharacters);
};

describe('a line of an application', () => {
  for (const [text, shown] of [
    ['boom', 'err shop/1 boom'],
    ['    raise KeyError(1)', 'err shop/1     raise KeyError(1)'],
    [' ^^^', 'err shop/1  ^^^'],
    ['\tat Shop.buy', 'err shop/1     at Shop.buy'],
    ['a   b', 'err shop/1 a   b'],
    ['', null],
  ] as const)
    test(`keeps its spaces: ${JSON.stringify(text)}`, () => {
      const rows = rowsOf(text);
      assert.deepEqual(
        rows.map((row) => row.slice(9)),
        shown === null ? [] : [shown],
      );
    });

  for (const text of [
    JSON.stringify({ level: 50, hostname: 'h'.repeat(90), words: 'of a log '.repeat(40), msg: 'boom' }),
    `${'x'.repeat(50)} ${'y'.repeat(50)} `.repeat(4),
    'x'.repeat(400),
  ])
    test(`ends with a mark where it is cut: ${text.slice(0, 10)}`, () => {
      const rows = rowsOf(text);
      assert.equal(rows.length, 4);
      assert.match(rows.at(-1) ?? '', /[^…]…$/);
      for (const row of rows) assert.ok(row.length <= columnsMax, row);
    });

  for (const text of [`    ${'word '.repeat(60)}`, ' '.repeat(300) + 'deep', `  ${'x'.repeat(400)}`])
    test(`stays within the columns of a terminal: ${text.trim().slice(0, 10)}`, () => {
      const rows = rowsOf(text);
      assert.ok(rows.length > 0 && rows.length <= 4);
      for (const row of rows) assert.ok(row.length <= columnsMax, row);
    });
});
