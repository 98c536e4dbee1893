// Only `npm run test:complete` runs this file: it fills a store and browses it in a real browser. `npm test` has the parts of
// the benches (`test/bench`).
// Starts processes: the bench is a program.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { repositoryRoot } from '../../scripts/repository.ts';
import { withBrowser } from '../browser.ts';

// Its figures are not looked at, except that every search and page came, and that rows which are not seen are not drawn.

test('npm run bench:browse pages, searches and follows stored exchanges in a browser', withBrowser, () => {
  const tool = join(repositoryRoot, 'bench', 'browse.ts');
  const size = ['--exchanges', '20000', '--pages', '8', '--rounds', '2'];
  const output = execFileSync(process.execPath, [tool, ...size], { encoding: 'utf8' });
  assert.match(output, /^exchanges 20000$/m);
  assert.equal([...output.matchAll(/ p50 \d+ ms, p95 \d+ ms$/gm)].length, 10, output);
  const [, rows] = /^memory of the page: .* after 8 pages; (\d+) rows drawn$/m.exec(output) ?? [];
  assert.ok(Number(rows) > 0 && Number(rows) < 200, output);
});
