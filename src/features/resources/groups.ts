/**
 * Where this machine lets the gateway make control groups (cgroups(7)). Version 2 counts where it has the controller, else the
 * hierarchy of version 1. Nothing is changed here: `main-groups.ts` makes the groups.
 */
import { basename, dirname } from 'node:path';

export const controllers = ['memory', 'cpu', 'pids', 'io'] as const;
export type Controller = (typeof controllers)[number];

/** What is read of the file system. */
export interface GroupReader {
  readText(path: string): string | null;
  mayWrite(path: string): boolean;
}

/** A folder in which the gateway may make groups with the controllers. */
export interface GroupBase {
  readonly version: 1 | 2;
  readonly folder: string;
  /**
   * Version 2: the group of the gateway itself, which must have no process before it may have groups with controllers: its processes move
   * to a group of their own in it. Null: there is nothing to move.
   */
  readonly moves: readonly number[] | null;
}

export type BaseOrReason = GroupBase | { readonly why: string };

export type GroupBases = Readonly<Record<Controller, BaseOrReason>>;

/** The group of the gateway's own processes below the one that a service manager delegates to it (`DelegateSubgroup=` of systemd). */
export const gatewayGroup = 'gateway';

const mounts = ['/sys/fs/cgroup', '/sys/fs/cgroup/unified'];

interface Self {
  readonly pid: number;
  readonly isRoot: boolean;
}

export function groupBases(reader: GroupReader, self: Self): GroupBases {
  const paths = ownPaths(reader);
  const second = secondVersion(reader, self, paths);
  const found = controllers.map((controller) => [controller, baseOf(controller, second, paths, reader)] as const);
  return Object.fromEntries(found) as unknown as GroupBases;
}

/** The group of this process in each hierarchy, by controller; '': of version 2. */
function ownPaths(reader: GroupReader): ReadonlyMap<string, string> {
  const lines = reader.readText('/proc/self/cgroup')?.trim().split('\n') ?? [];
  return new Map(
    lines.flatMap((line) => {
      const [, names, path] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
      return names === undefined || path === undefined ? [] : names.split(',').map((name) => [name, path] as const);
    }),
  );
}

interface SecondVersion {
  /** That its folder has. */
  readonly controllers: readonly string[];
  readonly base: BaseOrReason;
}

function baseOf(
  controller: Controller,
  second: SecondVersion | null,
  paths: ReadonlyMap<string, string>,
  reader: GroupReader,
): BaseOrReason {
  if (second?.controllers.includes(controller) === true) return second.base;
  if (controller === 'io' && paths.has('blkio'))
    return { why: 'control groups of version 1 do not limit what is written through the page cache' };
  const path = paths.get(controller);
  if (path === undefined) return { why: `this kernel offers no control groups for ${controller}` };
  const mount = `/sys/fs/cgroup/${controller}`;
  // In a container the path may be one that only the host can see: the mount is then the group itself.
  const folder = [joined(mount, path), mount].find((one) => reader.readText(`${one}/cgroup.procs`) !== null);
  if (folder === undefined) return { why: `${mount} is not mounted` };
  return reader.mayWrite(folder)
    ? { version: 1, folder, moves: null }
    : { why: `this user may make no control groups in ${folder}` };
}

function secondVersion(reader: GroupReader, self: Self, paths: ReadonlyMap<string, string>): SecondVersion | null {
  const path = paths.get('') ?? '/';
  for (const mount of mounts) {
    const offered = reader.readText(`${mount}/cgroup.controllers`);
    if (offered === null) continue;
    const own =
      [joined(mount, path), mount].find((one) => reader.readText(`${one}/cgroup.controllers`) !== null) ?? mount;
    const base = baseOfSecond(reader, self, mount, own);
    const folder = 'why' in base ? own : base.folder;
    const names = wordsIn(reader.readText(`${folder}/cgroup.controllers`));
    if (names.length > 0) return { controllers: names, base };
  }
  return null;
}

function baseOfSecond(reader: GroupReader, self: Self, mount: string, own: string): BaseOrReason {
  if (isRootGroup(reader, own)) return baseAtTop(reader, own);
  const parent = dirname(own);
  if (basename(own) === gatewayGroup && own !== mount && isDelegated(reader, parent) && !isRootGroup(reader, parent))
    return { version: 2, folder: parent, moves: null };
  if (!isDelegated(reader, own)) return { why: `this user may make no control groups in ${own}` };
  const inside = wordsIn(reader.readText(`${own}/cgroup.procs`)).map(Number);
  const isContainer = own === mount;
  const foreign = inside.find((pid) => !isOurs(pid, self.pid, reader, isContainer));
  if (foreign === undefined) return { version: 2, folder: own, moves: inside };
  if (self.isRoot && isRootGroup(reader, mount) && reader.mayWrite(mount)) return baseAtTop(reader, mount);
  const name = reader.readText(`/proc/${foreign}/comm`)?.trim() ?? '?';
  return { why: `other processes are in the control group of the gateway, such as ${name} (process ${foreign})` };
}

/** The root of the hierarchy alone may have processes and groups with controllers. */
function baseAtTop(reader: GroupReader, mount: string): BaseOrReason {
  return reader.mayWrite(mount)
    ? { version: 2, folder: mount, moves: null }
    : { why: `this user may make no control groups in ${mount}` };
}

/** Only the root of the hierarchy has no file of its type; the root of a container's view has one. */
function isRootGroup(reader: GroupReader, folder: string): boolean {
  return mounts.includes(folder) && reader.readText(`${folder}/cgroup.type`) === null;
}

function isDelegated(reader: GroupReader, folder: string): boolean {
  return [folder, `${folder}/cgroup.procs`, `${folder}/cgroup.subtree_control`].every((path) => reader.mayWrite(path));
}

/** The gateway, what it has started, and in a container also what has started it. Others are not moved. */
function isOurs(pid: number, own: number, reader: GroupReader, isContainer: boolean): boolean {
  return (
    hasAncestor(pid, own, reader) || (isContainer && hasAncestor(own, pid, reader)) || isPredecessor(pid, own, reader)
  );
}

function hasAncestor(pid: number, ancestor: number, reader: GroupReader): boolean {
  let at = pid;
  for (let depth = 0; depth < 64 && at > 0; depth += 1) {
    if (at === ancestor) return true;
    at = parentOf(at, reader);
  }
  return false;
}

/** In an upgrade the gateway before this one has started it, as the same program of the same package. */
function isPredecessor(pid: number, own: number, reader: GroupReader): boolean {
  return parentOf(own, reader) === pid && nameOf(pid, reader) === nameOf(own, reader);
}

const nameOf = (pid: number, reader: GroupReader): string | null => reader.readText(`/proc/${pid}/comm`);

function parentOf(pid: number, reader: GroupReader): number {
  return Number(/^PPid:\s+(\d+)$/m.exec(reader.readText(`/proc/${pid}/status`) ?? '')?.[1] ?? 0);
}

function joined(mount: string, path: string): string {
  return path === '/' ? mount : `${mount}${path}`;
}

function wordsIn(text: string | null): readonly string[] {
  return text?.split(/\s+/).filter((word) => word !== '') ?? [];
}
