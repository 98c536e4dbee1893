import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { isForCompleteRuns } from '../../scripts/test-selection.ts';
import { repositoryRoot } from '../../scripts/repository.ts';

// What keeps `npm test` affordable: a process costs more than a hundred requests in a gateway that runs.

const files = globSync(['packages/*/src/**/*.test.ts', 'src/**/*.test.ts', 'test/**/*.test.ts'], {
  cwd: repositoryRoot,
});
const textOf = (path: string): string => readFileSync(join(repositoryRoot, path), 'utf8');

/** Node's module for processes, the commands of Candor, and the helpers that start either. */
const startsProcesses =
  /^(?:import|\}) .*from '(?:node:child_process|[^']*\/(?:program|own-process|gateway-process|gateway-program|peer-process)\.ts)';/m;

test('a test file that starts processes says why at its top', () => {
  const silent = files.filter((path) => {
    const [top = ''] = textOf(path).split(/^import /m);
    return startsProcesses.test(textOf(path)) && !/^\/\/ Starts processes: \S/m.test(top);
  });
  assert.deepEqual(silent, [], 'write `// Starts processes: <why no function or gateway in this process shows it>.`');
});

test('a test file that only complete runs have says why at its top, and most files are in every run', () => {
  const left = files.filter((path) => isForCompleteRuns(path));
  for (const path of left) assert.match(textOf(path), /^\/\/ Only `npm run test:complete` runs this file: \S/, path);
  assert.ok(left.length < files.length / 15, `${left.length} of ${files.length} files`);
});
