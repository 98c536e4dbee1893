import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { keptKey } from './kept-key.ts';
import { SeededRandom } from '../testing/seeded-random.ts';
import { writeSynced, writeWhole, writeWholeLater } from './write-whole.ts';

const folder = mkdtempSync(join(tmpdir(), 'candor-write-'));
after(() => rmSync(folder, { recursive: true }));

/** Fails after the file was opened, as a full disk does. */
const unwritable = 7 as unknown as string;

test('what cannot be written leaves nothing behind, and the former content in place', async () => {
  const path = join(folder, 'state.json');
  writeWhole(path, 'before');
  assert.throws(() => writeWhole(path, unwritable));
  assert.throws(() => writeSynced(join(folder, 'key.4711'), unwritable));
  await assert.rejects(writeWholeLater(path, unwritable));
  assert.deepEqual(readdirSync(folder), ['state.json']);
  assert.equal(readFileSync(path, 'utf8'), 'before');
  await writeWholeLater(path, 'after');
  assert.equal(readFileSync(path, 'utf8'), 'after');
});

test('a key that a killed process had not finished is removed at the next start; other files stay', () => {
  const state = join(folder, 'state');
  const key = keptKey(state, 'a-key', new SeededRandom(1));
  for (const name of ['a-key.4711', 'a-key.old', 'b-key.1']) writeFileSync(join(state, name), 'x');
  assert.equal(keptKey(state, 'a-key', new SeededRandom(2)), key);
  assert.deepEqual(readdirSync(state).toSorted(), ['.gitignore', 'a-key', 'a-key.old', 'b-key.1']);
});
