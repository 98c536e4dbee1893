import assert from 'node:assert/strict';
import { test } from 'node:test';
import { commonLogTimeMs, requestOf, wholeNumber } from './line-text.ts';

test('a time of the Common Log Format is read with its zone, east and west', () => {
  const utcMs = Date.UTC(2026, 10, 21, 10, 15, 30);
  assert.equal(commonLogTimeMs('21/Nov/2026:10:15:30'), utcMs);
  assert.equal(commonLogTimeMs('21/Nov/2026:10:15:30.250 +0000'), utcMs + 250);
  assert.equal(commonLogTimeMs('21/Nov/2026:15:45:30 +0530'), utcMs);
  assert.equal(commonLogTimeMs('21/Nov/2026:05:15:30 -0500'), utcMs);
  for (const text of ['21/Foo/2026:10:15:30', '2026-11-21T10:15:30Z', '']) assert.equal(commonLogTimeMs(text), null);
});

test('a request loses its version, and text that is no request is null', () => {
  assert.equal(requestOf('GET /a?b= HTTP/c HTTP/1.1'), 'GET /a?b= HTTP/c');
  assert.equal(requestOf('GET /'), 'GET /');
  for (const text of ['', '-', '<BADREQ>']) assert.equal(requestOf(text), null);
});

test('a number is read only if the whole text is one', () => {
  assert.equal(wholeNumber('-1'), -1);
  for (const text of ['1.5', '1x', '', '9'.repeat(16), undefined]) assert.equal(wholeNumber(text), null);
});
