import type { ListenerSpec } from '../core/configuration.ts';
import { type BoundListener, listen } from '../transport/listen.ts';
import type { ListenProblem } from '../core/worker-messages.ts';

/** An address where a listener is open or will be opened. */
export interface ListeningAddress {
  readonly host: string;
  readonly port: number;
}

/**
 * Tests whether listeners that this gateway has not opened yet can be opened. Returns the problems.
 *
 * Workers share their ports, and with that flag the system would let two gateways share a port too: each
 * connection would go to either of them. So each port is opened once without the flag, and closed again, before
 * the workers open it. Ports that the system chooses are not tried. `ours` are the addresses that our own workers,
 * or the predecessor that this gateway succeeds, have open.
 */
export async function claimPorts(
  listeners: readonly ListenerSpec[],
  ours: readonly ListeningAddress[],
): Promise<readonly ListenProblem[]> {
  const problems: ListenProblem[] = [];
  const probes: BoundListener[] = [];
  for (const { id, host, port } of listeners) {
    if (port === 0 || ours.some((other) => other.host === host && other.port === port)) continue;
    const opened = await open({ host, port });
    if (typeof opened === 'string') problems.push({ listener: id, host, port, errno: opened });
    else probes.push(opened);
  }
  // Closed after all ports were tested, because two listeners may name the same port.
  await Promise.all(probes.map((probe) => probe.close()));
  return problems;
}

/** Resolves to the errno if the system refuses it. */
function open({ host, port }: ListeningAddress): Promise<BoundListener | string> {
  return new Promise((resolve) => {
    listen(
      { host, port, sharePort: false },
      {
        onListening: resolve,
        onListenFailed: resolve,
        // A client that connects at this moment is refused, as if the port were not open.
        onConnection: (transport) => transport.close('reset'),
      },
    );
  });
}
