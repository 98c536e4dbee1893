import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { basename, join } from 'node:path';

/** The process that listens on a port, as far as this user may see. */
export interface PortHolder {
  readonly pid: number;
  /**
   * The name of the program and, if it is an interpreter, the file that it runs. The other arguments may be secret and are
   * left out.
   */
  readonly command: string;
}

/**
 * Finds the process that listens on a TCP port of this machine; null if there is none, or if it belongs to another user
 * whose processes this user may not inspect. Linux only; elsewhere null. `proc` is the mount point of /proc.
 */
export function findPortHolder(port: number, proc = '/proc'): PortHolder | null {
  const inodes = new Set([
    ...listeningInodes(join(proc, 'net/tcp'), port),
    ...listeningInodes(join(proc, 'net/tcp6'), port),
  ]);
  if (inodes.size === 0) return null;
  for (const pid of list(proc)) {
    if (/^\d+$/.test(pid) && holdsOneOf(join(proc, pid, 'fd'), inodes)) {
      return { pid: Number(pid), command: commandOf(join(proc, pid)) };
    }
  }
  return null;
}

/** Who listens on a TCP port that is taken: 'node server.js (pid 4711) listens there', or the command that finds it. A clause. */
export function portHolderText(port: number, holderOf: (port: number) => PortHolder | null = findPortHolder): string {
  const holder = holderOf(port);
  return holder === null
    ? `another process listens there (as root, \`ss -ltnp 'sport = :${port}'\` shows which)`
    : `${holder.command} (pid ${holder.pid}) listens there`;
}

/** The command line of a process. Without it, the kernel's name, which for Node is that of a thread. */
export function commandOf(folder: string): string {
  const [program = '', ...words] = read(join(folder, 'cmdline')).split('\0');
  // A program that has overwritten them says what it does ("nginx: master process /usr/sbin/nginx -g …"), with its name first.
  const own = /^([\w.-]+): /.exec(program)?.[1];
  if (own !== undefined) return own;
  // Skips only options that contain their value (`--name=value`): the argument after any other option may be its value.
  const file = words.find((word) => !/^--[\w-]+=/.test(word)) ?? '';
  const name = basename(program);
  if (name === '') return read(join(folder, 'comm')).trim();
  return /^(?:node|python|ruby|perl|php|deno|bun)[\d.]*$/.test(name) && /^[^-]/.test(file) ? `${name} ${file}` : name;
}

/** State 0A is LISTEN; the local address is hexadecimal, its port after the colon. (proc(5), /proc/net/tcp) */
function listeningInodes(path: string, port: number): string[] {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  return read(path)
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter((cells) => cells[1]?.endsWith(suffix) && cells[3] === '0A')
    .flatMap((cells) => cells[9] ?? []);
}

function holdsOneOf(folder: string, inodes: ReadonlySet<string>): boolean {
  return list(folder).some((fd) => {
    const target = link(join(folder, fd));
    return target.startsWith('socket:[') && inodes.has(target.slice('socket:['.length, -1));
  });
}

// A process may end meanwhile, and those of other users cannot be read. Neither is an error.

function list(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function link(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}
