import assert from 'node:assert/strict';
import { test } from 'node:test';
import { succeed } from '#failures/result.ts';
import type { ApplicationSpec } from '../core/configuration.ts';
import type { Launcher } from '../core/launch.ts';
import { SimulatedClock } from '../testing/simulated-clock.ts';
import type { Host, Program, ProgramListener } from './host.ts';
import type { ProgramRecord } from './instance-record.ts';
import { ProgramRun } from './program-run.ts';

const base64 = (text: string): string => Buffer.from(text).toString('base64');

/** Keeps no line with "hunter2". */
const masking: Launcher = {
  key: () => '',
  prepare: ({ command, environment }) =>
    succeed({ command, environment, hold: { mask: (line) => line.replace('hunter2', '***') } }),
  adopt: () => null,
};

async function runOf(unfinished: ProgramRecord['unfinished']): Promise<{ run: ProgramRun; listener: ProgramListener }> {
  let listener: ProgramListener | null = null;
  const host = {
    reservePort: async () => succeed(3000),
    start: (_: unknown, heard: ProgramListener) => {
      listener = heard;
      return { pid: 7, record: () => ({ unfinished }) } as unknown as Program;
    },
  } as unknown as Host;
  const spec = { id: 'shop', command: ['a'], directory: '/', environment: {}, port: null, stopMs: 1, readiness: {} };
  const { promise, resolve } = Promise.withResolvers<void>();
  const nothing = (): void => {};
  const run = new ProgramRun(
    'shop/1',
    { clock: new SimulatedClock(), host, launcher: masking },
    spec as unknown as ApplicationSpec,
    {
      ...{ onNotStarted: nothing, onExited: nothing, onOutputComplete: nothing, onGone: nothing, onLine: nothing },
      onStarted: () => resolve(),
    },
  );
  run.begin();
  await promise;
  return { run, listener: listener ?? assert.fail('it was not started') };
}

test('lines are kept as the features of the application want, also those that have begun when another process takes over', async () => {
  const { run, listener } = await runOf({ stdout: base64('has hunter2'), stderr: base64('a') });
  listener.onLine('stdout', 'password hunter2');
  assert.deepEqual(run.tail.lines, ['password ***']);
  assert.deepEqual(run.record()?.unfinished, { stdout: base64('has ***'), stderr: base64('a') });
});

test('a line that has begun and has nothing to hide stays as its bytes', async () => {
  const cut = Buffer.from('é').subarray(0, 1).toString('base64');
  const { run } = await runOf({ stdout: cut, stderr: '' });
  assert.equal(run.record()?.unfinished.stdout, cut);
});
