/** Users of this machine, and what they may read. */
import { dirname } from 'node:path';
import { failWith, type Result, succeed } from '#failures/result.ts';
import type { UserSpec } from './settings.ts';

/** What is asked of the machine. */
export interface UserReader {
  readText(path: string): string | null;
  /** A line of a database of users that is no file (LDAP, systemd), as getent(1) prints it; null: it has none. */
  lookUp(database: 'passwd' | 'group', name: string): string | null;
  /** Null: there is no such path, or it cannot be looked at. */
  stat(
    path: string,
  ): { readonly uid: number; readonly gid: number; readonly mode: number; readonly isFolder: boolean } | null;
}

export interface KnownUser {
  /** Null: a number that no user has. */
  readonly name: string | null;
  readonly uid: number;
  readonly gid: number;
  readonly home: string | null;
  /** All of them, `gid` among them. */
  readonly groups: readonly number[];
}

/** Fails with one clause. */
export function resolveUser({ name, group }: UserSpec, reader: UserReader): Result<KnownUser, string> {
  const found = entryOf('passwd', name, reader);
  if (found === null && !isNumber(name)) return failWith(`there is no user ${name} on this machine`);
  const [login = null, , uid = name, ownGroup = name, , home = null] = found ?? [];
  const groupEntry = group === null ? null : entryOf('group', group, reader);
  if (group !== null && groupEntry === null && !isNumber(group))
    return failWith(`there is no group ${group} on this machine`);
  const gid = Number(group === null ? ownGroup : (groupEntry?.[2] ?? group));
  const groups = login === null ? [] : groupsOf(login, reader);
  return succeed({ name: login, uid: Number(uid), gid, home, groups: [...new Set([gid, ...groups])] });
}

const isNumber = (text: string): boolean => /^\d+$/.test(text);

/** By name, or by number (the third field in both databases). */
function entryOf(database: 'passwd' | 'group', name: string, reader: UserReader): readonly string[] | null {
  const lines = linesIn(reader.readText(`/etc/${database}`));
  const own =
    lines.find(([login]) => login === name) ?? (isNumber(name) ? lines.find(([, , id]) => id === name) : undefined);
  if (own !== undefined) return own;
  const line = reader.lookUp(database, name);
  return line === null ? null : line.trim().split(':');
}

function groupsOf(login: string, reader: UserReader): readonly number[] {
  const lines = linesIn(reader.readText('/etc/group'));
  return lines.flatMap(([, , id, members = '']) => (members.split(',').includes(login) ? [Number(id)] : []));
}

function linesIn(text: string | null): readonly (readonly string[])[] {
  return text?.split('\n').map((line) => line.split(':')) ?? [];
}

/** What keeps the user from a folder and what is in it. */
interface Unreachable {
  readonly path: string;
  readonly mode: string;
}

/** The first folder on the way that the user may not pass, or the folder itself where the user may not read it; null: none. */
export function unreachableFolder(user: KnownUser, folder: string, reader: UserReader): Unreachable | null {
  const way: string[] = [folder];
  for (let at = dirname(folder); at !== way[0]; at = dirname(at)) way.unshift(at);
  for (const path of way) {
    const found = reader.stat(path);
    if (found === null) continue; // the start says that it is missing
    const wanted = path === folder ? 0o5 : 0o1;
    if ((rightsOf(user, found) & wanted) !== wanted)
      return { path, mode: (found.mode & 0o7777).toString(8).padStart(4, '0') };
  }
  return null;
}

/** Whether the user may run a file, or change what is in a folder. */
export function mayUse(user: KnownUser, path: string, wanted: 'execute' | 'write', reader: UserReader): boolean {
  const found = reader.stat(path);
  const bits = wanted === 'execute' ? 0o1 : 0o3;
  return found !== null && (rightsOf(user, found) & bits) === bits;
}

function rightsOf(user: KnownUser, { uid, gid, mode }: { uid: number; gid: number; mode: number }): number {
  if (user.uid === 0) return 0o7;
  if (uid === user.uid) return (mode >> 6) & 0o7;
  return user.groups.includes(gid) ? (mode >> 3) & 0o7 : mode & 0o7;
}
