import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SimulatedClock } from '../../testing/simulated-clock.ts';
import { groupBases } from './groups.ts';
import { GroupTree } from './main-group-tree.test-support.ts';
import { ProcessGroups } from './main-groups.ts';

const top = '/sys/fs/cgroup';
const own = 100;
const offered = 'cpu io memory pids';
const limits = { memoryBytes: 64 * 1024 * 1024, cpus: 1.5, processes: 30 };

/** Kinds of machines: what there is, where groups may be made, and where one is then; null: nowhere, and `why`. */
const machines: readonly {
  readonly kind: string;
  readonly isRoot: boolean;
  readonly make: () => GroupTree;
  readonly group: string | null;
  readonly version?: 1 | 2;
  readonly why?: RegExp;
  /** Where the gateway itself is afterwards. */
  readonly gateway?: string;
}[] = [
  {
    kind: 'version 2, root, in a session with other processes',
    isRoot: true,
    make: () => second(`${top}/user.slice/session.scope`, { others: true }),
    group: `${top}/candor-k/app-shop/shop-1`,
    version: 2,
    gateway: `${top}/user.slice/session.scope`,
  },
  {
    kind: 'version 2, root, in a service of its own',
    isRoot: true,
    make: () => second(`${top}/system.slice/candor.service`),
    group: `${top}/system.slice/candor.service/candor-k/app-shop/shop-1`,
    version: 2,
    gateway: `${top}/system.slice/candor.service/gateway`,
  },
  {
    kind: 'version 2, a user to whom systemd delegates',
    isRoot: false,
    make: () => second(`${top}/system.slice/candor.service`, { writable: (path) => path.includes('candor.service') }),
    group: `${top}/system.slice/candor.service/candor-k/app-shop/shop-1`,
    version: 2,
    gateway: `${top}/system.slice/candor.service/gateway`,
  },
  {
    kind: 'version 2, a user to whom systemd delegates, with DelegateSubgroup=gateway',
    isRoot: false,
    make: () =>
      second(`${top}/system.slice/candor.service/gateway`, { writable: (path) => path.includes('candor.service') }),
    group: `${top}/system.slice/candor.service/candor-k/app-shop/shop-1`,
    version: 2,
    gateway: `${top}/system.slice/candor.service/gateway`,
  },
  {
    kind: 'version 2, a container with a first process of its own',
    isRoot: true,
    make() {
      const tree = new GroupTree(() => true);
      tree.addSecond(top, offered, true);
      tree.addProcess(1, top, 0, 'tini');
      tree.addProcess(own, top, 1);
      tree.files.set('/proc/self/cgroup', '0::/\n');
      return tree;
    },
    group: `${top}/candor-k/app-shop/shop-1`,
    version: 2,
    gateway: `${top}/gateway`,
  },
  {
    kind: 'version 2, a container whose groups are read-only',
    isRoot: true,
    make() {
      const tree = new GroupTree((path) => !path.startsWith(top));
      tree.addSecond(top, offered, true);
      tree.addProcess(own, top, 0);
      tree.files.set('/proc/self/cgroup', '0::/\n');
      return tree;
    },
    group: null,
    why: /this user may make no control groups in \/sys\/fs\/cgroup$/,
  },
  {
    kind: 'version 2, a user without delegation',
    isRoot: false,
    make: () => second(`${top}/system.slice/candor.service`, { writable: () => false }),
    group: null,
    why: /may make no control groups in .*candor\.service$/,
  },
  {
    kind: 'version 2, the own session of a user, with a shell',
    isRoot: false,
    make: () =>
      second(`${top}/user.slice/session.scope`, { others: true, writable: (path) => path.includes('user.slice') }),
    group: null,
    why: /other processes are in the control group of the gateway, such as bash \(process 50\)$/,
  },
  {
    kind: 'version 1, root',
    isRoot: true,
    make: () => first(() => true),
    group: `${top}/memory/candor-k/app-shop/shop-1`,
    version: 1,
  },
  {
    kind: 'version 1, in a group of a container manager',
    isRoot: true,
    make: () => first(() => true, '/box'),
    group: `${top}/memory/box/candor-k/app-shop/shop-1`,
    version: 1,
  },
  {
    kind: 'version 1, read-only',
    isRoot: true,
    make: () => first(() => false),
    group: null,
    why: /in \/sys\/fs\/cgroup\/memory$/,
  },
  {
    kind: 'both versions, the controllers in version 1',
    isRoot: true,
    make() {
      const tree = first(() => true);
      tree.addSecond(`${top}/unified`, 'hugetlb');
      return tree;
    },
    group: `${top}/memory/candor-k/app-shop/shop-1`,
    version: 1,
  },
  {
    kind: 'no control groups',
    isRoot: true,
    make: () => new GroupTree(() => true),
    group: null,
    why: /this kernel offers no control groups for memory/,
  },
];

function second(
  group: string,
  { others = false, writable = () => true }: { others?: boolean; writable?: (path: string) => boolean } = {},
): GroupTree {
  const tree = new GroupTree(writable);
  tree.addSecond(top, offered);
  tree.files.set(`${top}/cgroup.subtree_control`, offered);
  const parts = group.slice(top.length + 1).split('/');
  for (let n = 1; n <= parts.length; n += 1) {
    const path = `${top}/${parts.slice(0, n).join('/')}`;
    tree.addGroup(path);
    // The manager hands controllers on to its units, and a unit that has a group of its own to nothing.
    if (n < parts.length && !path.endsWith('.service')) tree.files.set(`${path}/cgroup.subtree_control`, offered);
  }
  tree.addProcess(own, group);
  tree.addProcess(own + 1, group, own, 'sh');
  if (others) tree.addProcess(50, group, 1, 'bash');
  tree.files.set('/proc/self/cgroup', `0::${group.slice(top.length)}\n`);
  return tree;
}

function first(writable: (path: string) => boolean, group = '/'): GroupTree {
  const tree = new GroupTree(writable);
  for (const name of ['memory', 'cpu', 'pids']) {
    tree.addFirst(name);
    if (group !== '/') tree.addGroup(`${top}/${name}${group}`);
  }
  tree.files.set('/proc/self/cgroup', `3:pids:${group}\n2:cpu:${group}\n1:memory:${group}\n0::/\n`);
  return tree;
}

function groupsOf(tree: GroupTree, isRoot = true): { groups: ProcessGroups; clock: SimulatedClock } {
  const clock = new SimulatedClock();
  return { groups: new ProcessGroups({ files: tree, clock, self: { pid: own, isRoot }, key: 'k' }), clock };
}

for (const { kind, isRoot, make, group, version, why, gateway } of machines)
  test(`a machine with ${kind}: ${group === null ? 'no groups, with the reason' : 'a group with the limits'}`, () => {
    const tree = make();
    const { memory } = groupBases(tree, { pid: own, isRoot });
    if (group === null) {
      assert.match('why' in memory ? memory.why : '', why ?? /^$/);
      assert.deepEqual(groupsOf(tree, isRoot).groups.make('shop', 'shop/1', limits, 0), { ok: true, value: null });
      return;
    }
    assert.ok(!('why' in memory), JSON.stringify(memory));
    assert.equal(memory.version, version);
    const made = groupsOf(tree, isRoot).groups.make('shop', 'shop/1', limits, 2);
    assert.ok(made.ok, JSON.stringify(made));
    assert.deepEqual(made.value?.memory, { folder: group, version });
    const read = (file: string): string | null => tree.readText(file);
    if (version === 2) {
      assert.deepEqual(
        ['memory.max', 'cpu.max', 'pids.max'].map((file) => read(`${group}/${file}`)),
        ['67108864', '150000 100000', '32'],
      );
    } else {
      assert.equal(read(`${group}/memory.limit_in_bytes`), '67108864');
      assert.equal(read(`${group.replace('/memory', '/cpu')}/cpu.cfs_quota_us`), '150000');
      assert.equal(read(`${group.replace('/memory', '/pids')}/pids.max`), '32');
    }
    if (gateway !== undefined) assert.match(read(`${gateway}/cgroup.procs`) ?? '', /^100$/m);
  });

test('a group is removed when its last process has gone, what has left the process group is killed, and the name is used again meanwhile', async () => {
  for (const tree of [first(() => true), second(`${top}/system.slice/candor.service`)]) {
    const { groups, clock } = groupsOf(tree);
    const made = groups.make('shop', 'shop/1', { memoryBytes: limits.memoryBytes }, 0);
    assert.ok(made.ok && made.value !== null);
    const [folder = ''] = made.value.folders;
    tree.addProcess(7, folder, 1, 'daemon');
    const again = groups.make('shop', 'shop/1', { memoryBytes: limits.memoryBytes }, 0);
    assert.ok(again.ok && again.value !== null);
    assert.deepEqual(again.value.folders, [`${folder}.2`]);
    groups.remove(made.value);
    await clock.advance(1000);
    assert.deepEqual(tree.killed, [7]);
    assert.equal(tree.folders.has(folder), false);
    assert.equal(tree.folders.has(`${folder}.2`), true);
    groups.remove(again.value);
    await clock.advance(1000);
    assert.equal(
      [...tree.folders].some((path) => path.includes('app-shop')),
      false,
    );
  }
});

test('what a killed gateway has left is removed at the next start, and groups with processes stay', async () => {
  const tree = first(() => true);
  for (const name of ['candor-k', 'candor-k/app-shop', 'candor-k/app-shop/shop-1', 'candor-k/app-shop/shop-2'])
    tree.addGroup(`${top}/memory/${name}`);
  for (const name of ['candor-pid-9', 'candor-pid-9/app-a', 'candor-pid-100', 'candor-other'])
    tree.addGroup(`${top}/memory/${name}`);
  tree.addProcess(own, `${top}/memory`);
  tree.addProcess(8, `${top}/memory/candor-k/app-shop/shop-2`);
  const { groups } = groupsOf(tree);
  groups.sweep();
  const left = [...tree.folders].filter((path) => path.includes('candor-')).toSorted();
  const expected = ['candor-k', 'candor-k/app-shop', 'candor-k/app-shop/shop-2', 'candor-other', 'candor-pid-100'];
  assert.deepEqual(
    left,
    expected.map((name) => `${top}/memory/${name}`),
  );
  tree.endProcess(8);
  await groups.close(false);
  assert.equal(tree.folders.has(`${top}/memory/candor-k`), false);
});

test('a program that was taken over is found in its groups', () => {
  const tree = first(() => true, '/box');
  tree.files.set(
    '/proc/7/cgroup',
    '2:pids:/box/candor-k/app-shop/shop-1\n1:memory:/box/candor-k/app-shop/shop-1.2\n0::/\n',
  );
  tree.files.set('/proc/8/cgroup', '2:pids:/box\n1:memory:/box/candor-other/app-shop/shop-1\n0::/\n');
  const { groups } = groupsOf(tree);
  const memory = `${top}/memory/box/candor-k/app-shop/shop-1.2`;
  assert.deepEqual(groups.groupOf(7), {
    folders: [`${top}/pids/box/candor-k/app-shop/shop-1`, memory],
    memory: { folder: memory, version: 1 },
  });
  assert.equal(groups.groupOf(8), null);
});

test('a group that cannot be made after all leaves nothing behind, and its problem is known until one can', () => {
  const tree = first((path) => !path.includes('pids.max'));
  const { groups } = groupsOf(tree);
  const made = groups.make('shop', 'shop/1', limits, 0);
  assert.equal(made.ok, false);
  assert.match(groups.problemOf('memory') ?? '', /^a control group could not be made \(EACCES/);
  assert.equal(
    [...tree.folders].some((path) => path.endsWith('shop-1')),
    false,
  );
  assert.ok(groups.make('shop', 'shop/1', { cpus: 1 }, 0).ok);
  assert.equal(groups.problemOf('memory'), null);
});

const ioLimits = { memoryBytes: limits.memoryBytes, ioBytesPerS: 1_048_576 };

test('a limit of the disk is set in version 2, where the memory controller counts what is written later', () => {
  const tree = second(`${top}/system.slice/candor.service`);
  const { groups } = groupsOf(tree);
  const made = groups.make('shop', 'shop/1', { ioBytesPerS: 1_048_576 }, 0, '8:0');
  assert.ok(made.ok && made.value !== null);
  const [folder = ''] = made.value.folders;
  assert.equal(tree.readText(`${folder}/io.max`), '8:0 rbps=1048576 wbps=1048576');
  assert.equal(tree.readText(`${folder}/memory.max`), 'max');
  assert.equal(groups.problemOf('io'), null);
});

test('a disk that the kernel takes no limit for leaves the other limits as they are', () => {
  const tree = second(`${top}/system.slice/candor.service`, { writable: (path) => !path.endsWith('io.max') });
  const { groups } = groupsOf(tree);
  const made = groups.make('shop', 'shop/1', ioLimits, 0, '8:0');
  assert.ok(made.ok && made.value !== null);
  assert.equal(tree.readText(`${made.value.folders[0]}/memory.max`), String(limits.memoryBytes));
  assert.match(groups.problemOf('io') ?? '', /^the kernel takes no limit for its disk \(EACCES/);
  assert.equal(groups.problemOf('memory'), null);
});

test('no group is made for the limit of a disk in version 1, nor of one without a name', () => {
  for (const [tree, disk] of [
    [first(() => true), '8:0'],
    [second(`${top}/system.slice/candor.service`), null],
  ] as const)
    assert.deepEqual(groupsOf(tree).groups.make('shop', 'shop/1', { ioBytesPerS: 1_048_576 }, 0, disk), {
      ok: true,
      value: null,
    });
});
