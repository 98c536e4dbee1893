import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { jsonLine } from './json-fields.ts';

const long = 'a'.repeat(20_000);

describe('a line of JSON', () => {
  it('is the object that it is, and nothing else', () => {
    assert.deepEqual(jsonLine('{"a":1}'), { a: 1 });
    for (const text of ['[1]', 'null', '"a"', '{"a":1', '{"a":1,"b"', '']) assert.equal(jsonLine(text), null);
  });

  it('that was cut for its length keeps the fields that are whole', () => {
    const kept = { level: 'info', status: 200, request: { uri: '/a,b"c', tries: [1, 2] } };
    const whole = JSON.stringify({ ...kept, fields: { one: [long], two: long } });
    const start = whole.indexOf('"fields"');
    for (const cut of [start + 12, start + 30, start + 20_030, whole.length - 1]) {
      const text = whole.slice(0, cut);
      assert.deepEqual(jsonLine(text.length < 20_000 ? `${text}${' '.repeat(20_000)}` : text), kept);
    }
  });

  it('that is long and no object is nothing', () => {
    for (const text of [`{${long}`, `{"${long}`, `{"a":"${long}`, `{${',{'.repeat(9000)}`, `{"a" 1,"b":"${long}`])
      assert.equal(jsonLine(text), null);
  });
});
