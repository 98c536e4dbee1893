import assert from 'node:assert/strict';
import { tmpdir } from 'node:os';
import { describe, test } from 'node:test';
import { systemClock } from '../system/system.ts';
import { type JobWatchdog, runJob } from './release-job.ts';

// A job is a process: what is left of one shows only with real ones.

const run = (script: string, { limitMs = 10_000, signal = new AbortController().signal, onLine = () => {} } = {}) =>
  runJob(
    { command: [process.execPath, '-e', script], directory: tmpdir(), environment: { STAGE: 'next' }, limitMs },
    systemClock,
    onLine,
    signal,
  );

describe('a job', () => {
  for (const [what, script, failure, lines, code, signal] of [
    ['that ends with 0 has succeeded', "console.log('migrated', process.env.STAGE)", null, ['migrated next'], 0, null],
    [
      'that exits otherwise has failed',
      "console.error('no table'); process.exit(3)",
      'it exited with code 3; last line: "no table"',
      ['no table'],
      3,
      null,
    ],
    [
      'that a signal ends has failed',
      "process.kill(process.pid, 'SIGKILL')",
      'it was killed by SIGKILL',
      [],
      null,
      'SIGKILL',
    ],
  ] as const)
    test(what, async () => assert.deepEqual(await run(script), { failure, lines, code, signal }));

  test('is ended at its limit, with all that it has started', async () => {
    const child = "setInterval(() => {}, 1000); process.on('SIGTERM', () => {})";
    const script = `const { pid } = require('node:child_process').spawn(process.execPath, ['-e', ${JSON.stringify(child)}], { stdio: 'ignore' });
      console.log(pid); setInterval(() => {}, 1000);`;
    const { failure, lines } = await run(script, { limitMs: 1500 });
    assert.match(failure ?? '', /^it ran for 1\.5 s, its limit/);
    // A signal is delivered when the system next runs the process.
    const pid = Number(lines[0]);
    const isAlive = (): boolean => {
      try {
        return process.kill(pid, 0);
      } catch {
        return false;
      }
    };
    for (let looks = 0; looks < 100 && isAlive(); looks++) await new Promise((resolve) => setTimeout(resolve, 20));
    assert.equal(isAlive(), false);
  });

  test('that leaves a process behind with its output has ended', async () => {
    const script = `require('node:child_process').spawn('sleep', ['8'], { stdio: 'inherit', detached: DETACHED }).unref(); console.log('done')`;
    const began = performance.now();
    for (const isDetached of ['false', 'true']) {
      const { failure, lines } = await run(script.replace('DETACHED', isDetached));
      assert.deepEqual([failure, lines], [null, ['done']]);
    }
    assert.ok(performance.now() - began < 7000, 'its end is not awaited');
  });

  test('is watched until it has ended, and has no port', async () => {
    const calls: string[] = [];
    const watchdog: JobWatchdog = {
      announceStart: (stopMs) => `mark-${stopMs}`,
      notStarted: () => void calls.push('not started'),
      watch: (group, stopMs) => calls.push(`watch ${group} ${stopMs}`) > 0,
      forget: (group) => void calls.push(`forget ${group}`),
    };
    const script = 'console.log(process.pid, process.env.CANDOR_START, process.env.PORT)';
    const command = [process.execPath, '-e', script];
    const job = { command, directory: tmpdir(), environment: { PORT: '{port}' }, limitMs: 10_000 };
    const { signal } = new AbortController();
    const { lines } = await runJob(job, systemClock, () => {}, signal, watchdog);
    const [pid] = lines[0]?.split(' ') ?? [];
    assert.equal(lines[0], `${pid} mark-5000 undefined`);
    await runJob({ ...job, command: ['no-such-program'] }, systemClock, () => {}, signal, watchdog);
    assert.deepEqual(calls, [`watch ${pid} 5000`, `forget ${pid}`, 'not started']);
  });

  test('is ended with its rollout', async () => {
    const aborting = new AbortController();
    const onLine = (): void => aborting.abort();
    const { failure } = await run("console.log('up'); setInterval(() => {}, 1000)", {
      signal: aborting.signal,
      onLine,
    });
    assert.equal(failure, 'it was ended with the rollout; last line: "up"');
  });

  for (const [what, command, code] of [
    ['is missing', ['no-such-program'], 'ENOENT'],
    // Node throws here, instead of an event.
    ['cannot be named', ['no\0program'], 'ERR_INVALID_ARG_VALUE'],
  ] as const)
    test(`whose program ${what} has failed, and nothing is thrown`, async () => {
      const job = { command, directory: tmpdir(), environment: {}, limitMs: 1000 };
      const { failure } = await runJob(job, systemClock, () => {}, new AbortController().signal);
      assert.equal(failure, `${command[0]} could not be started (${code})`);
    });
});
