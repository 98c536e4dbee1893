import { readFileSync } from 'node:fs';
import type { Socket } from 'node:net';

/**
 * Which user has the other end of a loopback connection, as the kernel knows it; null where it does not say so: the system is no Linux,
 * or hides its table. `absent`: the table has our sockets and not that one.
 */
export function userOfPeer({ localPort, remotePort, remoteAddress }: Socket): number | 'absent' | null {
  if (localPort === undefined || remotePort === undefined || remoteAddress === undefined) return 'absent';
  let knowsOurs = false;
  for (const table of ['/proc/net/tcp', '/proc/net/tcp6']) {
    const found = findUser(readTable(table), { localPort, remotePort });
    if (typeof found === 'number') return found;
    knowsOurs ||= found === 'absent';
  }
  return knowsOurs ? 'absent' : null;
}

/** Looks through one table. `absent`: it has a socket at `localPort`, and not its peer; null: it has neither. */
export function findUser(
  table: string,
  { localPort, remotePort }: { readonly localPort: number; readonly remotePort: number },
): number | 'absent' | null {
  let knowsOurs = false;
  for (const line of table.split('\n').slice(1)) {
    const [, local = '', remote = '', , , , , user = ''] = line.trim().split(/\s+/);
    const [from, to] = [portOf(local), portOf(remote)];
    // Seen from the client, our port is the remote one.
    if (from === remotePort && to === localPort && isLoopback(local)) return Number(user);
    knowsOurs ||= from === localPort;
  }
  return knowsOurs ? 'absent' : null;
}

function portOf(address: string): number {
  return Number.parseInt(address.slice(address.indexOf(':') + 1), 16);
}

/** The kernel prints each 32 bits in the byte order of the machine: 127.0.0.1 is 0100007F on most. */
function isLoopback(address: string): boolean {
  const last = address.slice(0, address.indexOf(':')).slice(-8);
  return last.endsWith('7F') || last.startsWith('7F');
}

function readTable(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}

/** Whether this system says which user has the other end of a connection. */
export function knowsUsersOfPeers(localPort: number): boolean {
  return findUser(readTable('/proc/net/tcp'), { localPort, remotePort: 0 }) !== null;
}

/** This user, root, and the user who became root for this command. */
export function isOurUser(user: number, env: NodeJS.ProcessEnv = process.env): boolean {
  return user === process.getuid?.() || user === 0 || (process.getuid?.() === 0 && user === Number(env['SUDO_UID']));
}
