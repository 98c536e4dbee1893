// Only `npm run test:complete` runs this file: it fills a store. `npm test` has the tests of `src/store`.
// Starts processes: the bench is a program.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { repositoryRoot } from '../../scripts/repository.ts';

// Its figures are not looked at, except that an ordinary success stays small.

test('npm run bench:store says what the store of a few exchanges costs, and finds them', () => {
  const tool = join(repositoryRoot, 'bench', 'store.ts');
  const output = execFileSync(process.execPath, [tool, '--exchanges', '20000'], { encoding: 'utf8' });
  assert.match(output, /^stored a second +\d+$/m);
  const bytes = Number(/^bytes each +(\d+) /m.exec(output)?.[1]);
  assert.ok(bytes > 0 && bytes <= 250, output);
  assert.match(output, /^by id .*\(200\)$/m);
  assert.match(output, /^status:5xx .*\(50 found, more\)$/m);
  assert.match(output, /^status:502 route:shop heap .*\([1-9]\d* found/m);
  assert.match(output, /^nothing has these words .*\(0 found\)$/m);
});
