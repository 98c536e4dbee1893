import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { buildDashboard, currentDashboard } from '../../scripts/dashboard.ts';

/** Of all that a browser loads if it visits every page, compressed. */
const bytesMax = 134 * 1024;

describe('the built dashboard', () => {
  const parent = mkdtempSync(join(tmpdir(), 'candor-build-'));
  const folder = join(parent, 'dashboard');
  let files: readonly string[];
  before(async () => {
    await buildDashboard(folder);
    files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => /\.\w+$/.test(name));
  });
  after(() => rmSync(parent, { recursive: true, force: true }));

  test('has at most 134 kB', (context) => {
    const bytes = files
      .filter((name) => name.endsWith('.gz'))
      .reduce((sum, name) => sum + readFileSync(join(folder, name)).length, 0);
    context.diagnostic(`${bytes} bytes, compressed`);
    assert.ok(bytes > 10_000 && bytes <= bytesMax, `${bytes} bytes`);
  });

  test('has nothing that its policy forbids: no script, style or handler within the page, and nothing from elsewhere', () => {
    const page = readFileSync(join(folder, 'index.html'), 'utf8');
    assert.doesNotMatch(page, /<script(?![^>]*\ssrc=)|<style|\sstyle=|\son\w+=|data:/);
    for (const name of files.filter((one) => /\.(?:html|css)$/.test(one)))
      assert.doesNotMatch(
        readFileSync(join(folder, name), 'utf8'),
        /(?:src|href|url\(|@import)\W*(?:https?:)?\/\//,
        name,
      );
  });

  test('names every file by its content, apart from the page', () => {
    const named = files.filter((name) => !name.startsWith('index.html'));
    assert.ok(named.length >= 6);
    for (const name of named) assert.match(name, /^assets\/[\w-]+-[\w-]{8}\.\w+(?:\.gz)?$/);
  });

  test('is built again only if its sources have changed', async () => {
    const stamp = join(folder, 'stamp');
    const before = readFileSync(stamp, 'utf8');
    const [page] = [readFileSync(join(folder, 'index.html'), 'utf8')];
    rmSync(join(folder, 'index.html'));
    await currentDashboard(folder);
    assert.equal(readFileSync(stamp, 'utf8'), before);
    rmSync(stamp);
    await currentDashboard(folder);
    assert.equal(readFileSync(join(folder, 'index.html'), 'utf8'), page);
  });
});
