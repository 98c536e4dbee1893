import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import type { TestPlan } from '../../scripts/plan-test-files.ts';

const folder = mkdtempSync(join(tmpdir(), 'candor-test-run-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const head = "import assert from 'node:assert'; import { suite, test } from 'node:test';\n";
const program = {
  good: "test('holds', () => {}); test('is left out', { skip: 'no moon' }, () => {});",
  bad: "test('does not hold', () => { assert.equal(1, 2); });",
  crashed: "test('never ends', () => { console.log('last words'); process.exit(7); });",
  stuck: `test('holds', () => {});
    suite('of waiting', () => { test('waits', () => new Promise(() => setInterval(() => {}, 1000))); });`,
  deaf: `test('hears nothing', async () => {
    process.on('SIGTERM', () => {});
    await new Promise(() => setInterval(() => {}, 1000));
  });`,
  // Neither ends before the other has begun.
  one: meets('one', 'other'),
  other: meets('other', 'one'),
  early: meets('early', 'late'),
  late: `import { existsSync, writeFileSync } from 'node:fs';
    test('comes after the early one', () => {
      assert.ok(existsSync(new URL('early-is-here', import.meta.url)));
      writeFileSync(new URL('late-is-here', import.meta.url), '');
    });`,
};

function meets(own: string, other: string): string {
  return `import { existsSync, writeFileSync } from 'node:fs';
    import { setTimeout as sleep } from 'node:timers/promises';
    test('meets the other', async () => {
      writeFileSync(new URL('${own}-is-here', import.meta.url), '');
      while (!existsSync(new URL('${other}-is-here', import.meta.url))) await sleep(20);
    });`;
}

/** Enough for a file of these on a busy machine, and not waited for by those that end. */
const unhurried = { filesMax: 1, waitingFilesMax: 0, fileMsMax: 60_000, runMsMax: 60_000, graceMs: 500 };

for (const [name, text] of Object.entries(program)) writeFileSync(join(folder, `${name}.mjs`), head + text);

// At the same time, since most of them wait until a limit has passed.
describe('a run of test files', { concurrency: 3 }, () => {
  test('tells of each file and test what came of it, and ends well when all is well', async () => {
    const { said, status } = await runSome(unhurried, 'good');
    assert.match(said, /✔ \S+good\.mjs: 1 passed, 1 skipped/);
    assert.match(said, /is left out: no moon/);
    assert.match(said, /1 passed, 0 failed, 1 skipped\n$/);
    assert.equal(status, 0);
  });

  test('names the place of a failure, and a file that ended too early with its last words', async () => {
    const { said, status } = await runSome(unhurried, 'bad', 'crashed', 'good');
    assert.match(said, /✖ \S+bad\.mjs:2 does not hold\n.*1 == 2/);
    assert.match(said, /✖ \S+crashed\.mjs ended before its tests did\n +last words/);
    assert.match(said, /1 passed, 2 failed, 1 skipped\n$/);
    assert.equal(status, 1);
  });

  test('ends a file that takes longer than one file may, names the test, and goes on', async () => {
    const { said, status } = await runSome({ ...unhurried, fileMsMax: 2500 }, 'stuck', 'good');
    assert.match(
      said,
      /✖ \S+stuck\.mjs was ended: it had not ended after 2\.5 s\n.*running then: .* of waiting › .* waits/,
    );
    assert.match(said, /✖ \S+stuck\.mjs: 1 passed, 1 failed/);
    assert.match(said, /✔ \S+good\.mjs: 1 passed/);
    assert.match(said, /2 passed, 1 failed, 1 skipped\n$/);
    assert.equal(status, 1);
  });

  test('ends one that does not hear', async () => {
    const { said, status } = await runSome({ ...unhurried, fileMsMax: 2500 }, 'deaf');
    assert.match(said, /✖ \S+deaf\.mjs was ended: it had not ended after 2\.5 s\n.*running then: .* hears nothing/);
    assert.match(said, /0 passed, 1 failed, 0 skipped\n$/);
    assert.equal(status, 1);
  });

  test('that takes longer than it may names what had not ended and what had not begun, and fails neither', async () => {
    const { said, status } = await runSome({ ...unhurried, runMsMax: 4000 }, 'good', 'stuck', 'bad', 'crashed');
    assert.match(said, /The run was ended after 4\.0 s: the sums are not those of all tests\./);
    assert.match(said, /1 file had not ended:\n.*stuck\.mjs: running then: .* of waiting › .* waits\n/);
    assert.match(said, /2 files had not begun:\n.*bad\.mjs\n.*crashed\.mjs\n/);
    assert.match(said, /2 passed, 0 failed, 1 skipped\n$/);
    assert.doesNotMatch(said, /✖/);
    assert.equal(status, 1);
  });

  test('runs files that mostly wait beside those that work', async () => {
    const { said, status } = await runPlan(
      { ...unhurried, waitingFilesMax: 1 },
      { early: [], working: filesOf(['one', 'good']), waiting: filesOf(['other']) },
    );
    assert.match(said, /3 passed, 0 failed, 1 skipped\n$/);
    assert.equal(status, 0);
  });

  test('ends with those that mostly wait where no more are to run at once', async () => {
    const { said, status } = await runPlan(unhurried, {
      early: [],
      working: filesOf(['good']),
      waiting: filesOf(['bad']),
    });
    assert.match(said, /✔ \S+good\.mjs[^]*✖ \S+bad\.mjs[^]*1 passed, 1 failed, 1 skipped\n$/);
    assert.equal(status, 1);
  });

  test('begins the early ones before all is prepared, and others after that', async () => {
    const plan = { early: filesOf(['early']), working: filesOf(['late']), waiting: [] };
    const { said, status } = await runPlan({ ...unhurried, filesMax: 2 }, plan, join(folder, 'early-is-here'));
    assert.match(said, /2 passed, 0 failed, 0 skipped\n$/);
    assert.equal(status, 0);
  });

  test('that takes longer than it may names those that wait too', async () => {
    const { said } = await runPlan(
      { ...unhurried, runMsMax: 4000 },
      { early: [], working: filesOf(['stuck']), waiting: filesOf(['bad']) },
    );
    assert.match(said, /1 file had not begun:\n.*bad\.mjs\n/);
  });
});

type Name = keyof typeof program;
interface Ran {
  readonly said: string;
  readonly status: number | null;
}

function runSome(limits: object, ...names: readonly Name[]): Promise<Ran> {
  return runPlan(limits, { early: [], working: filesOf(names), waiting: [] });
}

function filesOf(names: readonly Name[]): string[] {
  return names.map((name) => join(folder, `${name}.mjs`));
}

function runPlan(limits: object, plan: TestPlan, ...sign: readonly string[]): Promise<Ran> {
  // A run within a run would be refused.
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const main = join(import.meta.dirname, 'run-some.ts');
  return new Promise((resolve) => {
    const words = [main, JSON.stringify(limits), JSON.stringify(plan), ...sign];
    const child = execFile(process.execPath, words, { env, timeout: 120_000 }, (_error, stdout, stderr) => {
      resolve({ said: stdout + stderr, status: child.exitCode });
    });
  });
}
