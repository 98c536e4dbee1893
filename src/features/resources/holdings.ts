/** By what each setting of an application is held on this machine. */
import { memoryText } from '#failures/quantity-text.ts';
import { diskOf } from './devices.ts';
import { type Controller, gatewayGroup } from './groups.ts';
import { packageOf, type ResourceMachine, type Tool } from './machine.ts';
import type { Holding, LimitsSpec, ResourceSpec, UserSpec } from './settings.ts';
import { resolveUser } from './users.ts';

/** `problemOf`: why a group could not be made although the machine seems to allow it; null: nothing is known. `directory`: of the application; null: not known. */
export function holdingsOf(
  spec: ResourceSpec,
  machine: ResourceMachine,
  problemOf: (controller: Controller) => string | null = () => null,
  directory: string | null = null,
): readonly Holding[] {
  const { limits, user, isolation } = spec;
  const held = (setting: keyof typeof groupOf): string | { readonly why: string } =>
    heldByGroup(groupOf[setting], machine, problemOf(groupOf[setting]));
  return [
    ...(limits.memoryBytes === undefined ? [] : [memory(limits.memoryBytes, held('memory'))]),
    ...(limits.cpus === undefined ? [] : [cpu(limits.cpus, held('cpu'))]),
    ...(limits.processes === undefined ? [] : [processes(limits.processes, spec, held('processes'), machine)]),
    ...(limits.descriptors === undefined ? [] : [descriptors(limits.descriptors, machine)]),
    ...(limits.nice === undefined ? [] : [nice(limits.nice, machine)]),
    ...(limits.ioBytesPerS === undefined ? [] : [io(limits.ioBytesPerS, held('io'), machine, directory)]),
    ...(user === null ? [] : [userOf(user, machine)]),
    ...(isolation === 'none' ? [] : [isolated(spec, machine)]),
  ];
}

const groupOf = { memory: 'memory', cpu: 'cpu', processes: 'pids', io: 'io' } as const;

function heldByGroup(
  controller: Controller,
  machine: ResourceMachine,
  problem: string | null,
): string | { readonly why: string } {
  const base = machine.groups()[controller];
  if ('why' in base) return base;
  return problem === null ? `control group v${base.version}` : { why: problem };
}

type ByGroup = ReturnType<typeof heldByGroup>;

const held = (setting: Holding['setting'], value: string, by: string, remark: string | null = null): Holding => ({
  ...{ setting, value, by, remark, fix: null, isRefused: false },
});

const unheld = (setting: Holding['setting'], value: string, remark: string, fix: string | null): Holding => ({
  ...{ setting, value, by: null, remark, fix, isRefused: false },
});

/** What a unit of systemd, or a container, has to say. */
const delegation = `let systemd delegate them to the gateway (Delegate=cpu io memory pids, DelegateSubgroup=${gatewayGroup} and ProtectControlGroups=no in its unit), or in a container make /sys/fs/cgroup writable`;

function memory(bytes: number, group: ByGroup): Holding {
  const value = memoryText(bytes);
  if (typeof group === 'string') return held('memory', value, group);
  const remark = `${group.why}; so the gateway looks each second, and kills the program`;
  return { ...held('memory', value, 'the gateway', remark), fix: delegation };
}

function cpu(cpus: number, group: ByGroup): Holding {
  return typeof group === 'string'
    ? held('cpu', String(cpus), group)
    : unheld('cpu', String(cpus), group.why, delegation);
}

function processes(max: number, spec: ResourceSpec, group: ByGroup, machine: ResourceMachine): Holding {
  const value = String(max);
  if (typeof group === 'string') return held('processes', value, group);
  const runsAsRoot = spec.user === null ? machine.isRoot : isRootUser(spec.user, machine);
  if (runsAsRoot) return unheld('processes', value, `${group.why}, and root has no other limit`, delegation);
  if (machine.tool('prlimit') === null)
    return unheld('processes', value, withoutTool(group.why, 'prlimit'), delegation);
  const remark = `${group.why}; so all processes of its user count together`;
  return { ...held('processes', value, 'prlimit --nproc', remark), fix: delegation };
}

function isRootUser(user: UserSpec, machine: ResourceMachine): boolean {
  const found = resolveUser(user, machine);
  return found.ok && found.value.uid === 0;
}

function io(bytesPerS: number, group: ByGroup, machine: ResourceMachine, directory: string | null): Holding {
  const value = `${memoryText(bytesPerS)}/s`;
  if (typeof group !== 'string') return unheld('io', value, group.why, null);
  const disk = directory === null ? null : diskOf(directory, machine);
  return disk !== null && typeof disk !== 'string' ? unheld('io', value, disk.why, null) : held('io', value, group);
}

function descriptors(max: number, machine: ResourceMachine): Holding {
  const value = String(max);
  if (machine.tool('prlimit') === null) return unheld('descriptors', value, noTool('prlimit'), install('prlimit'));
  const own = machine.descriptorsMax;
  if (own !== null && max > own && !machine.isRoot)
    return unheld(
      'descriptors',
      value,
      `the gateway itself may have ${own}`,
      `let the gateway have more, or write ${own} or less`,
    );
  return held('descriptors', value, 'prlimit --nofile');
}

function nice(value: number, machine: ResourceMachine): Holding {
  if (machine.tool('nice') === null) return unheld('nice', String(value), noTool('nice'), install('nice'));
  if (value < machine.niceness && !machine.isRoot)
    return unheld(
      'nice',
      String(value),
      `only root may give a program more than the gateway has (${machine.niceness})`,
      `write ${machine.niceness} or more`,
    );
  return held('nice', String(value), 'nice');
}

function userText({ name, group }: UserSpec): string {
  return group === null ? name : `${name}:${group}`;
}

function userOf(user: UserSpec, machine: ResourceMachine): Holding {
  const value = userText(user);
  const refused = (remark: string, fix: string | null): Holding => ({
    ...unheld('user', value, remark, fix),
    isRefused: true,
  });
  const found = resolveUser(user, machine);
  if (!found.ok) return refused(found.failure, 'create it (adduser --system), or correct the name');
  if (!machine.isRoot) {
    if (found.value.uid === machine.uid) return held('user', value, 'the gateway, which runs as this user');
    return refused(
      `the gateway runs as ${machine.ownName ?? `user ${machine.uid}`}, and only root may start programs as another user`,
      'start the gateway as root, or remove `user`',
    );
  }
  return machine.tool('setpriv') === null
    ? refused(noTool('setpriv'), install('setpriv'))
    : held('user', value, 'setpriv');
}

function isolated(spec: ResourceSpec, machine: ResourceMachine): Holding {
  const refused = (remark: string, fix: string): Holding => ({
    ...unheld('isolation', spec.isolation, remark, fix),
    isRefused: true,
  });
  for (const name of ['bwrap', 'env', 'setpriv'] as const)
    if (machine.tool(name) === null) return refused(noTool(name), install(name));
  const problem = machine.sandboxProblem();
  if (problem !== null)
    return refused(
      `bwrap cannot isolate a program here (${problem})`,
      'allow user namespaces (sysctl kernel.unprivileged_userns_clone=1, user.max_user_namespaces above 0; RestrictNamespaces=no in a unit), or remove `isolation`',
    );
  const isRoot = machine.isRoot && (spec.user === null || isRootUser(spec.user, machine));
  const remark = isRoot
    ? 'it runs as root, which owns what it may read and the sockets of the gateway: give it a `user`'
    : null;
  return held('isolation', spec.isolation, 'bwrap', remark);
}

const noTool = (name: Tool): string => `the program ${name} is missing`;
const install = (name: Tool): string => `install it (apt-get install ${packageOf[name]})`;
const withoutTool = (why: string, name: Tool): string => `${why}, and ${noTool(name)}`;

export function needsGroup({ memoryBytes, cpus, processes: max, ioBytesPerS }: LimitsSpec): boolean {
  return [memoryBytes, cpus, max, ioBytesPerS].some((limit) => limit !== undefined);
}
