import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { groupTestFiles, sharesProcess } from '../../scripts/test-groups.ts';

const folder = mkdtempSync(join(tmpdir(), 'candor-test-groups-'));
after(() => rmSync(folder, { recursive: true, force: true }));
mkdirSync(join(folder, 'src'));
writeFileSync(join(folder, 'src', 'sockets.test-support.ts'), "import { connect } from 'node:net';");
writeFileSync(join(folder, 'src', 'more.test-support.ts'), "export { connect } from './sockets.test-support.ts';");
writeFileSync(join(folder, 'src', 'store.test-support.ts'), 'export let store = 0;\nbeforeEach(() => (store = 1));');
writeFileSync(join(folder, 'src', 'pure.test-support.ts'), 'export const one = 1;');

describe('a test file shares its process', () => {
  const cases: readonly (readonly [does: string, text: string, shares: boolean])[] = [
    ['decides something', "import { one } from './pure.test-support.ts';", true],
    ['reads a variable', 'const runs = Number(process.env.RUNS ?? process.env["RUNS"] ?? 10) === 10;', true],
    ['mentions a process in a comment', '// As node:child_process does: process.exit().\n/* mock.timers */', true],
    ['starts processes', "import { spawn } from 'node:child_process';", false],
    ['opens sockets through helpers', "import { connect } from './more.test-support.ts';", false],
    ['has hooks', 'beforeEach(() => {});', true],
    ['uses hooks of a helper', "import { store } from './store.test-support.ts';", false],
    ['sets a variable', "process.env['RUNS'] = '1';", false],
    ['sets a variable by its name', 'process.env.RUNS ??= 1;', false],
    ['deletes a variable', 'delete process.env.RUNS;', false],
    ['sets several variables', 'Object.assign(process.env, { RUNS: 1 });', false],
    ['changes the folder', "process.chdir('/');", false],
    ['handles signals', "process.on('SIGTERM', () => {});", false],
    ['replaces the clock', 'mock.timers.enable();', false],
    ['replaces a global function', 'globalThis.fetch = () => {};', false],
    ['measures its process', 'const before = process.cpuUsage();', false],
  ];
  for (const [does, text, shares] of cases) {
    test(`${shares ? 'if' : 'not if'} it ${does}`, () => {
      writeFileSync(join(folder, 'src', 'a.test.ts'), text);
      assert.equal(sharesProcess('src/a.test.ts', folder), shares);
    });
  }

  test('not if it stands in a folder of tests that start gateways', () => {
    assert.equal(sharesProcess('test/gateway/checks.test.ts'), false);
  });
});

describe('groups', () => {
  const groups = (ms: Readonly<Record<string, number>>, shares = (_: string): boolean => true) =>
    groupTestFiles(Object.keys(ms), (file) => ms[file] ?? 0, shares);

  test('have files that share processes, as many as take six seconds', () => {
    assert.deepEqual(groups({ a: 2500, b: 2500, c: 2500, d: 100 }), [
      ['a', 'b'],
      ['c', 'd'],
    ]);
  });

  test('have forty files at most', () => {
    const files = Array.from({ length: 50 }, (_, index) => `${index}`);
    assert.deepEqual(
      groupTestFiles(
        files,
        () => 1,
        () => true,
      ).map(({ length }) => length),
      [40, 10],
    );
  });

  test('leave a file alone that shares no process, and one that takes long', () => {
    assert.deepEqual(
      groups({ a: 1, b: 1, c: 9000, d: 1 }, (file) => file !== 'b'),
      [['a', 'd'], ['b'], ['c']],
    );
  });
});
