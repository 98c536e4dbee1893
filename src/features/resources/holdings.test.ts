import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { diskOf } from './devices.ts';
import { groupBases } from './groups.ts';
import { holdingText } from './holding-text.ts';
import { holdingsOf } from './holdings.ts';
import { type ResourceMachine, SystemMachine } from './machine.ts';
import { fakeMachine } from './main-machine.test-support.ts';
import type { ResourceSpec } from './settings.ts';

const noGroups = { why: 'this user may make no control groups in /sys/fs/cgroup' };
const group = { version: 2, folder: '/sys/fs/cgroup', moves: null } as const;

function machine({
  groupless = false,
  ...changes
}: Parameters<typeof fakeMachine>[0] & { readonly groupless?: boolean } = {}): ResourceMachine {
  const base = groupless ? noGroups : group;
  return fakeMachine({ groups: () => ({ memory: base, cpu: base, pids: base, io: base }), ...changes });
}

const user = (name: string, ofGroup: string | null = null) => ({ name, group: ofGroup });
const all: ResourceSpec = {
  limits: { memoryBytes: 512 * 1024 * 1024, cpus: 1.5, processes: 64, descriptors: 1024, nice: 5 },
  user: user('www-data'),
  isolation: 'strict',
  persistent: [],
};
const plain: ResourceSpec = { limits: {}, user: null, isolation: 'none', persistent: [] };
const candor = { isRoot: false, uid: 900, ownName: 'candor' };
const delegated =
  'let systemd delegate them to the gateway (Delegate=cpu io memory pids, DelegateSubgroup=gateway and ProtectControlGroups=no in its unit), or in a container make /sys/fs/cgroup writable';

const rows: readonly (readonly [
  what: string,
  spec: ResourceSpec,
  machine: ResourceMachine,
  said: readonly string[],
])[] = [
  [
    'root with control groups',
    all,
    machine(),
    [
      'limits.memory 512 MiB is held by control group v2',
      'limits.cpu 1.5 is held by control group v2',
      'limits.processes 64 is held by control group v2',
      'limits.descriptors 1024 is held by prlimit --nofile',
      'limits.nice 5 is held by nice',
      'user www-data is held by setpriv',
      'isolation strict is held by bwrap',
    ],
  ],
  [
    'a user without control groups',
    { ...all, user: null },
    machine({ ...candor, groupless: true }),
    [
      `limits.memory 512 MiB is held by the gateway: ${noGroups.why}; so the gateway looks each second, and kills the program`,
      `limits.cpu 1.5 is not held: ${noGroups.why}: ${delegated}`,
      `limits.processes 64 is held by prlimit --nproc: ${noGroups.why}; so all processes of its user count together`,
      'limits.descriptors 1024 is held by prlimit --nofile',
      'limits.nice 5 is held by nice',
      'isolation strict is held by bwrap',
    ],
  ],
  [
    'root without control groups: nothing else counts the processes of root',
    { ...plain, limits: { processes: 64 } },
    machine({ groupless: true }),
    [`limits.processes 64 is not held: ${noGroups.why}, and root has no other limit: ${delegated}`],
  ],
  [
    'more than the gateway itself may have',
    { ...plain, limits: { descriptors: 4096, nice: -5 } },
    machine({ ...candor }),
    [
      'limits.descriptors 4096 is not held: the gateway itself may have 1024: let the gateway have more, or write 1024 or less',
      'limits.nice -5 is not held: only root may give a program more than the gateway has (0): write 0 or more',
    ],
  ],
  [
    'another user, and the gateway is not root',
    { ...plain, user: user('www-data') },
    machine(candor),
    [
      'user www-data is not held: the gateway runs as candor, and only root may start programs as another user: start the gateway as root, or remove `user`',
    ],
  ],
  [
    'the user of the gateway itself',
    { ...plain, user: user('candor') },
    machine(candor),
    ['user candor is held by the gateway, which runs as this user'],
  ],
  [
    'a user, and a group, that there is not',
    { ...plain, user: user('shop') },
    machine(),
    ['user shop is not held: there is no user shop on this machine: create it (adduser --system), or correct the name'],
  ],
  [
    'a group that there is not',
    { ...plain, user: user('www-data', 'shop') },
    machine(),
    [
      'user www-data:shop is not held: there is no group shop on this machine: create it (adduser --system), or correct the name',
    ],
  ],
  [
    'tools are missing',
    { ...all, limits: { descriptors: 1024, nice: 5 } },
    machine({ missing: ['bwrap', 'prlimit', 'nice', 'setpriv'] }),
    [
      'limits.descriptors 1024 is not held: the program prlimit is missing: install it (apt-get install util-linux)',
      'limits.nice 5 is not held: the program nice is missing: install it (apt-get install coreutils)',
      'user www-data is not held: the program setpriv is missing: install it (apt-get install util-linux)',
      'isolation strict is not held: the program bwrap is missing: install it (apt-get install bubblewrap)',
    ],
  ],
  [
    'name spaces are forbidden',
    { ...plain, isolation: 'strict' },
    machine({ ...candor, sandboxProblem: () => 'bwrap: No permissions to create new namespace' }),
    [
      'isolation strict is not held: bwrap cannot isolate a program here (bwrap: No permissions to create new namespace): allow user namespaces (sysctl kernel.unprivileged_userns_clone=1, user.max_user_namespaces above 0; RestrictNamespaces=no in a unit), or remove `isolation`',
    ],
  ],
  [
    'an isolated program of root',
    { ...plain, isolation: 'strict' },
    machine(),
    [
      'isolation strict is held by bwrap: it runs as root, which owns what it may read and the sockets of the gateway: give it a `user`',
    ],
  ],
];

for (const [what, spec, on, said] of rows)
  test(`by what settings are held: ${what}`, () => {
    const holdings = holdingsOf(spec, on);
    assert.deepEqual(holdings.map(holdingText), said);
    // A limit that is not held is told; a right that is not taken away is refused.
    for (const { setting, by, isRefused } of holdings)
      assert.equal(isRefused, by === null && (setting === 'user' || setting === 'isolation'), setting);
  });

test('a group that could not be made is why a limit is not held', () => {
  const [memory, cpu] = holdingsOf(
    { ...plain, limits: { memoryBytes: 1024 ** 3, cpus: 2 } },
    machine(),
    () => 'EBUSY: busy',
  );
  assert.match(holdingText(memory ?? assert.fail()), /^limits\.memory 1 GiB is held by the gateway: EBUSY: busy/);
  assert.match(holdingText(cpu ?? assert.fail()), /^limits\.cpu 2 is not held: EBUSY: busy/);
});

const io: ResourceSpec = { ...plain, limits: { ioBytesPerS: 50 * 1024 * 1024 } };
const said = (on: ResourceMachine, directory: string | null = '/srv/shop'): string | undefined =>
  holdingsOf(io, on, () => null, directory).map(holdingText)[0];

test('the disk of a folder is limited by control groups of version 2, where the folder lies on one', () => {
  assert.equal(said(machine()), 'limits.io 50 MiB/s is held by control group v2');
  assert.equal(said(machine(), null), 'limits.io 50 MiB/s is held by control group v2');
  assert.equal(
    said(machine({ deviceNumber: () => ({ major: 0, minor: 24 }) })),
    "limits.io 50 MiB/s is not held: /srv/shop lies on no disk of its own (a container's layer, btrfs, memory or the network)",
  );
  assert.equal(said(machine({ deviceNumber: () => null })), 'limits.io 50 MiB/s is not held: /srv/shop is not there');
});

test('and not by those of version 1', () => {
  const texts: Readonly<Record<string, string>> = { '/proc/self/cgroup': '2:blkio:/\n1:memory:/\n0::/\n' };
  const reader = { readText: (path: string) => texts[path] ?? null, mayWrite: () => true };
  const groups = groupBases(reader, { pid: 1, isRoot: true });
  assert.equal(
    said(machine({ groups: () => groups })),
    'limits.io 50 MiB/s is not held: control groups of version 1 do not limit what is written through the page cache',
  );
});

test('a partition has the number of its disk', () => {
  const texts: Readonly<Record<string, string>> = {
    '/sys/dev/block/8:1/partition': '1\n',
    '/sys/dev/block/8:1/../dev': '8:0\n',
  };
  const on = (major: number, minor: number) =>
    diskOf('/srv', { readText: (path) => texts[path] ?? null, deviceNumber: () => ({ major, minor }) });
  assert.equal(on(8, 1), '8:0');
  assert.equal(on(253, 2), '253:2');
});

test('the number of a device of this machine is that of the kernel', { skip: process.platform !== 'linux' }, () => {
  // /dev/shm and /proc have no disk; what has one is listed with the same number.
  const { major, minor } = new SystemMachine().deviceNumber('/proc/self') ?? assert.fail();
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8').split('\n');
  assert.ok(mounts.some((line) => line.split(' ')[2] === `${major}:${minor}` && line.split(' ')[4] === '/proc'));
});
