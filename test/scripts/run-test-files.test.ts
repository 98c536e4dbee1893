// Only `npm run test:complete` runs this file: it runs the runner a dozen times. `npm test` is a run of it, and has the tests of
// its parts (`test/scripts`).
// Starts processes: the runner refuses a run within a run of this process.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { isWholeSweep } from '../../src/testing/sweep.test-support.ts';
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
  stuck: `import { spawn } from 'node:child_process';
    import { writeFileSync } from 'node:fs';
    test('hangs', async () => {
    process.on('SIGTERM', () => {});
    const { pid } = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore', detached: true });
    writeFileSync(new URL('started-pid', import.meta.url), String(pid));
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
  hooks: `import { afterEach } from 'node:test';
    afterEach((context) => console.log('after', context.name));
    suite('a suite', () => test('has a hook', () => {}));`,
  leaves: "test('holds, but leaves a variable', () => { process.env.LEFT_BY_A_TEST = 'x'; });",
  lasts: "test('holds, but leaves a timer', () => { setInterval(() => {}, 1000); });",
  broken: "import './missing.mjs';",
  computes: `test('takes processor time', () => {
    const before = process.cpuUsage().user;
    while (process.cpuUsage().user - before < 600_000);
  });`,
};

for (const [name, text] of Object.entries(program)) writeFileSync(join(folder, `${name}.mjs`), head + text);

type Name = keyof typeof program;
const alone = (...names: readonly Name[]): string[][] => filesOf(...names).map((file) => [file]);
const filesOf = (...names: readonly Name[]): string[] => names.map((name) => join(folder, `${name}.mjs`));

/** Long enough for these files on a busy machine. */
const limits = {
  ...{ filesMax: 1, spareFilesMax: 0, fileMsMax: 60_000, groupMsMax: 60_000 },
  ...{ lateMsMax: 60_000, runMsMax: 60_000, graceMs: 500 },
};

// At the same time: most of them wait for a limit.
describe('a run of test files', { concurrency: 3 }, () => {
  // `npm test` shows it of files in one process.
  if (isWholeSweep)
    test('succeeds where every test passes', async () => {
      const { output, status } = await runSome({ order: { early: [], others: alone('good') } });
      assert.match(output, /✔ \S+good\.mjs: 1 passed/);
      assert.equal(status, 0);
    });

  test('lists each skipped test with its reason, and a complete run fails because of it', async () => {
    const order = { early: [], others: alone('skips') };
    const [usual, complete] = await Promise.all([runSome({ order }), runSome({ order, complete: true })]);
    for (const { output } of [usual, complete]) {
      assert.match(output, /is skipped: no moon/);
      assert.match(output, /1 passed, 0 failed, 1 skipped/);
    }
    assert.deepEqual([usual.status, complete.status], [0, 1]);
  });

  test('fails where a test fails or a file exits early, and shows line and output', async () => {
    const { output, status } = await runSome({ order: { early: [], others: alone('bad', 'crashed', 'good') } });
    assert.match(output, /✖ \S+bad\.mjs:2 does not hold\n.*1 == 2/);
    assert.match(output, /✖ \S+crashed\.mjs exited before its tests ended\n +last words/);
    assert.match(output, /1 passed, 2 failed, 0 skipped\n$/);
    assert.equal(status, 1);
  });

  test('ends a file that hangs, even one that ignores SIGTERM, names the test, and goes on', async () => {
    const order = { early: [], others: alone('stuck', 'good') };
    const { output, status } = await runSome({ order, limits: { ...limits, fileMsMax: 2500 } });
    assert.match(output, /✖ \S+stuck\.mjs was ended because it was still running after 2\.5 s\n.*running: .* hangs/);
    assert.match(output, /1 passed, 1 failed, 0 skipped\n$/);
    assert.equal(status, 1);
    const started = readFileSync(join(folder, 'started-pid'), 'utf8');
    // Killed a moment ago, it may not have ended yet.
    for (const end = Date.now() + 5000; existsSync(`/proc/${started}/cmdline`) && Date.now() < end; ) await sleep(20);
    assert.ok(!existsSync(`/proc/${started}/cmdline`), 'what the file had started was ended too');
  });

  test('that takes too long names the files that were running and those that did not start', async () => {
    const order = { early: [], others: alone('good', 'stuck', 'bad', 'crashed') };
    const { output, status } = await runSome({ order, limits: { ...limits, runMsMax: 4000 } });
    assert.match(output, /The run was ended after 4\.0 s: some tests did not run\./);
    assert.match(output, /1 file still running:\n.*stuck\.mjs: running: .* hangs\n/);
    assert.match(output, /2 files not started:\n.*bad\.mjs\n.*crashed\.mjs\n/);
    assert.equal(status, 1);
  });

  test('starts early files before the peers are prepared, and other files after that', async () => {
    const { output, status } = await runSome({
      order: { early: filesOf('early'), others: alone('late') },
      limits: { ...limits, filesMax: 2 },
      preparedFile: join(folder, 'early-runs'),
    });
    assert.match(output, /2 passed, 0 failed, 0 skipped\n$/);
    assert.equal(status, 0);
  });

  describe('in one process', () => {
    test('counts the tests of all files, and calls the hooks of a file for its own tests', async () => {
      const { output, status } = await runSome({ order: { early: [], others: [filesOf('hooks', 'good', 'skips')] } });
      assert.match(
        output,
        /✔ \S+hooks\.mjs: 1 passed .*\n✔ \S+good\.mjs: 1 passed .*\n✔ \S+skips\.mjs: 1 passed, 1 skip/,
      );
      assert.match(output, /3 passed, 0 failed, 1 skipped\n$/);
      assert.equal(status, 0);
    });

    test('shows the line of a failure, and runs the files again alone that a crash has stopped', async () => {
      const order = { early: [], others: [filesOf('good', 'bad', 'crashed', 'skips')] };
      const { output, status } = await runSome({ order });
      assert.match(output, /✖ \S+bad\.mjs:2 does not hold\n.*1 == 2/);
      assert.match(output, /✖ \S+crashed\.mjs exited before its tests ended\n +last words/);
      assert.match(output, /✔ \S+skips\.mjs: 1 passed/);
      assert.equal(output.match(/✔ \S+good\.mjs/g)?.length, 1);
      assert.match(output, /2 passed, 2 failed, 1 skipped\n$/);
      assert.equal(status, 1);
    });

    // `npm test` shows it of files alone.
    if (isWholeSweep)
      test('ends a group that hangs, and names the test that hangs', async () => {
        const order = { early: [], others: [filesOf('good', 'stuck', 'skips')] };
        const { output } = await runSome({ order, limits: { ...limits, groupMsMax: 2500, fileMsMax: 2500 } });
        assert.match(
          output,
          /✖ \S+stuck\.mjs was ended because it was still running after 2\.5 s\n.*running: .* hangs/,
        );
        assert.match(output, /2 passed, 1 failed, 1 skipped\n$/);
      });

    test('reports a file that changes what the others use, and one that cannot be loaded', async () => {
      const { output, status } = await runSome({ order: { early: [], others: [filesOf('leaves', 'broken', 'good')] } });
      assert.match(
        output,
        /✖ \S+leaves\.mjs:1 its end\n(?:.*\n)*?.*the file changed what all files of its process use/,
      );
      assert.match(output, /LEFT_BY_A_TEST/);
      assert.match(output, /✖ \S+broken\.mjs exited before its tests ended\n(?:.*\n)*?.*missing\.mjs/);
      assert.match(output, /✔ \S+good\.mjs: 1 passed/);
      assert.match(output, /2 passed, 2 failed, 0 skipped\n$/);
      assert.equal(status, 1);
    });

    test('is ended where it runs on after its tests, whose results count', async () => {
      const order = { early: [], others: [filesOf('good', 'lasts')] };
      const { output, status } = await runSome({ order, limits: { ...limits, lateMsMax: 300 } });
      assert.match(
        output,
        /^! 0\.3 s after the tests of 2 files, .*lasts\.mjs, a timer, a server or a connection kept/m,
      );
      assert.match(output, /✔ \S+lasts\.mjs: 1 passed/);
      assert.match(output, /2 passed, 0 failed, 0 skipped\n$/);
      assert.equal(status, 0);
    });

    test('measures the processor time of each file', async () => {
      const order = { early: [], others: [filesOf('good', 'computes')] };
      const { output, status } = await runSome({ order, cpuMsMax: 600 });
      const [good = 0, computes = 0] = [
        ...output.matchAll(/ 1 passed \(\d+\.\d s, (\d+\.\d) s of processor time\)/g),
      ].map(([, seconds]) => Number(seconds));
      assert.ok(computes >= good + 0.5, output);
      assert.match(output, /\d s of processor time are more than the budget of 0\.6 s/);
      assert.equal(status, 1);
      assert.match(output, /Processor time of 2 files: \d+\.\d s; the processors were idle for 25 % of the run\./);
    });
  });

  test('starts the files that took longest first', () => {
    assert.deepEqual(
      orderTestFiles(['a', 'b', 'test/checks.test.ts', 'c'], { c: 3, b: 9 }, () => 'alone'),
      {
        early: ['test/checks.test.ts'],
        others: [['b'], ['c'], ['a']],
      },
    );
  });

  test('starts files that start processes before unit tests on the first run of a machine', () => {
    assert.deepEqual(orderTestFiles(['src/a', 'test/b'], {}, () => 'alone').others, [['test/b'], ['src/a']]);
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
