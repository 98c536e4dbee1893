import assert from 'node:assert/strict';
import { test } from 'node:test';
import { contentKinds } from './content-kind.ts';
import { headerFilter } from './header-names.ts';
import { eachHeaderLine } from './header-lines.ts';
import { LineHeaders } from './line-headers.ts';

const headers = (): LineHeaders =>
  new LineHeaders([
    ['Content-Type', 'text/html; charset=utf-8'],
    ['Vary', 'Accept'],
    ['vary', 'Accept-Encoding'],
    ['X-Note', 'caf\u00e9'],
  ]);

/** What a sink gets, however it gets it; 'bytes' at the end if whole lines came. */
function written(from: LineHeaders, dropped: readonly string[], drop = headerFilter(dropped)): string[] {
  const lines: string[] = [];
  const header = (name: string, value: string): void => void lines.push(`${name}: ${value}`);
  from.writeTo(
    {
      header,
      headerLines(bytes, start, end) {
        eachHeaderLine(bytes, start, end, header);
        lines.push('bytes');
      },
    },
    drop,
  );
  return lines;
}

const all = ['Content-Type: text/html; charset=utf-8', 'Vary: Accept', 'vary: Accept-Encoding', 'X-Note: caf\u00e9'];

test('lines that are written again with the same filter are the same, as bytes', () => {
  const one = headers();
  const drop = headerFilter([]);
  assert.deepEqual(written(one, [], drop), all);
  for (let again = 0; again < 2; again++) assert.deepEqual(written(one, [], drop), [...all, 'bytes']);
});

test('another filter drops its own lines, before and after lines were made bytes', () => {
  const one = headers();
  const drop = headerFilter(['vary']);
  const kept = [all[0], all[3]];
  assert.deepEqual(written(one, []), all);
  assert.deepEqual(written(one, [], drop), kept);
  assert.deepEqual(written(one, [], drop), [...kept, 'bytes']);
  assert.deepEqual(written(one, []), all);
});

test('values are found by lowercase names, and joined', () => {
  const one = headers();
  assert.deepEqual([one.get('vary'), one.get('etag'), one.has('x-note')], ['Accept, Accept-Encoding', null, true]);
  for (let again = 0; again < 2; again++) assert.equal(contentKinds[one.contentKind()], 'html');
  assert.equal(contentKinds[new LineHeaders([]).contentKind()], 'none');
});
