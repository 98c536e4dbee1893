import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { PairHeaders } from './pair-headers.ts';
import { isOtherContent, isUnasked, isUnclosedJson, jsonKindOf, takenCoding, targetCell } from './content-flaw.ts';
import { contentKinds, contentKindOfText, elsewhereCell, madeCell } from './content-kind.ts';

describe('a coding that the client has asked for', () => {
  const cases: readonly (readonly [asked: string | null, coding: string | null, taken: string | null])[] = [
    ['gzip, br', 'br', 'br'],
    ['gzip', 'x-gzip', 'gzip'],
    ['*', 'zstd', 'zstd'],
    ['gzip', null, ''],
    [null, 'identity', ''],
    [null, 'gzip', null],
    ['gzip', 'br', null],
    ['gzip', 'gzip, gzip', null],
  ];
  for (const [asked, coding, taken] of cases)
    test(`${coding} where ${asked} was asked for: ${taken}`, () => {
      const request = new PairHeaders(asked === null ? [] : [['accept-encoding', asked]]);
      const response = new PairHeaders(coding === null ? [] : [['content-encoding', coding]]);
      assert.equal(takenCoding(request, response), taken);
    });
});

test('304 and 206 are asked for by a condition and by a range', () => {
  const cases: readonly (readonly [status: number, asked: readonly string[], isUnasked: boolean])[] = [
    [304, [], true],
    [304, ['range'], true],
    [304, ['if-none-match'], false],
    [304, ['if-modified-since'], false],
    [206, [], true],
    [206, ['if-none-match'], true],
    [206, ['range'], false],
    [200, [], false],
  ];
  for (const [status, asked, unasked] of cases)
    assert.equal(
      isUnasked(status, new PairHeaders(asked.map((name) => [name, 'x']))),
      unasked,
      `${status} ${asked.join()}`,
    );
});

describe('content that is none of what its head says', () => {
  const text = Buffer.from(JSON.stringify({ a: 'b'.repeat(100), c: [1, 2, 3] }));
  const random = Buffer.from(Array.from({ length: 400 }, (_, at) => (at * 7919 * (at + 13)) % 251));
  const cases: readonly (readonly [what: string, type: string, coding: string, content: Buffer, isOther: boolean])[] = [
    ['JSON', 'application/json', '', text, false],
    ['gzip', 'application/json', 'gzip', gzipSync(text), false],
    ['gzip without its header', 'application/json', '', gzipSync(text), true],
    ['a file of gzip', 'application/octet-stream', '', gzipSync(text), false],
    ['plain text that its header calls gzip', 'text/html', 'gzip', text, true],
    ['gzip of gzip', 'text/html', 'gzip', gzipSync(gzipSync(random)), true],
    ['a page that its header calls JSON', 'application/json', '', Buffer.from('<html>'), true],
    ['brotli, which has no mark', 'text/html', 'br', text, false],
  ];
  for (const [what, type, coding, content, isOther] of cases)
    test(what, () =>
      assert.equal(isOtherContent(contentKindOfText(type), coding, content, 0, content.length), isOther),
    );
});

test('JSON ends with a bracket or white space', () => {
  const json = contentKindOfText('application/json');
  const endsWell = (text: string): boolean => !isUnclosedJson(json, text.charCodeAt(text.length - 1));
  assert.deepEqual(['{"a":1}', '[1]\n', '{"a":1', '{"a":"b'].map(endsWell), [true, true, false, false]);
  assert.equal(isUnclosedJson(contentKindOfText('text/html'), 0x31), false);
});

test('JSON is a list, an error with a good status, or something else, by its first bytes', () => {
  const kindOf = (text: string): string | undefined =>
    contentKinds[jsonKindOf(new TextEncoder().encode(`;${text}`), 1, text.length + 1)];
  const errors = [
    '{"errors":[{"message":"no"}]}',
    '{"error":"no"}',
    '{\n  "error" : {"code":7}}',
    '{"ok":false,"x":1}',
  ];
  const others = [
    '{"errors":[],"data":{}}',
    '{"error":null,"id":1}',
    '{"order":7}',
    '{"success":true}',
    '{"a":1}',
    '{',
    '7',
  ];
  for (const text of [...errors, '{"success":false}', '{"status":"error"}', '{"error":true}'])
    assert.equal(kindOf(text), 'error', text);
  for (const text of [...others, '{"status":"open"}', '{"error":""}', '{"errorless":"a"}'])
    assert.equal(kindOf(text), 'json', text);
  assert.equal(kindOf('[{"error":1}]'), 'list');
});

test('a redirect is known by its host and the first part of its path', () => {
  assert.equal(targetCell('/login?next=/a'), targetCell('/login?next=/b'));
  assert.notEqual(targetCell('/login'), targetCell('http://10.0.0.7/login'));
  assert.equal(targetCell(null), 0);
});

test('a redirect to another site is told from others', () => {
  const isElsewhere = (location: string, authority = 'www.shop.test:8080'): boolean =>
    targetCell(location, 302, { method: 'GET', target: '/', authority }) >= elsewhereCell;
  const own = [
    '/login',
    'login',
    '//WWW.shop.test/a',
    'https://shop.test',
    'https://id.shop.test./login?to=//a.example',
  ];
  assert.deepEqual(
    own.filter((location) => isElsewhere(location)),
    [],
  );
  const others = ['https://prizes.example/win', '//shop.example', 'http://10.0.0.7/', 'https://shop.test@a.example/'];
  assert.deepEqual(
    others.filter((location) => isElsewhere(location)),
    others,
  );
  assert.ok(!isElsewhere('http://10.0.0.7/', '10.0.0.7:80') && isElsewhere('http://[::1]/', '[::2]:80'));
});

test('a redirect to what a form has made is told from others', () => {
  const isMade = (location: string, status = 303, method = 'POST', target = '/b/holds?seat=4'): boolean =>
    targetCell(location, status, { method, target, authority: 'shop.test' }) === madeCell;
  assert.ok(isMade('/b/holds/17'));
  assert.ok(isMade('/b/holds/5f0c-ab?new#top', 303, 'PUT', '/b/holds/'));
  const others = ['/login', '/b/holds', '/b/holds/', '/b/holds/login', '/b/holds/login?next=1', '/b/holdsmore/17'];
  const elsewhere = ['https://shop.test/b/holds/17', '//shop.test/b/holds/17', '/b/holds/17/edit'];
  assert.deepEqual(
    [...others, ...elsewhere].filter((location) => isMade(location)),
    [],
  );
  assert.ok(!isMade('/b/holds/17', 302) && !isMade('/b/holds/17', 303, 'GET'));
});
