import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Instant } from '../core/time.ts';
import { MemoryKills } from './running-program.ts';

const at = (ms: number) => ms as Instant;
const v2 = (count: number) => `low 0\nhigh 0\nmax 3\noom 9\noom_kill ${count}\noom_group_kill 0\n`;
const v1 = (count: number) => `oom_kill_disable 0\nunder_oom 0\noom_kill ${count}\n`;

interface Machine {
  readonly cgroup: string;
  readonly path: string;
  readonly text: (count: number) => string;
}

const machines: Readonly<Record<string, Machine>> = {
  'cgroup v2': {
    cgroup: '0::/system.slice/app.service\n',
    path: '/sys/fs/cgroup/system.slice/app.service/memory.events',
    text: v2,
  },
  'cgroup v2 inside a container': { cgroup: '0::/../../host/path\n', path: '/sys/fs/cgroup/memory.events', text: v2 },
  'cgroup v1': {
    cgroup: '4:memory:/jobs/7\n1:cpu:/\n0::/\n',
    path: '/sys/fs/cgroup/memory/jobs/7/memory.oom_control',
    text: v1,
  },
  'cgroup v1 at its root': { cgroup: '9:cpu,memory:/\n', path: '/sys/fs/cgroup/memory/memory.oom_control', text: v1 },
};

for (const [name, { cgroup, path, text }] of Object.entries(machines)) {
  test(`a kill for memory is seen with ${name}`, () => {
    let count = 2;
    const read = (asked: string) => (asked === '/proc/7/cgroup' ? cgroup : asked === path ? text(count) : null);
    const kills = new MemoryKills(7, at(0), read);
    assert.equal(kills.hasRisen(at(10)), false);
    count = 3;
    assert.equal(kills.hasRisen(at(20)), true);
  });
}

test('a machine that does not count says nothing', () => {
  assert.equal(new MemoryKills(7, at(0), () => null).hasRisen(at(10)), null);
  assert.equal(
    new MemoryKills(7, at(0), (path) => (path === '/proc/7/cgroup' ? '0::/\n' : null)).hasRisen(at(10)),
    null,
  );
});

test('a kill in a group that the process has moved to since its start is seen', () => {
  let group = 'candor';
  const counts: Record<string, number> = { candor: 4, app: 1 };
  const read = (path: string) => {
    if (path === '/proc/7/cgroup') return `0::/${group}\n`;
    const count = counts[/cgroup\/(\w+)\/memory/.exec(path)?.[1] ?? ''];
    return count === undefined ? null : v2(count);
  };
  const kills = new MemoryKills(7, at(0), read);
  group = 'app';
  kills.watch(at(200));
  assert.equal(kills.hasRisen(at(300)), false);
  counts['app'] = 2;
  assert.equal(kills.hasRisen(at(400)), true);
});

test('a kill is seen although the process seems to be in the root group while it ends', () => {
  let cgroup = '4:memory:/jobs/7\n0::/\n';
  const counts = { '/jobs/7': 0, '': 8 };
  const read = (path: string) => {
    const group = /^\/sys\/fs\/cgroup\/memory(.*)\/memory\.oom_control$/.exec(path)?.[1];
    return path === '/proc/7/cgroup' ? cgroup : group === undefined ? null : v1(counts[group as keyof typeof counts]);
  };
  const kills = new MemoryKills(7, at(0), read);
  kills.watch(at(200));
  counts['/jobs/7'] = 1;
  cgroup = '4:memory:/\n0::/\n';
  kills.watch(at(300));
  assert.equal(kills.hasRisen(at(400)), true);
});

test('an old kill of another process of the group is no evidence, a recent one is', () => {
  let count = 0;
  const read = (path: string) => (path === '/proc/7/cgroup' ? '0::/a\n' : v2(count));
  const kills = new MemoryKills(7, at(0), read);
  count = 1;
  for (let ms = 1_000; ms <= 20_000; ms += 1_000) kills.watch(at(ms));
  assert.equal(kills.hasRisen(at(20_500)), false);
  count = 2;
  kills.watch(at(21_000));
  assert.equal(kills.hasRisen(at(21_500)), true);
});
