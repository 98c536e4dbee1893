import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { groupTestFiles, type Sharing, sharingOf } from '../../scripts/test-groups.ts';

const folder = mkdtempSync(join(tmpdir(), 'candor-test-groups-'));
after(() => rmSync(folder, { recursive: true, force: true }));
mkdirSync(join(folder, 'src'));
writeFileSync(join(folder, 'src', 'sockets.test-support.ts'), "import { connect } from 'node:net';");
writeFileSync(join(folder, 'src', 'more.test-support.ts'), "export { connect } from './sockets.test-support.ts';");
writeFileSync(join(folder, 'src', 'store.test-support.ts'), 'export let store = 0;\nbeforeEach(() => (store = 1));');
writeFileSync(join(folder, 'src', 'pure.test-support.ts'), 'export const one = 1;');

describe('a test file shares its process', () => {
  const cases: readonly (readonly [does: string, text: string, shares: Sharing])[] = [
    ['decides something', "import { one } from './pure.test-support.ts';", 'in memory'],
    ['reads a variable', 'const runs = Number(process.env.RUNS ?? process.env["RUNS"] ?? 10) === 10;', 'in memory'],
    [
      'mentions a process in a comment',
      '// As node:child_process does: process.exit().\n/* mock.timers */',
      'in memory',
    ],
    ['replaces a method for one test', "const { mock } = context.mock.method(Store.prototype, 'open');", 'in memory'],
    ['names a process of its own', 'await this.#process.exit; world.process.once;', 'in memory'],
    ['has a text with what begins a comment', "const run = 'process.exit(3) // done';", 'in memory'],
    ['reads where a descriptor leads', 'readlinkSync(`/proc/self/fd/${fd}`);', 'in memory'],
    ['has types of what it does not load', "import type { store } from './store.test-support.ts';", 'in memory'],
    ['is a program too', 'if (import.meta.main) process.exitCode = claim(process.argv[2]);', 'in memory'],
    ['loads modules of CommonJS', "import { createRequire } from 'node:module';", 'in memory'],
    ['measures its thread', 'const before = process.threadCpuUsage();', 'in memory'],
    ['has hooks', 'beforeEach(() => {});', 'in memory'],
    ['starts processes', "import { spawn } from 'node:child_process';", 'over sockets'],
    ['opens sockets through helpers', "import { connect } from './more.test-support.ts';", 'over sockets'],
    [
      'starts a program that changes its own process',
      "run('node:child_process', `process.exit(${1})`);",
      'over sockets',
    ],
    ['uses hooks of a helper', "import { store } from './store.test-support.ts';", 'alone'],
    ['sets a variable', "process.env['RUNS'] = '1';", 'alone'],
    ['sets a variable by its name', 'process.env.RUNS ??= 1;', 'alone'],
    ['deletes a variable', 'delete process.env.RUNS;', 'alone'],
    ['sets several variables', 'Object.assign(process.env, { RUNS: 1 });', 'alone'],
    ['changes the folder', "process.chdir('/');", 'alone'],
    ['handles signals', "process.on('SIGTERM', () => {});", 'alone'],
    ['replaces the clock', 'mock.timers.enable();', 'alone'],
    ['replaces a global function', 'globalThis.fetch = () => {};', 'alone'],
    ['measures its process', 'const before = process.cpuUsage();', 'alone'],
    ['sets flags of V8', "import { setFlagsFromString } from 'node:v8';", 'alone'],
    ['counts the descriptors of its process', "readdirSync('/proc/self/fd');", 'alone'],
  ];
  for (const [does, text, shares] of cases) {
    test(`${shares === 'alone' ? 'with no file' : `with files that run ${shares}`} if it ${does}`, () => {
      writeFileSync(join(folder, 'src', 'a.test.ts'), text);
      assert.equal(sharingOf('src/a.test.ts', folder), shares);
    });
  }

  test('with files that run over sockets if it stands in a folder of tests that start gateways', () => {
    assert.equal(sharingOf('test/gateway/checks.test.ts'), 'over sockets');
  });
});

describe('groups', () => {
  const groups = (ms: Readonly<Record<string, number>>, sharing = (_: string): Sharing => 'in memory') =>
    groupTestFiles(Object.keys(ms), (file) => ms[file] ?? 0, sharing);

  test('have files that share processes, as many as take half a minute', () => {
    assert.deepEqual(groups({ a: 9000, b: 9000, c: 9000, d: 9000, e: 100 }), [
      ['a', 'b', 'c'],
      ['d', 'e'],
    ]);
  });

  test('have 240 files at most', () => {
    const files = Array.from({ length: 250 }, (_, index) => `${index}`);
    assert.deepEqual(
      groupTestFiles(
        files,
        () => 1,
        () => 'in memory',
      ).map(({ length }) => length),
      [240, 10],
    );
  });

  test('leave a file alone that shares no process, and one that takes long', () => {
    assert.deepEqual(
      groups({ a: 1, b: 1, c: 11_000, d: 1 }, (file) => (file === 'b' ? 'alone' : 'in memory')),
      [['a', 'd'], ['b'], ['c']],
    );
  });

  test('have files that run over sockets beside each other, and for little more than a minute', () => {
    const files = { a: 1, b: 39_000, c: 30_000, d: 2, e: 4000, f: 41_000 };
    assert.deepEqual(
      groups(files, (file) => (file === 'a' || file === 'd' ? 'in memory' : 'over sockets')),
      [['a', 'd'], ['b', 'c'], ['e'], ['f']],
    );
  });
});
