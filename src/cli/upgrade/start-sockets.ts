import type { Configuration } from '../../core/configuration.ts';
import type { ListenerSpec } from '../../core/listener-spec.ts';
import { type InheritedSocket, inheritedFor } from '../../core/inherited-socket.ts';
import type { PassedSocket } from '../../core/passed-socket.ts';
import { readPassed } from '../../control/passed-sockets.ts';
import type { ProcessContext } from '../process-context.ts';
import { CommandFailure } from '../command-failure.ts';
import type { PredecessorFacts } from './handoff-messages.ts';
import { readFileSync, readlinkSync } from 'node:fs';
import type { ListeningSocket } from '../../deploy/host.ts';
import { listeningLines } from '../../deploy/listening.ts';

/**
 * The sockets that this process was started with, and the addresses at which it may listen although another process does:
 * its predecessor, or the service manager on its behalf.
 */
export interface StartSockets {
  readonly configuration: Configuration;
  /** From the service manager. */
  readonly sockets: readonly InheritedSocket[];
  /** From the predecessor. */
  readonly passed: readonly PassedSocket[];
  readonly sharedAddresses: readonly { readonly host: string; readonly port: number }[];
  /** A configuration that a reload has read, with the ports that the system had chosen before this process. */
  readonly keepPorts: (configuration: Configuration) => Configuration;
}

/**
 * Finds the sockets that this process was started with, and adjusts the configuration to them. Throws a `CommandFailure` for
 * a socket that cannot be used, or that no listener uses: its clients would wait for ever.
 */
export function findStartSockets(
  configuration: Configuration,
  hasFile: boolean,
  context: ProcessContext,
): StartSockets {
  const predecessor = context.predecessor?.facts ?? null;
  const own = { pid: process.pid, ppid: process.ppid, successorOf: predecessor?.pid ?? null };
  const { sockets, errors } = readInheritedSockets(context.env, own);
  if (errors.length > 0) throw new CommandFailure('failure', errors.join('\n'));
  const fitted = predecessor === null ? configuration : withPortsOf(predecessor, configuration, hasFile);
  for (const socket of sockets) if (!isUsed(socket, sockets, fitted)) throw unused(socket);
  const fromManager = sockets.flatMap(({ host, port }) =>
    host === '::' ? [host, '0.0.0.0'].map((one) => ({ host: one, port })) : [{ host, port }],
  );
  const passed = readPassed(predecessor?.sockets ?? []);
  return {
    configuration: fitted,
    sockets,
    passed,
    sharedAddresses: [...fromManager, ...(predecessor?.listeners ?? [])],
    keepPorts: keepingPorts(fitted.listeners.filter(({ id }) => isChosen(configuration, id))),
  };
}

function isChosen({ listeners }: Configuration, id: string): boolean {
  return listeners.some((listener) => listener.id === id && listener.port === 0);
}

/** They stay as long as the file asks for port 0. */
function keepingPorts(chosen: readonly ListenerSpec[]): StartSockets['keepPorts'] {
  let kept = chosen;
  return (configuration) => {
    kept = kept.filter(({ id }) => isChosen(configuration, id));
    const portOf = ({ id, host, port }: ListenerSpec): number =>
      kept.find((one) => one.id === id && one.host === host)?.port ?? port;
    return { ...configuration, listeners: configuration.listeners.map((one) => ({ ...one, port: portOf(one) })) };
  };
}

/**
 * The successor listens at the predecessor's port if the system chose that port, or if a person chose it because another one
 * was taken.
 */
function withPortsOf(predecessor: PredecessorFacts, configuration: Configuration, hasFile: boolean): Configuration {
  const follow = (listener: ListenerSpec): ListenerSpec => {
    const open = predecessor.listeners.find(({ id }) => id === listener.id);
    return open !== undefined && (listener.port === 0 || !hasFile) ? { ...listener, port: open.port } : listener;
  };
  return { ...configuration, listeners: configuration.listeners.map(follow) };
}

function isUsed(socket: InheritedSocket, sockets: readonly InheritedSocket[], { listeners }: Configuration): boolean {
  return listeners.some((listener) => inheritedFor(listener, sockets) === socket);
}

function unused({ fd, name, host, port }: InheritedSocket): CommandFailure {
  const address = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
  return new CommandFailure(
    'validation_failed',
    `The service manager holds ${address} for Candor (descriptor ${fd}${name === null ? '' : `, ${name}`}), and no listener ` +
      'of the configuration uses it: clients would wait forever. Add a listener, or remove the socket.',
  );
}

/** The sockets that a process inherited, and a sentence for each of them that cannot be used. */
interface InheritedSockets {
  readonly sockets: readonly InheritedSocket[];
  readonly errors: readonly string[];
}

/** The first descriptor of a socket from the service manager (sd_listen_fds(3)). */
const firstDescriptor = 3;
/** More sockets than this are a mistake in the socket unit. Each one is examined before the gateway starts. */
const descriptorsMax = 256;

/** Returns the listening socket behind a descriptor of this process; null if the descriptor is anything else. */
type DescriptorLookup = (fd: number) => ListeningSocket | null;

/**
 * The sockets that a service manager passed to this process by LISTEN_PID, LISTEN_FDS and LISTEN_FDNAMES. Each descriptor is
 * examined first. `own.successorOf` is the process that this one succeeds: LISTEN_PID names that process, because the number
 * of a new process is unknown before it starts.
 */
export function readInheritedSockets(
  env: Readonly<Record<string, string | undefined>>,
  own: { readonly pid: number; readonly ppid: number; readonly successorOf: number | null },
  look: DescriptorLookup = lookAtDescriptor(),
): InheritedSockets {
  const { LISTEN_PID: forPid, LISTEN_FDS: count, LISTEN_FDNAMES: names } = env;
  if (forPid === undefined || count === undefined) return { sockets: [], errors: [] };
  if (Number(forPid) !== own.pid && own.successorOf === null) {
    // The variables are left over from an ancestor process. sd_listen_fds(3) says to ignore them. One case needs a message.
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
  // Names are only for people. Names that do not match the number of sockets are ignored.
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

/**
 * Looks descriptors up in /proc without opening them: closing a socket object would close the descriptor for the whole
 * process.
 */
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
