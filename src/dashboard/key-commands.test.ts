import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KeyCommands } from './key-commands.ts';
import { pages } from './page-address.ts';

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
