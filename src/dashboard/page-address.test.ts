import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { addressHash, type PageAddress, parseAddress, pages, KeyCommands } from './page-address.ts';

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

test('g and the key of a page lead there', () => {
  for (const { id, key } of pages) {
    const commands = new KeyCommands();
    assert.equal(commands.press('g', 0), null);
    assert.deepEqual(commands.press(key, 500), { kind: 'go', page: id });
  }
});

test('the second key means nothing of its own if it comes late or alone', () => {
  const commands = new KeyCommands();
  assert.equal(commands.press('u', 0), null);
  commands.press('g', 0);
  assert.equal(commands.press('u', 5000), null);
});

test('no two pages have the same key', () => {
  assert.equal(new Set(pages.map(({ key }) => key)).size, pages.length);
});

test('a key after g that belongs to no page has its own meaning', () => {
  const commands = new KeyCommands();
  commands.press('g', 0);
  assert.deepEqual(commands.press('/', 10), { kind: 'search' });
  assert.deepEqual(commands.press('j', 20), { kind: 'move', by: 1 });
});
