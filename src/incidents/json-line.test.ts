import assert from 'node:assert/strict';
import { test } from 'node:test';
import { messageOfJsonLine } from './json-line.ts';

const before = { level: 50, time: 1767268800000, pid: 7, hostname: 'h'.repeat(200) };
const messageOf = (fields: object): string | null => messageOfJsonLine(JSON.stringify({ ...before, ...fields }));
const missing = 'column "total" does not exist';

test('a line of JSON is told by its message and by that of its error', () => {
  for (const fields of [
    { err: { type: 'DatabaseError', message: missing, stack: `error: ${missing}\n    at a.js:1` } },
    { err: { message: missing }, msg: missing },
    { msg: missing },
    { message: `${missing}\nand more` },
    { error: missing },
    { error: { message: missing } },
    { err: { message: '', stack: `${missing}\n    at a.js:1` } },
    { stack: `${missing}\n    at a.js:1` },
  ])
    assert.equal(messageOf(fields), missing, JSON.stringify(fields));
  assert.equal(messageOf({ msg: 'request errored', err: { message: missing } }), `request errored: ${missing}`);
  assert.equal(messageOf({ message: `Error: ${missing}`, error: { message: missing } }), `Error: ${missing}`);
});

test('a line of JSON that was cut, or made invalid, is told by the messages that are whole', () => {
  const whole = JSON.stringify({ ...before, err: { message: missing }, msg: 'request errored' });
  assert.equal(messageOfJsonLine(whole.slice(0, -4)), missing);
  assert.equal(messageOfJsonLine(String.raw`{"token":…,"msg":"a\tb"}`), 'a\tb');
});

test('other lines are told as they are', () => {
  for (const line of ['Error: boom', '{', '{"level":50}', '{"msg":7}', '{ a: 1 }', '["msg"]', '{"msg":"\\u00zz"', ''])
    assert.equal(messageOfJsonLine(line), null, line);
});
