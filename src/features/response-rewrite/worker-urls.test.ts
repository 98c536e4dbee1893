import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from '../../../test/properties.ts';
import type { AnsweredRequest } from '../../core/response-values.ts';
import type { PathPrefixes, UrlChange } from './settings.ts';
import { refreshForClient, urlForClient } from './worker-urls.ts';

const answered: AnsweredRequest = {
  scheme: 'https',
  authorities: ['www.test'],
  schemeSent: 'http',
  ownAuthorities: ['127.0.0.1:3000', 'app.internal:80'],
};
const removed: PathPrefixes = { ofClients: '/app', ofApplication: '/' };
const moved: PathPrefixes = { ofClients: '/api', ofApplication: '/v1' };
const added: PathPrefixes = { ofClients: '/', ofApplication: '/v1' };
const inside: PathPrefixes = { ofClients: '/a', ofApplication: '/a/b' };

const addresses: UrlChange = { paths: false, hosts: [] };
const paths: UrlChange = { paths: true, hosts: ['old.internal', 'old.internal:8443'] };

type Case = readonly [url: string, change: UrlChange, prefix: PathPrefixes | null, expected: string];

const cases: readonly Case[] = [
  ['http://127.0.0.1:3000/x?y#z', addresses, null, '/x?y#z'],
  ['http://127.0.0.1:3000', addresses, removed, '/app/'],
  ['http://127.0.0.1:3000?x', addresses, removed, '/app/?x'],
  ['HTTP://127.0.0.1:3000/x', addresses, removed, '/app/x'],
  ['//127.0.0.1:3000/x', addresses, removed, '/app/x'],
  ['http:\\\\127.0.0.1:3000\\x', addresses, null, '/x'],
  ['http://app.internal/x', addresses, moved, '/x'],
  ['http://APP.internal:80/v1/x', addresses, moved, '/api/x'],
  ['http://127.0.0.1:3000//evil.test/', addresses, null, '/evil.test/'],
  ['http://127.0.0.1:3000/\\evil.test/', addresses, null, '/evil.test/'],
  ['http://127.0.0.1:3000/\t/evil.test/', addresses, null, '/evil.test/'],
  ['http://127.0.0.1:3000/v1//evil.test/', addresses, added, '/evil.test/'],
  // Of the scheme of the client, because X-Forwarded-Proto says so.
  ['https://127.0.0.1:3000/x', addresses, null, '/x'],
  ['ftp://127.0.0.1:3000/x', addresses, null, 'ftp://127.0.0.1:3000/x'],
  ['http://127.0.0.1:3001/x', addresses, null, 'http://127.0.0.1:3001/x'],
  ['http://user@127.0.0.1:3000/x', addresses, null, 'http://user@127.0.0.1:3000/x'],
  ['http://127.0.0.1:3000.evil.test/x', addresses, null, 'http://127.0.0.1:3000.evil.test/x'],
  ['/x', addresses, removed, '/x'],
  ['https://www.test/x', addresses, removed, 'https://www.test/x'],
  ['/login?next=/x', paths, removed, '/app/login?next=/x'],
  ['/', paths, removed, '/app/'],
  ['/app/login', paths, removed, '/app/login'],
  ['/app', paths, removed, '/app'],
  ['/app?x', paths, removed, '/app?x'],
  ['/application', paths, removed, '/app/application'],
  ['/v1', paths, moved, '/api'],
  ['/v1?x', paths, moved, '/api?x'],
  ['/v10', paths, moved, '/v10'],
  ['/v1/x', paths, added, '/x'],
  ['/v1', paths, added, '/'],
  ['/x', paths, added, '/x'],
  ['/a/b/c', paths, inside, '/a/c'],
  ['/a/c', paths, inside, '/a/c'],
  ['https://www.test/login', paths, removed, 'https://www.test/app/login'],
  ['http://www.test/login', paths, removed, 'http://www.test/app/login'],
  ['https://www.test:443/login', paths, removed, 'https://www.test:443/app/login'],
  ['https://www.test', paths, removed, 'https://www.test'],
  ['https://other.test/login', paths, removed, 'https://other.test/login'],
  ['https://old.internal:8443/x', paths, removed, '/app/x'],
  ['http://old.internal:80/x', paths, removed, '/app/x'],
  ['login', paths, removed, 'login'],
  ['../login', paths, removed, '../login'],
  ['?x', paths, removed, '?x'],
  ['', paths, removed, ''],
  ['javascript:alert(1)', paths, removed, 'javascript:alert(1)'],
  ['//evil.test/x', paths, removed, '//evil.test/x'],
];

describe('a URL of an application', () => {
  for (const [url, change, prefix, expected] of cases)
    it(`${JSON.stringify(url)} ${change.paths ? 'with paths ' : ''}behind ${prefix?.ofClients ?? 'no prefix'} is ${expected}`, () =>
      assert.equal(urlForClient(url, change, prefix, answered), expected));

  it('leads to the host of the client or stays as it is, whatever it has', () => {
    const piece = fc.constantFrom(
      ...['/', '\\', '\t', '//', 'http:', 'https:', '127.0.0.1:3000', 'www.test', 'evil.test'],
      ...['@', '?', '#', 'v1', 'app', '.', '%2F', ':', ' '],
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 8 }), fc.constantFrom(removed, moved, added, null), (pieces, prefix) => {
        const url = pieces.join('');
        const result = urlForClient(url, paths, prefix, answered);
        if (result === url) return;
        const { hostname } = new URL(result, 'https://www.test/here');
        assert.equal(hostname, 'www.test', `${JSON.stringify(url)} became ${JSON.stringify(result)}`);
      }),
      { numRuns: 3000 },
    );
  });
});

describe('the URL of a Refresh header', () => {
  const ofUrl = (url: string): string => `<${url}>`;
  for (const [value, expected] of [
    ['5', '5'],
    ['5; url=/x', '5; url=</x>'],
    ['0;URL=/x', '0;URL=</x>'],
    ['0, url = "/x"', '0, url = "</x>"'],
    ["1.5; url='/x'; more", "1.5; url='</x>'; more"],
    ['3 /x', '3 </x>'],
    ['5; /x', '5; </x>'],
    ['/x', '/x'],
    ['', ''],
  ] as const)
    it(`${value} becomes ${expected}`, () => assert.equal(refreshForClient(value, ofUrl), expected));
});
