import type { Configuration } from '../core/configuration.ts';
import { hostPort } from '../core/endpoint.ts';
import { claimPorts, type ListeningAddress } from '../control/port-claims.ts';
import type { ProcessContext } from './process-context.ts';
import { CommandFailure } from './command-failure.ts';
import { errnoSentence } from '../core/errno-text.ts';
import { type PortHolder, portHolderText } from '../deploy/port-holder.ts';

/**
 * The number of ports that are tried after the taken one. A person with twenty taken ports in a row will want to choose one.
 */
const portsTried = 20;

/**
 * Handles a taken port for `run` and `demo`: says which process holds it, and takes the next free one; on a terminal it asks
 * first. Null if the person declines.
 */
export function offerNextPort(
  context: ProcessContext,
): (configuration: Configuration, failure: ListenFacts) => Promise<Configuration | null> {
  return async (configuration, failure) => {
    const taken = portOf(failure.address);
    const hosts = configuration.listeners
      .filter((listener) => listener.port === taken)
      .map((listener) => listener.host);
    const next = taken === null ? null : await findFreePort(taken + 1, hosts);
    if (taken === null || next === null) return null;
    const sentence = listenFailureText(failure);
    if (!(await accepted(sentence, next, context)))
      throw new CommandFailure('failure', 'Choose another port with --port.');
    return withPort(configuration, taken, next);
  };
}

async function accepted(sentence: string, next: number, context: ProcessContext): Promise<boolean> {
  const answer = await context.ask(`${sentence}\nUse port ${next} instead? [Y/n] `);
  if (answer === null) {
    context.stderr.write(`${sentence}\nTaking port ${next} instead.\n`);
    return true;
  }
  return /^(y|yes|)$/i.test(answer.trim());
}

/** The same configuration, with every listener of one port moved to another. */
export function withPort(configuration: Configuration, from: number, to: number): Configuration {
  const listeners = configuration.listeners.map((listener) =>
    listener.port === from ? { ...listener, port: to } : listener,
  );
  return { ...configuration, listeners };
}

async function findFreePort(first: number, hosts: readonly string[]): Promise<number | null> {
  for (let port = first; port < Math.min(first + portsTried, 65_536); port++) {
    const problems = await claimPorts(
      hosts.map((host) => ({ id: '', host, port })),
      [],
    );
    if (problems.length === 0) return port;
  }
  return null;
}

/**
 * Returns why the first of a configuration's listeners cannot be opened; null if all ports seem free. It is called before
 * applications are started. It also finds a case that listening cannot: another gateway of the same user holds the port, and
 * the two would share it (SO_REUSEPORT). `ours` are addresses that this gateway may share.
 */
export async function findListenProblem(
  configuration: Configuration,
  ours: readonly ListeningAddress[] = [],
): Promise<ListenFacts | null> {
  const [problem] = await claimPorts(configuration.listeners, ours);
  if (problem === undefined) return null;
  const { listener, host, port, errno } = problem;
  return { listener, address: hostPort(host, port), errno };
}

export interface ListenFacts {
  readonly listener: string;
  readonly address: string;
  readonly errno: string;
}

/** Why a listener could not be opened, and what to do: one or two sentences. */
export function listenFailureText(failure: ListenFacts, holderOf?: (port: number) => PortHolder | null): string {
  const port = portOf(failure.address);
  switch (failure.errno) {
    case 'EADDRINUSE':
      return `${failure.address} is taken: ${port === null ? 'another process listens there' : portHolderText(port, holderOf)}.`;
    case 'EACCES':
      return port !== null && port < 1024
        ? `${failure.address} needs a privilege: ports below 1024 are reserved. Listen on a higher port, or give the ` +
            `gateway the capability CAP_NET_BIND_SERVICE (under systemd: AmbientCapabilities=CAP_NET_BIND_SERVICE).`
        : `The system does not permit listening on ${failure.address} (EACCES).`;
    case 'EADDRNOTAVAIL':
      return (
        `${failure.address} cannot be opened: this machine has no such address. ` +
        'Use an address that `ip addr` shows, or all of them with `:port`.'
      );
    case 'EMFILE':
    case 'ENFILE':
      return `${failure.address} cannot be opened: ${errnoSentence(failure.errno)}`;
    default:
      return `The listener ${failure.listener} cannot open ${failure.address}: ${errnoSentence(failure.errno)}`;
  }
}

/** Null if the address has no port. */
export function portOf(address: string): number | null {
  const digits = /:(\d{1,5})$/.exec(address)?.[1];
  return digits === undefined ? null : Number(digits);
}
