import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type ContainerFigures, containerText } from '../../bench/container-text.ts';
import { groupFiles, readThrottled, withinGroup } from '../../bench/cgroup.ts';

const limits = { cpus: 0.5, memoryBytes: 256 * 1024 * 1024 };

describe('a small container', () => {
  it('is half of each period of 100 ms, and 256 MiB, in both versions of control groups', () => {
    assert.deepEqual(groupFiles('/g', 1, 'x', limits).limits, [
      ['/g/cpu/x/cpu.cfs_period_us', '100000'],
      ['/g/cpu/x/cpu.cfs_quota_us', '50000'],
      ['/g/memory/x/memory.limit_in_bytes', '268435456'],
    ]);
    assert.deepEqual(groupFiles('/g', 2, 'x', limits).limits, [
      ['/g/x/cpu.max', '50000 100000'],
      ['/g/x/memory.max', '268435456'],
    ]);
  });

  it('can be stopped as a whole where that is asked for, without a limit of memory', () => {
    const stopped = { cpus: 2, memoryBytes: null, freezes: true };
    const [one, two] = [groupFiles('/g', 1, 'x', stopped), groupFiles('/g', 2, 'x', stopped)];
    assert.deepEqual(one.freezer, { path: '/g/freezer/x/freezer.state', frozen: 'FROZEN', thawed: 'THAWED' });
    assert.deepEqual(two.freezer, { path: '/g/x/cgroup.freeze', frozen: '1', thawed: '0' });
    assert.deepEqual(one.folders, ['/g/cpu/x', '/g/memory/x', '/g/freezer/x']);
    for (const { limits: written } of [one, two]) assert.ok(written.every(([path]) => !path.includes('memory.')));
    assert.equal(groupFiles('/g', 1, 'x', limits).freezer, null);
  });

  it('has the process from its first instruction on, in all folders of the group', () => {
    const command = withinGroup(groupFiles('/g', 1, 'x', limits), ['node', 'a b']);
    assert.deepEqual(command, [
      ...['sh', '-c', 'echo $$ > /g/cpu/x/cgroup.procs && echo $$ > /g/memory/x/cgroup.procs && exec "$@"', 'sh'],
      ...['node', 'a b'],
    ]);
  });

  it('reads the time in which it was kept from running, in both versions', () => {
    const one = readThrottled('nr_periods 20\nnr_throttled 5\nthrottled_time 1500000000\nnr_bursts 0\n');
    const two = readThrottled('usage_usec 9\nnr_periods 20\nnr_throttled 5\nthrottled_usec 1500000\n');
    for (const read of [one, two]) assert.deepEqual(read, { periods: 20, throttledPeriods: 5, throttledMs: 1500 });
  });

  it('is reported with the median of its rounds, and a mark if too few were quiet', () => {
    const round = (p99Ms: number): ContainerFigures => ({
      ...{ startMs: 900, perSecond: 5000, cpuMicroseconds: 90, throttledMs: 400, throttledShare: 0.5 },
      rates: [{ perSecond: 1000, p50Ms: 0.3, p99Ms, late: 0, throttledMs: 3 }],
      ...{ residentBytes: 90e6, groupPeakBytes: null },
    });
    const text = containerText([{ title: 'Candor', isMarked: true, rounds: [round(9), round(2), round(3)] }]);
    assert.match(text, /^Candor \(†: too few rounds were quiet\)$/m);
    assert.match(text, /at 1,000\/s +p50 0\.30 ms, p99 3\.00 ms, throttled 3 ms/);
  });
});
