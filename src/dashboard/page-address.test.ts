import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { addressHash, type PageAddress, parseAddress, pages } from './page-address.ts';

const addresses: readonly (readonly [hash: string, address: PageAddress])[] = [
  ['#/now', { page: 'now', id: '', parameters: {} }],
  ['#/upstreams/api%2Fv2', { page: 'upstreams', id: 'api/v2', parameters: {} }],
  [
    '#/requests?query=status%3A5xx+since%3A1h',
    { page: 'requests', id: '', parameters: { query: 'status:5xx since:1h' } },
  ],
  ['#/requests/0199', { page: 'requests', id: '0199', parameters: {} }],
];

test('an address is the same after it was a link', () => {
  for (const [hash, address] of addresses) {
    assert.deepEqual(parseAddress(hash), address);
    assert.equal(addressHash(address.page, address.id, address.parameters), hash);
  }
});

test('an address that no page has leads to the page Now', () => {
  for (const hash of ['', '#', '#/', '#/nothing/here', '#__proto__'])
    assert.deepEqual(parseAddress(hash), { page: 'now', id: '', parameters: {} });
});

test('a malformed escape is a part of the name', () => {
  assert.equal(parseAddress('#/upstreams/50%').id, '50%');
});

test('docs/dashboard.md names the key of every page', () => {
  const document = readFileSync(new URL('../../docs/dashboard.md', import.meta.url), 'utf8');
  for (const { key, name } of pages) assert.ok(document.includes(`\`g ${key}\` ${name}`), name);
});
