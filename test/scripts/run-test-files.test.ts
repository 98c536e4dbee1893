import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { orderTestFiles } from '../../scripts/test-order.ts';
import type { SomeRun } from './run-some.ts';

const folder = mkdtempSync(join(tmpdir(), 'candor-test-run-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const head = "import assert from 'node:assert'; import { suite, test } from 'node:test';\n";
const program = {
  good: "test('holds', () => {});",
  skips: "test('holds', () => {}); test('is skipped', { skip: 'no moon' }, () => {});",
  bad: "test('does not hold', () => { assert.equal(1, 2); });",
  crashed: "test('never ends', () => { console.log('last words'); process.exit(7); });",
  stuck: `test('hangs', async () => {
    process.on('SIGTERM', () => {});
    await new Promise(() => setInterval(() => {}, 1000));
  });`,
  early: `import { existsSync, writeFileSync } from 'node:fs';
    import { setTimeout as sleep } from 'node:timers/promises';
    test('runs until a later file runs', async () => {
      writeFileSync(new URL('early-runs', import.meta.url), '');
      while (!existsSync(new URL('late-runs', import.meta.url))) await sleep(20);
    });`,
  late: `import { writeFileSync } from 'node:fs';
    test('runs beside the early file', () => writeFileSync(new URL('late-runs', import.meta.url), ''));`,
};

for (const [name, text] of Object.entries(program)) writeFileSync(join(folder, `${name}.mjs`), head + text);

type Name = keyof typeof program;
const filesOf = (...names: readonly Name[]): string[] => names.map((name) => join(folder, `${name}.mjs`));

/** Long enough for these files on a busy machine. */
const limits = { filesMax: 1, spareFilesMax: 0, fileMsMax: 60_000, runMsMax: 60_000, graceMs: 500 };

// At the same time: most of them wait for a limit.
describe('a run of test files', { concurrency: 3 }, () => {
  test('succeeds where every test passes', async () => {
    const { output, status } = await runSome({ order: { early: [], others: filesOf('good') } });
    assert.match(output, /✔ \S+good\.mjs: 1 passed/);
    assert.equal(status, 0);
  });

  test('lists each skipped test with its reason, and a complete run fails because of it', async () => {
    const order = { early: [], others: filesOf('skips') };
    const [usual, complete] = await Promise.all([runSome({ order }), runSome({ order, complete: true })]);
    for (const { output } of [usual, complete]) {
      assert.match(output, /is skipped: no moon/);
      assert.match(output, /1 passed, 0 failed, 1 skipped/);
    }
    assert.deepEqual([usual.status, complete.status], [0, 1]);
  });

  test('fails where a test fails or a file exits early, and shows line and output', async () => {
    const { output, status } = await runSome({ order: { early: [], others: filesOf('bad', 'crashed', 'good') } });
    assert.match(output, /✖ \S+bad\.mjs:2 does not hold\n.*1 == 2/);
    assert.match(output, /✖ \S+crashed\.mjs exited before its tests ended\n +last words/);
    assert.match(output, /1 passed, 2 failed, 0 skipped\n$/);
    assert.equal(status, 1);
  });

  test('ends a file that hangs, even one that ignores SIGTERM, names the test, and goes on', async () => {
    const order = { early: [], others: filesOf('stuck', 'good') };
    const { output, status } = await runSome({ order, limits: { ...limits, fileMsMax: 2500 } });
    assert.match(output, /✖ \S+stuck\.mjs was ended because it was still running after 2\.5 s\n.*running: .* hangs/);
    assert.match(output, /1 passed, 1 failed, 0 skipped\n$/);
    assert.equal(status, 1);
  });

  test('that takes too long names the files that were running and those that did not start', async () => {
    const order = { early: [], others: filesOf('good', 'stuck', 'bad', 'crashed') };
    const { output, status } = await runSome({ order, limits: { ...limits, runMsMax: 4000 } });
    assert.match(output, /The run was ended after 4\.0 s: some tests did not run\./);
    assert.match(output, /1 file still running:\n.*stuck\.mjs: running: .* hangs\n/);
    assert.match(output, /2 files not started:\n.*bad\.mjs\n.*crashed\.mjs\n/);
    assert.equal(status, 1);
  });

  test('starts early files before the peers are prepared, and other files after that', async () => {
    const { output, status } = await runSome({
      order: { early: filesOf('early'), others: filesOf('late') },
      limits: { ...limits, filesMax: 2 },
      preparedFile: join(folder, 'early-runs'),
    });
    assert.match(output, /2 passed, 0 failed, 0 skipped\n$/);
    assert.equal(status, 0);
  });

  test('starts the files that took longest first', () => {
    assert.deepEqual(orderTestFiles(['a', 'b', 'test/checks.test.ts', 'c'], { c: 3, b: 9 }), {
      early: ['test/checks.test.ts'],
      others: ['b', 'c', 'a'],
    });
  });

  test('starts files that start processes before unit tests on the first run of a machine', () => {
    assert.deepEqual(orderTestFiles(['src/a', 'test/b'], {}).others, ['test/b', 'src/a']);
  });
});

function runSome(run: Partial<SomeRun> & Pick<SomeRun, 'order'>): Promise<{ output: string; status: number | null }> {
  // The runner refuses a run within a run.
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const main = join(import.meta.dirname, 'run-some.ts');
  const whole: SomeRun = { limits, complete: false, preparedFile: main, ...run };
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      [main, JSON.stringify(whole)],
      { env, timeout: 120_000 },
      (_error, stdout, stderr) => resolve({ output: stdout + stderr, status: child.exitCode }),
    );
  });
}
