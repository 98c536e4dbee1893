import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { processTreeUsage } from './process-tree-usage.ts';

interface Shown {
  readonly residentKb: number;
  readonly ticks: number;
  readonly files: number;
  readonly filesMax: number;
  readonly children?: readonly number[];
  readonly state?: string;
}

/** The files that Linux shows of these processes. */
function machine(processes: Readonly<Record<number, Shown>>) {
  const files: Record<string, string> = { '/proc/uptime': '100.50 30.00\n' };
  const counts: Record<string, number> = {};
  for (const [pid, { residentKb, ticks, files: open, filesMax, children = [], state = 'S' }] of Object.entries(
    processes,
  )) {
    const stat = [state, 1, 1, 1, 0, -1, 0, 0, 0, 0, 0, ticks, ticks, 0, 0, 20, 0, 3, 0, 50];
    files[`/proc/${pid}/stat`] = `${pid} (my (odd) app) ${stat.join(' ')} 999 0\n`;
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
      controlGroup: null,
    });
  });

  test('says which of them a signal has stopped', () => {
    const usage = processTreeUsage(7, machine({ 7: shell, 8: { ...program, state: 'T' }, 9: worker }));
    assert.equal(usage?.stoppedPid, 8);
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

  test('is read of this process where there is /proc', { skip: process.platform !== 'linux' }, () => {
    const usage = processTreeUsage(process.pid);
    assert.ok(usage !== null && (usage.residentBytes ?? 0) > 1e6 && (usage.openFiles ?? 0) > 0 && usage.threads > 0);
  });
});
