import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';

/** Compares a text with golden/<name>. UPDATE_GOLDEN=1 writes the file instead; read the difference before you commit it. */
export function assertGolden(name: string, text: string): void {
  const path = join(import.meta.dirname, 'golden', name);
  if (process.env['UPDATE_GOLDEN'] === '1' || !existsSync(path)) writeFileSync(path, text);
  assert.equal(text, readFileSync(path, 'utf8'));
}

/** Asserts that every line fits a terminal of 80 columns. */
export function assertFits(text: string): void {
  for (const line of stripVTControlCharacters(text).split('\n'))
    assert.ok([...line].length <= 80, `${[...line].length} columns: ${line}`);
}
