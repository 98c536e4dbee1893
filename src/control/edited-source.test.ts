import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { EditedSource } from './edited-source.ts';

test('a file is edited while it has another text than the one that was applied', (context) => {
  const folder = mkdtempSync(join(tmpdir(), 'candor-edited-'));
  context.after(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'candor.yaml');
  const source = new EditedSource(path);
  writeFileSync(path, 'a: 1');
  assert.equal(source.isEdited, false, 'what was applied is not known');
  source.noteApplied('a: 1');
  assert.equal(source.isEdited, false);
  writeFileSync(path, 'a: 22');
  assert.deepEqual([source.isEdited, source.isEdited], [true, true]);
  source.noteApplied('a: 22');
  assert.equal(source.isEdited, false);
  writeFileSync(path, 'a: 1');
  assert.equal(source.isEdited, true);
  writeFileSync(path, 'a: 22');
  assert.equal(source.isEdited, false, 'written again as it was');
  rmSync(path);
  assert.equal(source.isEdited, false, 'it cannot be read');
  assert.equal(new EditedSource(null).isEdited, false);
});
