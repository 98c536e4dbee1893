import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { OutputLineReader } from './output-lines.ts';
import { SecretMask } from './secret-mask.ts';

const url = 'postgres://anna:hunter2%2Fcanary@db/shop';
const key = '-----BEGIN KEY-----\nMIIEvcanaryAAAA\nMIIEvcanaryBBBB\n-----END KEY-----\n';
const mask = new SecretMask([url, 'sk_live_canary "1"', key, 'short', 'sk_live_canary']);

const lines: readonly (readonly [what: string, line: string, shown: string])[] = [
  ['a line without one', 'GET / 200', 'GET / 200'],
  ['the value', `connecting to ${url} now`, 'connecting to *** now'],
  ['it twice', `${url} ${url}`, '*** ***'],
  ['the password of an address alone', 'password hunter2%2Fcanary', 'password ***'],
  ['and as the program reads it', 'password hunter2/canary', 'password ***'],
  ['in JSON', JSON.stringify({ key: 'sk_live_canary "1"' }), '{"key":"***"}'],
  ['in a URL', `/?a=${encodeURIComponent('sk_live_canary "1"')}`, '/?a=***'],
  ['in base64', Buffer.from('sk_live_canary "1"').toString('base64'), '***'],
  ['in base64 for URLs', Buffer.from('~~~?>sk_live_canary').toString('base64url'), 'fn5-Pz5***'],
  ['in base64 after a user', `Basic ${Buffer.from('anna:sk_live_canary').toString('base64')}`, 'Basic YW5uYTp***'],
  ['in base64 after a longer user', Buffer.from('annab:sk_live_canary').toString('base64'), 'YW5uYWI6***'],
  ['in a form', String(new URLSearchParams({ a: 'sk_live_canary "1"' })), 'a=***'],
  ['in a URL of Python', 'sk_live%5Fcanary sk_live_canary%20%221%22', 'sk_live%5Fcanary ***'],
  ['the shorter of two', 'sk_live_canary', '***'],
  ['a line of a key', '  MIIEvcanaryBBBB', '  ***'],
  ['the first line of a key, which says what it is', '-----BEGIN KEY-----', '-----BEGIN KEY-----'],
  ['a value that is too short', 'a short line', 'a short line'],
];

describe('a line that a program prints is kept without values of secrets', () => {
  for (const [what, line, shown] of lines) test(what, () => assert.equal(mask.mask(line), shown));

  test('without secrets', () => assert.equal(new SecretMask([]).mask('a'), 'a'));

  test('a line that is cut within a value', () => {
    for (let begins = 4060; begins < 4100; begins++) {
      const read: string[] = [];
      const reader = new OutputLineReader((line) => read.push(line));
      reader.read(Buffer.from(`${'x'.repeat(begins)}${url}${'y'.repeat(100)}\n`));
      const [shown = ''] = read.map((line) => mask.mask(line));
      // Up to three characters of a value tell nothing.
      assert.doesNotMatch(shown, /xpost/);
    }
  });

  test('characters of patterns mean themselves', () => {
    assert.equal(new SecretMask(['a.b*c(d[e']).mask('a.b*c(d[e aXbbcdd'), '*** aXbbcdd');
  });
});
