import { readdir, readFile, readlink } from 'node:fs/promises';
import { endianness } from 'node:os';
import type { ListeningSocket } from './host.ts';
import { membersOf } from './process-identity.ts';

/** Limits of one look, which must stay short even at a huge application: processes of the group, and descriptors of each. */
const processesMax = 64;
const descriptorsMax = 4_096;

/**
 * Where the processes of a group listen for TCP connections (proc_pid_net(5)), and where for none of TCP, on which unix sockets. Linux only; empty
 * elsewhere.
 */
export async function listeningOf(group: number): Promise<readonly ListeningSocket[]> {
  const pids = membersOf(group)?.slice(0, processesMax) ?? [];
  const [first] = pids;
  if (first === undefined) return [];
  // The tables of the process's own network namespace, which need not be ours.
  const tables = await Promise.all(['tcp', 'tcp6'].map((name) => readOr(`/proc/${first}/net/${name}`)));
  const byInode = new Map(tables.flatMap((table) => listeningLines(table)));
  const inodes = new Set<string>();
  for (const pid of pids) for (const inode of await socketsOf(pid)) inodes.add(inode);
  const own = (sockets: Iterable<readonly [inode: string, socket: ListeningSocket]>): readonly ListeningSocket[] =>
    [...sockets].filter(([inode]) => inodes.has(inode)).map(([, socket]) => socket);
  const found = own(byInode);
  return found.length > 0 ? found : own(unixListeningLines(await readOr(`/proc/${first}/net/unix`)));
}

/** The unix sockets of a table that accept connections, and have a name in the file system. */
export function unixListeningLines(table: string): [inode: string, socket: ListeningSocket][] {
  return table.split('\n').flatMap((line): [string, ListeningSocket][] => {
    // Flag 0x10000 is __SO_ACCEPTCON; the path is all that is left of the line.
    const [, flags = '', inode = '', path = ''] = /^\w+: \w+ \w+ (\w+) 0001 \w+ +(\d+) ([^@].*)$/.exec(line) ?? [];
    return (Number.parseInt(flags, 16) & 0x1_0000) === 0 ? [] : [[inode, { host: '', port: 0, path }]];
  });
}

/** The listening sockets of a table, by inode. */
export function listeningLines(
  table: string,
  order: 'LE' | 'BE' = endianness(),
): [inode: string, socket: ListeningSocket][] {
  const found: [string, ListeningSocket][] = [];
  for (const line of table.split('\n').slice(1)) {
    const [, local, , state, , , , , , inode] = line.trim().split(/\s+/);
    const [address, port] = local?.split(':') ?? [];
    if (state !== '0A' || address === undefined || port === undefined || inode === undefined) continue;
    found.push([inode, { host: hostText(address, order), port: Number.parseInt(port, 16) }]);
  }
  return found;
}

/** Whether a connection to 127.0.0.1 on `port` reaches the socket. */
export function answersTo(socket: ListeningSocket, port: number): boolean {
  return socket.port === port && ['127.0.0.1', '0.0.0.0', '::', '::ffff:127.0.0.1'].includes(socket.host);
}

export function socketText(socket: ListeningSocket): string {
  if (socket.path !== undefined) return socket.path;
  return socket.host.includes(':') ? `[${socket.host}]:${socket.port}` : `${socket.host}:${socket.port}`;
}

/** Each 32-bit word of the address is printed as a number, in the machine's own order of bytes. */
function hostText(hex: string, order: 'LE' | 'BE'): string {
  const bytes = Buffer.from(hex, 'hex');
  if (order === 'LE') bytes.swap32();
  if (bytes.length === 4) return bytes.join('.');
  const groups = Array.from({ length: 8 }, (_, at) => bytes.readUInt16BE(at * 2).toString(16));
  if (groups.slice(0, 5).every((group) => group === '0') && groups[5] === 'ffff')
    return `::ffff:${bytes.subarray(12).join('.')}`;
  return new URL(`http://[${groups.join(':')}]`).hostname.slice(1, -1); // shortened as in RFC 5952
}

async function socketsOf(pid: number): Promise<readonly string[]> {
  const names = await readdir(`/proc/${pid}/fd`).catch(() => []); // it has ended, or is another user's
  const targets = await Promise.all(
    names.slice(0, descriptorsMax).map((name) => readlink(`/proc/${pid}/fd/${name}`).catch(() => '')),
  );
  return targets.flatMap((target) => /^socket:\[(\d+)\]$/.exec(target)?.[1] ?? []);
}

function readOr(path: string): Promise<string> {
  return readFile(path, 'latin1').catch(() => ''); // no IPv6, or no /proc
}
