import type { GroupBases } from './groups.ts';
import type { ResourceMachine, Tool } from './machine.ts';

/** A machine in memory: root, with all tools, users of Debian, and no control groups. */
export function fakeMachine(
  changes: Partial<Omit<ResourceMachine, 'tool'>> & { readonly missing?: readonly Tool[] } = {},
): ResourceMachine {
  const { missing = [], ...others } = changes;
  const none = { why: 'this user may make no control groups in /sys/fs/cgroup' };
  return {
    isRoot: true,
    uid: 0,
    ownName: 'root',
    niceness: 0,
    descriptorsMax: 1024,
    tool: (name) => (missing.includes(name) ? null : `/usr/bin/${name}`),
    groups: (): GroupBases => ({ memory: none, cpu: none, pids: none, io: none }),
    sandboxProblem: () => null,
    readText: (path) => files[path] ?? null,
    mayWrite: () => true,
    lookUp: () => null,
    stat: () => null,
    deviceNumber: () => ({ major: 8, minor: 1 }),
    ...others,
  };
}

const files: Readonly<Record<string, string>> = {
  '/etc/passwd': 'root:x:0:0::/root:/bin/sh\nwww-data:x:33:33::/var/www:/bin/false\ncandor:x:900:900::/:/bin/false\n',
  '/etc/group': 'adm:x:4:www-data\nwww-data:x:33:\n',
};
