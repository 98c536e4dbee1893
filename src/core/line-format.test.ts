import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compileLine, headersInLine, lineFormatError } from './line-format.ts';
import type { ExchangeRecord } from './schemas/record.ts';

const record = {
  ...{ method: 'GET', path: '/a b"c', query: null, status: null, bytes_out: 12, tls: null, id: 'x' },
  client: { address: '192.0.2.1', port: 1, peer: '192.0.2.1', protocol: 'HTTP/1.1' },
  headers: { 'user-agent': 'curl' },
  fields: { tenant: 'blue' },
  attempts: [],
} as unknown as ExchangeRecord;

test('a line has the values of a record, escaped, and - for what there is not', () => {
  const escape = (text: string): string => text.replaceAll('"', '\\x22');
  for (const [format, line] of [
    ['{client_address} "{method} {path}{query}" {status} {bytes_sent}', '192.0.2.1 "GET /a b\\x22c" 499 12'],
    ['{header.User-Agent} {header.Referer} {field.tenant} {field.constructor}', 'curl - blue -'],
    ['{{"id": "{request_id}"}', '{"id": "x"}'],
    ['{endpoint} {attempts} {tls_version}', '- 0 -'],
  ] as const)
    assert.equal(compileLine(format)(record, escape), line, format);
  const unread = { ...record, method: '', path: '', host: '', headers: { 'user-agent': '' } };
  const format = '{method} {host} {path}{query} {header.User-Agent} {status}';
  assert.equal(compileLine(format)(unread, escape), '- - - - 499');
  assert.deepEqual(headersInLine('{header.User-Agent} {field.a} {path}'), ['user-agent']);
});

test('what is wrong with a format is said, with the word that is meant', () => {
  for (const [format, says] of [
    ['{stauts}', /no line of the log has \{stauts\}/],
    ['$remote_addr {path}', /no line of the log has \$remote_addr$/],
    ['all the same', /a format needs a variable/],
    ['{path}\n{status}', /visible ASCII/],
    ['{cookie.theme}', /no line of the log has/],
  ] as const)
    assert.match(lineFormatError(format)?.message ?? '', says, format);
  assert.equal(lineFormatError('{path}\t{status}'), null);
});
