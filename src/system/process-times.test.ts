import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { groupCpuMs, programTimes, waitedChildrenMs } from './process-times.ts';

interface Written {
  readonly parent?: number;
  readonly state?: string;
  /** In ticks. */
  readonly times?: readonly [user: number, system: number, waitedUser: number, waitedSystem: number];
  readonly start?: string;
  /** By thread. */
  readonly children?: Readonly<Record<string, string>>;
}

/** The files of a machine. */
function machine(processes: Readonly<Record<string, Written>>, files: Readonly<Record<string, string>> = {}) {
  const all: Record<string, string> = { ...files };
  for (const [pid, { parent = 1, state = 'S', times = [1, 2, 3, 4], start = '500', children = {} }] of Object.entries(
    processes,
  )) {
    const middle = '0 '.repeat(9).trim();
    all[`/proc/${pid}/stat`] = `${pid} (a (b) c) ${state} ${parent} ${middle} ${times.join(' ')} 20 0 1 0 ${start} 0`;
    all[`/proc/${pid}/status`] = 'Name:\ta\nVmRSS:\t    1000 kB\n';
    for (const [thread, listed] of Object.entries(children)) all[`/proc/${pid}/task/${thread}/children`] = listed;
  }
  return {
    readText: (path: string) => all[path] ?? null,
    listFolder: (path: string) => {
      const pid = /^\/proc\/(\d+)\/task$/.exec(path)?.[1] ?? '';
      return Object.keys(processes[pid]?.children ?? {});
    },
  };
}

describe('the times of a program', () => {
  test('are those of its process and of the children of all its threads', () => {
    const times = programTimes(
      7,
      new Map(),
      machine({ 7: { children: { 7: '8 ', 11: '9 ' } }, 8: { parent: 7 }, 9: { parent: 7 } }),
    );
    assert.deepEqual([...(times?.processes.keys() ?? [])], [7, 8, 9]);
    assert.deepEqual(times?.processes.get(7), {
      ...{ startTicks: '500', parent: 1, ownMs: 30, waitedMs: 70, residentBytes: 1_024_000 },
    });
  });

  test('have no memory of a process that has ended and waits for its parent', () => {
    const times = programTimes(7, new Map(), machine({ 7: { state: 'Z' } }));
    assert.deepEqual([times?.processes.get(7)?.ownMs, times?.processes.get(7)?.residentBytes], [30, 0]);
  });

  test('have a process that has left its parent while it is the same one', () => {
    const reads = machine({ 7: {}, 8: { start: '600' }, 9: { start: '700' } });
    const known = new Map([
      [8, { startTicks: '600' }],
      [9, { startTicks: 'of another one' }],
    ]);
    assert.deepEqual([...(programTimes(7, known, reads)?.processes.keys() ?? [])], [7, 8]);
  });

  test('are none of a process that is gone', () => assert.equal(programTimes(7, new Map(), machine({})), null));

  for (const [what, own, ofProgram, files, expected] of [
    ['version 2', '0::/gateway', '0::/shop', { '/sys/fs/cgroup/shop/cpu.stat': 'usage_usec 2500\nuser_usec 1\n' }, 2.5],
    [
      'version 1',
      '2:cpu,cpuacct:/',
      '2:cpu,cpuacct:/shop',
      { '/sys/fs/cgroup/cpu,cpuacct/shop/cpuacct.usage': '7000000\n' },
      7,
    ],
    ['the group of the gateway', '0::/shop', '0::/shop', { '/sys/fs/cgroup/shop/cpu.stat': 'usage_usec 2500\n' }, null],
    ['the root of all groups', '0::/gateway', '0::/', { '/sys/fs/cgroup/cpu.stat': 'usage_usec 2500\n' }, null],
  ] as const)
    test(`have the CPU time of a control group: ${what}`, () => {
      const reads = machine(
        { 7: {} },
        { '/proc/self/cgroup': `${own}\n`, '/proc/7/cgroup': `${ofProgram}\n`, ...files },
      );
      assert.equal(programTimes(7, new Map(), reads)?.group?.cpuMs ?? null, expected);
      if (expected !== null) assert.equal(groupCpuMs(ofProgram, reads.readText), expected);
    });

  test('of children that were waited for come from the process itself', () => {
    const { readText } = machine({ self: { times: [0, 0, 40, 5] } });
    assert.equal(waitedChildrenMs(readText), 450);
  });
});
