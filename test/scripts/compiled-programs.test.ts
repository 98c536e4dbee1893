// Starts processes: what V8 has compiled of a program is that of a process with its flags.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, globSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { cachedDataVersionTag } from 'node:v8';
import { ownThreads, testedPrograms, writeBundles } from '../../scripts/bundle.ts';
import { writeCompiledPrograms } from '../../scripts/compiled-programs.ts';
import { repositoryRoot } from '../../scripts/repository.ts';
import { TestBundle } from '../../scripts/test-bundle.ts';
import { keeperVariable } from '../program.ts';

/** It awaits, and knows its own place. */
const program = `
import { setTimeout as sleep } from 'node:timers/promises';
function called() { return /^’$/.test(String.fromCharCode(0x2019)) ? 'called' : 'garbled'; }
await sleep(1);
console.log(called(), new URL('x.js', import.meta.url).pathname.split('/').slice(-3).join('/'));
throw new Error('the last word');
`;

describe('a program with what V8 has compiled of it', () => {
  let root = '';
  let folder = '';
  before(async () => {
    root = mkdtempSync(join(tmpdir(), 'candor-compiled-'));
    for (const entry of testedPrograms.flatMap(({ entries }) => entries)) write(join('src', entry), 'export {};\n');
    for (const name of ['bin', 'package.json', 'tsconfig.json'])
      cpSync(join(repositoryRoot, name), join(root, name), { recursive: true });
    write('src/cli/main.ts', program);
    folder = join(root, 'bundle');
    await writeCompiledPrograms(join(folder, 'compiled'), root);
    await writeBundles([{ entries: ['cli/main.ts'], splitting: true }], join(folder, 'dist'), root);
  });
  after(() => rmSync(root, { recursive: true, force: true }));

  const kept = (): string[] => readdirSync(join(folder, 'compiled/dist/cli')).filter((name) => name.endsWith('.asks'));
  const run = (flags: readonly string[], environment: Readonly<Record<string, string>> = {}): string => {
    const main = join(folder, 'compiled/dist/cli/main.js');
    const env = { ...process.env, ...environment };
    const { stdout, stderr } = spawnSync(process.execPath, [...flags, main], { encoding: 'utf8', env });
    return stdout + stderr;
  };

  test('does the same as its modules, which run under flags for which nothing is kept', () => {
    const outputs = [run([]), run([], { [keeperVariable]: folder }), run([]), run(['--single-threaded'])];
    assert.equal(kept().length, 1, 'only the run that was to keep it has kept it');
    const [modules = '', , script = '', otherFlags = ''] = outputs;
    assert.match(script, /compiled\/dist\/cli\/main\.js:/);
    assert.match(modules, /bundle\/dist\/cli\/main\.js:/);
    assert.equal(otherFlags.includes('compiled/dist/cli/main.js'), false, 'code of other flags is not used');
    for (const output of outputs) {
      assert.match(output, /^called dist\/cli\/x\.js\n/);
      assert.match(output, /Error: the last word\n/);
    }
  });

  function write(file: string, text: string): void {
    const path = join(root, file);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  }
});

test('the command and the threads that nearly each test starts are kept with what V8 has compiled of them', async () => {
  const folder = join(await new TestBundle().compiled(), 'compiled', 'dist');
  const kept = ['main.cjs serves', 'main.cjs asks', 'configuration-thread.cjs asks', 'worker-main.cjs asks'];
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((path) => basename(path));
  for (const one of [...kept, 'logger-main.cjs asks', 'modules.cjs asks']) {
    const [program, kind] = one.split(' ');
    assert.ok(files.includes(`${program}.${cachedDataVersionTag()}.${kind}`), one);
  }
});

test('a module that starts a thread from its own file is one for which a script starts it from the source', () => {
  const sources = globSync('src/**/*.ts', { cwd: repositoryRoot }).map((path) => join(repositoryRoot, path));
  const own = sources.filter((path) => readFileSync(path, 'utf8').includes('new URL(import.meta.url)'));
  assert.deepEqual(
    own.filter((path) => !ownThreads.test(path)),
    [],
  );
});
