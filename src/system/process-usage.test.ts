import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { processUsage } from './process-usage.ts';

const status = 'Name:\tnode\nVmHWM:\t  2048 kB\nVmRSS:\t  1024 kB\nThreads:\t7\n';
const limits =
  'Limit  Soft Limit  Hard Limit  Units\nMax open files            1024                 4096                 files\n';

const usageOf = (files: Readonly<Record<string, string>>) =>
  processUsage(
    7,
    (path) => files[path] ?? null,
    () => 12,
  );

describe('the usage of a process', () => {
  test('has its files, its memory and its control group of version 2', () => {
    const folder = '/sys/fs/cgroup/app.service';
    const usage = usageOf({
      '/proc/7/status': status,
      '/proc/7/limits': limits,
      '/proc/7/cgroup': '0::/app.service\n',
      [`${folder}/memory.events`]: 'low 0\nhigh 0\nmax 9\noom 2\noom_kill 2\noom_group_kill 0\n',
      [`${folder}/memory.current`]: '5000\n',
      [`${folder}/memory.max`]: '6000\n',
      [`${folder}/cpu.stat`]: 'usage_usec 1\nnr_periods 5\nnr_throttled 3\n',
      [`${folder}/memory.pressure`]:
        'some avg10=12.50 avg60=1.00 avg300=0.00 total=1\nfull avg10=1.00 avg60=0 total=0\n',
    });
    assert.deepEqual(usage, {
      pid: 7,
      openFiles: 12,
      openFilesMax: 1024,
      memoryBytes: 1024 * 1024,
      memoryPeakBytes: 2048 * 1024,
      threads: 7,
      controlGroup: {
        path: '/app.service',
        memoryBytes: 5000,
        memoryMaxBytes: 6000,
        oomKills: 2,
        cpuPressure: null,
        memoryPressure: 12.5,
        ioPressure: null,
        cpuThrottled: 3,
        cpuPeriods: 5,
      },
    });
  });

  test('in a container has the group at the root of the mount', () => {
    const usage = usageOf({
      '/proc/7/status': status,
      '/proc/7/cgroup': '0::/../host/only\n',
      '/sys/fs/cgroup/memory.events': 'oom_kill 1\n',
      '/sys/fs/cgroup/memory.max': 'max\n',
    });
    assert.deepEqual([usage?.controlGroup?.oomKills, usage?.controlGroup?.memoryMaxBytes], [1, null]);
  });

  test('has the control group of version 1, whose limit may be none', () => {
    const folder = '/sys/fs/cgroup/memory/app';
    const usage = usageOf({
      '/proc/7/status': status,
      '/proc/7/cgroup': '5:cpu:/other\n4:memory:/app\n',
      [`${folder}/memory.usage_in_bytes`]: '5000\n',
      [`${folder}/memory.limit_in_bytes`]: '9223372036854771712\n',
      [`${folder}/memory.oom_control`]: 'oom_kill_disable 0\nunder_oom 0\noom_kill 4\n',
    });
    const { memoryBytes, memoryMaxBytes, oomKills } = usage?.controlGroup ?? {};
    assert.deepEqual([memoryBytes, memoryMaxBytes, oomKills], [5000, null, 4]);
  });

  test('is null without /proc, and has no group where none can be read', () => {
    assert.equal(usageOf({}), null);
    assert.equal(usageOf({ '/proc/7/status': status })?.controlGroup, null);
  });

  test('of this process is readable on Linux', { skip: process.platform !== 'linux' && 'no /proc' }, () => {
    const usage = processUsage(process.pid);
    assert.ok((usage?.openFiles ?? 0) > 3 && (usage?.memoryBytes ?? 0) > 1e6 && (usage?.threads ?? 0) >= 1);
  });
});
