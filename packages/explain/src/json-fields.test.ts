import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isoTimeMs, jsonLine } from './json-fields.ts';

const long = 'a'.repeat(20_000);

describe('a line of JSON', () => {
  it('is read only if the whole line is one object', () => {
    assert.deepEqual(jsonLine('{"a":1}'), { a: 1 });
    for (const text of ['[1]', 'null', '"a"', '{"a":1', '{"a":1,"b"', '']) assert.equal(jsonLine(text), null);
  });

  it('that was truncated keeps the members that are complete', () => {
    const kept = { level: 'info', status: 200, request: { uri: '/a,b"c', tries: [1, 2] } };
    const whole = JSON.stringify({ ...kept, fields: { one: [long], two: long } });
    const start = whole.indexOf('"fields"');
    for (const cut of [start + 12, start + 30, start + 20_030, whole.length - 1]) {
      const text = whole.slice(0, cut);
      assert.deepEqual(jsonLine(text.length < 20_000 ? `${text}${' '.repeat(20_000)}` : text), kept);
    }
  });

  it('that is long and no object is not read', () => {
    for (const text of [`{${long}`, `{"${long}`, `{"a":"${long}`, `{${',{'.repeat(9000)}`, `{"a" 1,"b":"${long}`])
      assert.equal(jsonLine(text), null);
  });
});

describe('a time in the form of RFC 3339', () => {
  it('counts as UTC without a zone, whatever the zone of the reader', (t) => {
    const zone = process.env['TZ'];
    t.after(() => {
      if (zone === undefined) delete process.env['TZ'];
      else process.env['TZ'] = zone;
    });
    process.env['TZ'] = 'America/New_York';
    const utcMs = Date.UTC(2026, 10, 21, 10, 15, 30);
    for (const text of [
      '2026-11-21T10:15:30',
      '2026-11-21 10:15:30Z',
      '2026-11-21T11:15:30+01:00',
      '2026-11-21T05:15:30-0500',
    ])
      assert.equal(isoTimeMs(text), utcMs, text);
    assert.equal(isoTimeMs('2026-11-21T10:15:30.25'), utcMs + 250);
    for (const value of ['2026-11-21', '21/Nov/2026', '', 5, null]) assert.equal(isoTimeMs(value), null);
  });
});
