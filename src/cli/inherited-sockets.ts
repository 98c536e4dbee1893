import { readFileSync, readlinkSync } from 'node:fs';
import type { InheritedSocket } from '../core/inherited-socket.ts';
import type { ListeningSocket } from '../deploy/host.ts';
import { listeningLines } from '../deploy/listening.ts';

/** What a process was started with, and everything about it that cannot be used, one sentence each. */
export interface InheritedSockets {
  readonly sockets: readonly InheritedSocket[];
  readonly errors: readonly string[];
}

/** Where the sockets of a service manager begin (sd_listen_fds(3)). */
const firstDescriptor = 3;
/** A socket unit of more than this is a mistake, and each socket is looked at before anything starts. */
const descriptorsMax = 256;

/** Which listening socket a descriptor of this process is; null where it is something else. */
export type DescriptorLookup = (fd: number) => ListeningSocket | null;

/**
 * The sockets that a service manager handed to this process: LISTEN_PID, LISTEN_FDS and LISTEN_FDNAMES, each looked at
 * before it is believed. `heirOf` is the process that this one succeeds; its sockets come with another LISTEN_PID, because
 * nobody knows the number of a process before it is started.
 */
export function readInheritedSockets(
  env: Readonly<Record<string, string | undefined>>,
  own: { readonly pid: number; readonly ppid: number; readonly successorOf: number | null },
  look: DescriptorLookup = lookAtDescriptor(),
): InheritedSockets {
  const { LISTEN_PID: forPid, LISTEN_FDS: count, LISTEN_FDNAMES: names } = env;
  if (forPid === undefined || count === undefined) return { sockets: [], errors: [] };
  if (Number(forPid) !== own.pid && own.successorOf === null) {
    // Left over from a process further up: sd_listen_fds(3) has it ignored. One case is worth a sentence.
    const passedBy =
      `The sockets of the service manager were given to process ${forPid}, which started this one: ` +
      'let the service manager start candor itself, with a recent Node.';
    return { sockets: [], errors: Number(forPid) === own.ppid ? [passedBy] : [] };
  }
  if (!/^\d{1,4}$/.test(count) || Number(count) > descriptorsMax)
    return { sockets: [], errors: [`LISTEN_FDS=${count} is not a number from 0 to ${descriptorsMax}.`] };
  return readDescriptors(Number(count), names?.split(':') ?? null, look);
}

function readDescriptors(count: number, names: readonly string[] | null, look: DescriptorLookup): InheritedSockets {
  const sockets: InheritedSocket[] = [];
  const errors: string[] = [];
  // Names are for people; where they do not fit they are of no use, and no harm.
  const named = names?.length === count;
  for (let at = 0; at < count; at++) {
    const fd = firstDescriptor + at;
    const name = named ? (names?.[at] ?? null) : null;
    const found = look(fd);
    if (found !== null) sockets.push({ fd, name, ...found });
    else
      errors.push(
        `Descriptor ${fd}${name === null ? '' : ` (${name})`} of the service manager is not a listening TCP socket; ` +
          'a socket unit for candor has ListenStream= with a port or an address and a port.',
      );
  }
  return { sockets, errors };
}

/** Looks descriptors up in /proc without opening them: whoever opened one would have to close it, for all. */
export function lookAtDescriptor(): DescriptorLookup {
  let listening: ReadonlyMap<string, ListeningSocket> | null = null;
  return (fd) => {
    try {
      const inode = /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/self/fd/${fd}`))?.[1];
      listening ??= new Map(['tcp', 'tcp6'].flatMap((table) => listeningLines(readTable(table))));
      return inode === undefined ? null : (listening.get(inode) ?? null);
    } catch {
      return null; // no such descriptor, or no /proc
    }
  };
}

function readTable(name: string): string {
  try {
    return readFileSync(`/proc/self/net/${name}`, 'latin1');
  } catch {
    return ''; // a kernel without IPv6 has no tcp6
  }
}
