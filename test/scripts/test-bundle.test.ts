// Starts processes: the bundled command is run.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import { threadEntries } from '../../scripts/bundle-entries.ts';
import { testedPrograms } from '../../scripts/bundle.ts';
import { repositoryRoot } from '../../scripts/repository.ts';
import { TestBundle } from '../../scripts/test-bundle.ts';
import { withSourcePositions } from '../../src/system/source-position.ts';
import { testBundleVariable } from '../program.ts';

describe('the bundle that tests start', () => {
  let root = '';
  before(() => {
    root = mkdtempSync(join(tmpdir(), 'candor-bundle-'));
    for (const entry of testedPrograms.flatMap(({ entries }) => entries)) write(join('src', entry), 'export {};\n');
    for (const name of ['bin', 'package.json', 'tsconfig.json'])
      cpSync(join(repositoryRoot, name), join(root, name), { recursive: true });
    write('src/cli/main.ts', "import { word } from './word.ts';\nconsole.log(word);\n");
    write('src/cli/word.ts', "export const word: string = 'one';\n");
    for (const name of ['failures', 'explain']) write(`packages/${name}/src/main.ts`, 'export {};\n');
  });
  after(() => rmSync(root, { recursive: true, force: true }));

  test('is of the sources as they are, also where a file changed but neither its size nor its time', async () => {
    const bundle = new TestBundle(root);
    const file = join(root, 'src/cli/word.ts');
    const changed = new Date('2026-01-01');
    utimesSync(file, changed, changed);
    assert.equal(run(await bundle.current()), 'one\n');
    write('src/cli/word.ts', "export const word: string = 'two';\n");
    utimesSync(file, changed, changed);
    assert.equal(run(await bundle.current()), 'two\n');
    assert.equal(run(await new TestBundle(root).current()), 'two\n');
  });

  test('is found again where the sources are what they were', async () => {
    const bundle = new TestBundle(root);
    const folder = await bundle.current();
    const { ctimeMs } = statSync(join(folder, 'dist/cli/main.js'));
    const source = readFileSync(join(root, 'src/cli/word.ts'), 'utf8');
    write('src/cli/word.ts', "export const word: string = 'three';\n");
    assert.equal(run(await bundle.current()), 'three\n');
    write('src/cli/word.ts', source);
    assert.equal(await bundle.current(), folder);
    assert.equal(statSync(join(folder, 'dist/cli/main.js')).ctimeMs, ctimeMs);
  });

  test('changes with what makes it: packages, compiler options, the first files of the command', async () => {
    const bundle = new TestBundle(root);
    const folders = new Set([await bundle.current()]);
    for (const file of [
      'package-lock.json',
      'node_modules/.package-lock.json',
      'bin/more.cjs',
      'scripts/bundle.ts',
      'packages/explain/src/a.ts',
    ]) {
      write(file, '{}');
      folders.add(await bundle.current());
    }
    assert.equal(folders.size, 6);
  });

  test('stays as it is where only tests change', async () => {
    const bundle = new TestBundle(root);
    const folder = await bundle.current();
    write('src/cli/word.test.ts', 'test();\n');
    write('src/cli/fixtures/word.ts', 'broken(\n');
    assert.equal(await bundle.current(), folder);
  });

  test('is refused with the place of the error where a source cannot be bundled, and not replaced by an older one', async () => {
    const bundle = new TestBundle(root);
    await bundle.current();
    const source = readFileSync(join(root, 'src/cli/word.ts'), 'utf8');
    write('src/cli/word.ts', 'export const word = ;\n');
    await assert.rejects(bundle.current(), { name: 'BundleFailure', message: /src\/cli\/word\.ts:1:20/ });
    await assert.rejects(bundle.current(), { name: 'BundleFailure' });
    write('src/cli/word.ts', source);
    await bundle.current();
  });

  test('of this run is of the sources as they are', async (context) => {
    const folder = process.env[testBundleVariable];
    if (folder === undefined) return context.skip('run by `npm test`');
    assert.equal(basename(await new TestBundle().current()), basename(folder));
  });

  for (const entry of threadEntries) {
    test(`has the thread ${entry} that a gateway in the process of a test starts`, async (context) => {
      const folder = process.env[testBundleVariable];
      if (folder === undefined) return context.skip('run by `npm test`');
      const thread = new Worker(pathToFileURL(join(repositoryRoot, 'src', entry)), { workerData: null });
      // It cannot work without its data, and the error names the file that was loaded.
      const [error] = (await once(thread, 'error')) as [Error];
      const stack = error.stack ?? '';
      const file = join('dist', entry.replace(/\.ts$/, '.js'));
      assert.ok(stack.includes(join(folder, file)) || stack.includes(join(folder, 'compiled', file)), stack);
      assert.match(withSourcePositions(stack), /at .*\bsrc\/[\w/-]+\.ts:\d+:\d+/);
    });
  }

  function write(file: string, text: string): void {
    const path = join(root, file);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  }
});

function run(folder: string): string {
  const { stdout, stderr } = spawnSync(process.execPath, [join(folder, 'bin', 'candor')], { encoding: 'utf8' });
  return stdout + stderr;
}
