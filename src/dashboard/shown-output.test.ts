import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { OutputLineJson } from '../core/output-line.ts';
import { noContextJson } from '../core/request-context.ts';
import { shownOutput } from './shown-output.ts';

const line = (second: number, text: string): OutputLineJson => ({
  kind: 'output',
  at: `2026-11-24T12:00:0${second}.000Z`,
  application: 'shop',
  instance: 'shop/1',
  pid: 7,
  stream: 'stderr',
  path: null,
  text,
  left_out: 0,
});

test('lines with the id of the request and those without stand in the order of their times, and say which they are', () => {
  const context = {
    ...noContextJson,
    lines: [line(1, 'begins'), line(3, 'fails')],
    nearby: [line(2, 'garbage collection'), line(4, 'exits')],
  };
  assert.deepEqual(
    shownOutput(context).map(({ line: { text }, hasId }) => [text, hasId]),
    [
      ['begins', true],
      ['garbage collection', false],
      ['fails', true],
      ['exits', false],
    ],
  );
});
