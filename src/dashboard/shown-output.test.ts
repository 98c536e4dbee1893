import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ContextLineJson } from '../core/schemas/output.ts';
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
  left_out_why: null,
  ...{ has: 'request_id', relation: 'attempt', after_end_ms: 0 },
  ...more,
});

test('lines with an id of the request come first, then those of its trace, then those that may be about another one', () => {
  const context = {
    ...noContextJson,
    lines: [line(1, 'fails', { has: 'trace_id' }), line(3, 'begins')],
    nearby: [line(2, 'garbage collection'), line(4, 'exits')],
  };
  const { ofAttempts, others } = shownOutput(context);
  assert.deepEqual(
    ofAttempts.map(({ line: { text }, about }) => [text, about]),
    [
      ['begins', 'this request'],
      ['fails', 'its trace'],
      ['garbage collection', 'meanwhile'],
      ['exits', 'meanwhile'],
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
    [
      '9 s before its end, with the id of its trace',
      '66 s after its end, with the id of the request; its application had no attempt',
    ],
  );
});
