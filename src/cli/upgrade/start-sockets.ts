import type { Configuration } from '../../core/configuration.ts';
import type { ListenerSpec } from '../../core/listener-spec.ts';
import { type InheritedSocket, inheritedFor } from '../../core/inherited-socket.ts';
import type { PassedSocket } from '../../core/passed-socket.ts';
import { readPassed } from '../../control/passed-sockets.ts';
import { readInheritedSockets } from '../inherited-sockets.ts';
import { type ProcessContext } from '../process-context.ts';
import { CommandFailure } from '../command-failure.ts';
import type { PredecessorFacts } from './handoff-messages.ts';

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
