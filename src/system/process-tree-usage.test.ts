// Starts processes: processes are what is measured.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { describe, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { type ProcessTreeUsage, processTreeUsage } from './process-tree-usage.ts';

interface Shown {
  readonly residentKb: number;
  readonly ticks: number;
  readonly files: number;
  readonly filesMax: number;
  readonly children?: readonly number[];
  readonly state?: string;
  readonly name?: string;
}

/** The files that Linux shows of these processes. */
function machine(processes: Readonly<Record<number, Shown>>) {
  const files: Record<string, string> = { '/proc/uptime': '100.50 30.00\n' };
  const counts: Record<string, number> = {};
  for (const [pid, shown] of Object.entries(processes)) {
    const { residentKb, ticks, files: open, filesMax, children = [], state = 'S', name = 'my (odd) app' } = shown;
    const stat = [state, 1, 1, 1, 0, -1, 0, 0, 0, 0, 0, ticks, ticks, 0, 0, 20, 0, 3, 0, 50];
    files[`/proc/${pid}/stat`] = `${pid} (${name}) ${stat.join(' ')} 999 0\n`;
    files[`/proc/${pid}/status`] = `Name:\tapp\nVmRSS:\t  ${residentKb} kB\nThreads:\t3\n`;
    files[`/proc/${pid}/limits`] = `Limit  Soft  Hard\nMax open files            ${filesMax}       4096     files\n`;
    files[`/proc/${pid}/task/${pid}/children`] = children.map((child) => `${child} `).join('');
    counts[`/proc/${pid}/fd`] = open;
  }
  return {
    readText: (path: string) => files[path] ?? null,
    countFiles: (path: string) => counts[path] ?? null,
  };
}

describe('the usage of a process and of those that it has started', () => {
  const shell = { residentKb: 100, ticks: 1, files: 3, filesMax: 1024, children: [8] };
  const program = { residentKb: 900, ticks: 20, files: 60, filesMax: 64, children: [9] };
  const worker = { residentKb: 500, ticks: 5, files: 30, filesMax: 64 };

  test('is the sum of memory, threads and CPU time, and the descriptors of the one nearest to its limit', () => {
    const usage = processTreeUsage(7, machine({ 7: shell, 8: program, 9: worker }));
    assert.deepEqual(usage, {
      startTicks: '50',
      ageMs: 100_000,
      processes: 3,
      residentBytes: 1500 * 1024,
      threads: 9,
      openFiles: 60,
      openFilesMax: 64,
      cpuMs: new Map([
        [7, 20],
        [8, 400],
        [9, 100],
      ]),
      stoppedPid: null,
      stoppedPids: [],
      controlGroup: null,
    });
  });

  /** A tree of processes: their parents, names and states. */
  const stoppedIn = (tree: readonly (readonly [pid: number, parent: number, name: string, state: string])[]) => {
    const childrenOf = (pid: number) => tree.flatMap(([child, parent]) => (parent === pid ? child : []));
    const shown = tree.map(([pid, , name, state]) => [pid, { ...worker, name, state, children: childrenOf(pid) }]);
    const usage = processTreeUsage(7, machine(Object.fromEntries(shown) as Record<number, Shown>));
    return [usage?.stoppedPid, usage?.stoppedPids];
  };
  for (const [what, expected, ...tree] of [
    ['its only process', [7, [7]], [7, 0, 'node', 'T']],
    ['its main process, while a helper runs', [7, [7]], [7, 0, 'node', 'T'], [8, 7, 'esbuild', 'S']],
    ['a helper, while its main process runs', [8, []], [7, 0, 'node', 'S'], [8, 7, 'esbuild', 'T']],
    ['one of two workers', [8, []], [7, 0, 'gunicorn', 'S'], [8, 7, 'gunicorn', 'T'], [9, 7, 'gunicorn', 'S']],
    ['all workers', [8, [8, 9]], [7, 0, 'gunicorn', 'S'], [8, 7, 'gunicorn', 'T'], [9, 7, 'gunicorn', 'T']],
    ['the program behind a shell', [8, [8]], [7, 0, 'sh', 'S'], [8, 7, 'node', 'T'], [9, 8, 'esbuild', 'S']],
    ['the program behind npm', [9, [9]], [7, 0, 'npm run start', 'S'], [8, 7, 'sh', 'S'], [9, 8, 'node', 'T']],
    ['a helper of a program behind a shell', [9, []], [7, 0, 'start.sh', 'S'], [8, 7, 'node', 'S'], [9, 8, 'x', 'T']],
    ['a shell, while its program runs', [7, []], [7, 0, 'bash', 'T'], [8, 7, 'node', 'S']],
    ['all of them', [7, [7, 8]], [7, 0, 'bash', 'T'], [8, 7, 'node', 'T']],
  ] as const)
    test(`says which of them a signal has stopped, and whether that is the application: ${what}`, () => {
      assert.deepEqual(stoppedIn(tree as Parameters<typeof stoppedIn>[0]), expected);
    });

  test('is not said to be stopped as a whole where not all workers are looked at', () => {
    const workers = Array.from({ length: 40 }, (_, n) => [8 + n, 7, 'gunicorn', n < 31 ? 'T' : 'S'] as const);
    assert.deepEqual(stoppedIn([[7, 0, 'gunicorn', 'S'], ...workers]), [8, []]);
  });

  test('leaves out a child that has ended, also while its parent has not asked about it', () => {
    const usage = processTreeUsage(7, machine({ 7: { ...shell, children: [8, 9] }, 8: { ...program, state: 'Z' } }));
    assert.deepEqual([usage?.processes, usage?.residentBytes], [1, 100 * 1024]);
  });

  test('is bounded where a program starts very many', () => {
    const all = Object.fromEntries(Array.from({ length: 100 }, (_, n) => [n + 1, { ...worker, children: [n + 2] }]));
    assert.equal(processTreeUsage(1, machine(all))?.processes, 32);
  });

  test('is null where there is no such process', () => {
    assert.equal(processTreeUsage(7, machine({})), null);
  });

  test('says of real processes which are stopped', { skip: process.platform !== 'linux' }, async () => {
    const shell = spawn('/bin/sh', ['-c', 'sleep 60; true'], { stdio: 'ignore' });
    const pid = shell.pid ?? assert.fail('no process');
    const usageWhen = async (is: (usage: ProcessTreeUsage | null) => boolean): Promise<ProcessTreeUsage | null> => {
      for (const end = performance.now() + 30_000; performance.now() < end; await setTimeout(5)) {
        const usage = processTreeUsage(pid);
        if (is(usage)) return usage;
      }
      return assert.fail('not within 30 s');
    };
    let child: number | null = null;
    try {
      const started = await usageWhen((usage) => usage?.processes === 2);
      child = [...(started?.cpuMs.keys() ?? [])][1] ?? assert.fail('no child');
      process.kill(child, 'SIGSTOP');
      const stopped = await usageWhen((usage) => usage?.stoppedPid !== null);
      assert.deepEqual([stopped?.stoppedPid, stopped?.stoppedPids], [child, [child]]);
    } finally {
      if (child !== null) process.kill(child, 'SIGKILL');
      shell.kill('SIGKILL');
    }
  });

  test('is read of this process where there is /proc', { skip: process.platform !== 'linux' }, () => {
    const usage = processTreeUsage(process.pid);
    assert.ok(usage !== null && (usage.residentBytes ?? 0) > 1e6 && (usage.openFiles ?? 0) > 0 && usage.threads > 0);
  });
});
