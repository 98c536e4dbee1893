import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { withSourcePositions } from './source-position.ts';

describe('the stack of an error', () => {
  let folder = '';
  let bundle = '';
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'candor-position-'));
    bundle = pathToFileURL(join(folder, 'bundle.js')).href;
    // The first line of the bundle, from its fifth column on, is the third line of the source.
    const map = { version: 3, sources: ['../../src/core/a.ts'], names: [], mappings: 'IAEE' };
    writeFileSync(join(folder, 'bundle.js.map'), JSON.stringify(map));
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  test('names the source of a bundle, each time that it occurs', () => {
    assert.equal(
      withSourcePositions(`Error: wrong\n    at add (${bundle}:1:5)\n    at ${bundle}:1:9`),
      'Error: wrong\n    at add (src/core/a.ts:3:3)\n    at src/core/a.ts:3:3',
    );
  });

  const unchanged: readonly [what: string, stack: () => string][] = [
    ['a position that is nowhere in the source', () => `at ${bundle}:1:2`],
    ['a file without a source map', () => `at ${bundle.replace('bundle', 'other')}:1:5`],
    ['a file that is no bundle', () => `at ${import.meta.url}:1:5`],
    ['Node itself', () => 'at node:internal/process/task_queues:104:5'],
    ['text that is no position', () => 'Error: see file:///a/b.js for more'],
  ];
  for (const [what, stack] of unchanged) {
    test(`keeps ${what}`, () => assert.equal(withSourcePositions(stack()), stack()));
  }

  test('keeps positions where a map is damaged', () => {
    writeFileSync(join(folder, 'damaged.js.map'), '{"version":3');
    const stack = `at ${bundle.replace('bundle', 'damaged')}:1:5`;
    assert.equal(withSourcePositions(stack), stack);
  });
});
