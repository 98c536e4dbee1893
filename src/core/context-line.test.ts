import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { afterEndText, contextLineJson } from './context-line.ts';
import type { OutputLine, OutputSource } from './output-line.ts';
import type { AttemptRecord } from './schemas/record.ts';

const began = Date.UTC(2026, 10, 24, 12);
const id = '019aa5d2-5f1c-7c3e-9f0b-000000000001';
const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';

const attemptAt = (endpoint: string, address: string): AttemptRecord => ({ endpoint, address }) as AttemptRecord;
const record = {
  ...{ id, at: new Date(began).toISOString(), duration_ms: 1000, application: 'shop', upstream: 'web' },
  attempts: [attemptAt('web/shop/1/127.0.0.1:4000', '127.0.0.1:4000'), attemptAt('old/10.0.0.7:80', '10.0.0.7:80')],
};
const line = (second: number, application: string, text = `order ${id}`): OutputLine => {
  const source: OutputSource = { application, instance: null, pid: null, stream: 'file', path: '/log' };
  return { at: began + second * 1000, source, text, leftOut: 0 };
};

describe('a line with an id of a request', () => {
  for (const [second, application, relation, afterEndMs] of [
    [0.5, 'shop', 'attempt', -500],
    [-4, 'shop', 'attempt', -5000],
    [5.9, 'shop', 'attempt', 4900],
    [5.9, 'old', 'attempt', 4900],
    [-6, 'shop', 'other_time', -7000],
    [67, 'shop', 'other_time', 66_000],
    [0.5, 'blog', 'no_attempt', -500],
    [67, 'blog', 'no_attempt', 66_000],
  ] as const)
    test(`that ${application} prints at second ${second} is of ${relation}`, () => {
      const found = contextLineJson(line(second, application), record);
      assert.deepEqual([found.relation, found.after_end_ms], [relation, afterEndMs]);
    });

  test('of a request that no endpoint got is of no attempt', () => {
    assert.equal(contextLineJson(line(0, 'shop'), { ...record, attempts: [] }).relation, 'no_attempt');
  });

  for (const [text, has] of [
    [`order ${id}`, 'request_id'],
    [`{"id":"${id.toUpperCase()}","trace":"${traceId}"}`, 'request_id'],
    [id.replaceAll('-', ''), 'request_id'],
    [`traceparent: 00-${traceId}-00f067aa0ba902b7-01`, 'trace_id'],
  ] as const)
    test(`${text.slice(0, 24)}… has the ${has}`, () =>
      assert.equal(contextLineJson(line(0, 'shop', text), record).has, has));
});

test('the distance from the end of a request is told in seconds, rounded up, and on which side', () => {
  assert.deepEqual([66_000, 5200, -2400, 7_300_000].map(afterEndText), [
    '66 s after its end',
    '6 s after its end',
    '3 s before its end',
    '2 h 1 min after its end',
  ]);
});
