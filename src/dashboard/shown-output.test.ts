import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ContextLineJson } from '../core/context-line.ts';
import { noContextJson } from '../core/request-context.ts';
import { shownOutput } from './shown-output.ts';

const line = (second: number, text: string, more: Partial<ContextLineJson> = {}): ContextLineJson => ({
  kind: 'output',
  at: `2026-11-24T12:00:0${second}.000Z`,
  application: 'shop',
  instance: 'shop/1',
  pid: 7,
  stream: 'stderr',
  path: null,
  text,
  left_out: 0,
  ...{ has: 'request_id', relation: 'attempt', after_end_ms: 0 },
  ...more,
});

test('lines with an id of the request and those without stand in the order of their times, and say which they have', () => {
  const context = {
    ...noContextJson,
    lines: [line(1, 'begins'), line(3, 'fails', { has: 'trace_id' })],
    nearby: [line(2, 'garbage collection'), line(4, 'exits')],
  };
  const { ofAttempts, others } = shownOutput(context);
  assert.deepEqual(
    ofAttempts.map(({ line: { text }, about }) => [text, about]),
    [
      ['begins', 'this request'],
      ['garbage collection', 'no id'],
      ['fails', 'its trace'],
      ['exits', 'no id'],
    ],
  );
  assert.deepEqual(others, []);
});

test('lines of applications that had no attempt, and those of another time, stand apart and say when they came', () => {
  const lines = [
    line(1, 'in time'),
    line(2, 'a 404 of the blog', { relation: 'no_attempt', after_end_ms: 66_000 }),
    line(3, 'a mail', { relation: 'other_time', has: 'trace_id', after_end_ms: -9000 }),
  ];
  const { ofAttempts, others } = shownOutput({ ...noContextJson, lines });
  assert.deepEqual(
    ofAttempts.map(({ line: { text } }) => text),
    ['in time'],
  );
  assert.deepEqual(
    others.map(({ about }) => about),
    ['this request, 66 s after its end; its application had no attempt', 'its trace, 9 s before its end'],
  );
});
