import type { ListenerSpec } from '../core/listener-spec.ts';
import type { ListenProblem } from '../core/worker-messages.ts';
import { tryBinding } from '../transport/try-binding.ts';

/** An address where a listener is open or will be opened. */
export interface ListeningAddress {
  readonly host: string;
  readonly port: number;
}

/**
 * Tests whether listeners that this gateway has not opened yet can be opened. Returns the problems.
 *
 * Workers share their ports, and with that flag the system would let two gateways share a port too: each
 * connection would go to either of them. So each port is bound once without the flag before the workers open it. Nothing listens
 * there meanwhile: clients and health checks are refused until a worker accepts. Ports that the system chooses are not tried. `ours`
 * are the addresses that our own workers, or the predecessor that this gateway succeeds, have open.
 */
export async function claimPorts(
  listeners: readonly Pick<ListenerSpec, 'id' | 'host' | 'port'>[],
  ours: readonly ListeningAddress[],
): Promise<readonly ListenProblem[]> {
  const fresh = listeners.filter(
    ({ host, port }) => port !== 0 && !ours.some((other) => other.host === host && other.port === port),
  );
  const bindings = await Promise.all(fresh.map(({ host, port }) => tryBinding(host, port)));
  const bound: ListeningAddress[] = [];
  return fresh.flatMap(({ id: listener, host, port }, index): ListenProblem[] => {
    const binding = bindings[index];
    if (binding?.ok === false) return [{ listener, host, port, errno: binding.failure.errno }];
    const at = { host: binding?.value.address ?? host, port };
    // The system binds several sockets to one address as long as none of them listens.
    if (bound.some((earlier) => overlap(earlier, at))) return [{ listener, host, port, errno: 'EADDRINUSE' }];
    bound.push(at);
    return [];
  });
}

function overlap(a: ListeningAddress, b: ListeningAddress): boolean {
  return a.port === b.port && (a.host === b.host || includes(a.host, b.host) || includes(b.host, a.host));
}

function includes(every: string, host: string): boolean {
  return every === '::' || (every === '0.0.0.0' && !host.includes(':'));
}
