import type { ListenerSpec } from '../core/configuration.ts';
import { type BoundListener, listen } from '../transport/listen.ts';
import type { ListenProblem } from '../core/worker-messages.ts';

/** Where something listens, or is to. */
export interface ListeningAddress {
  readonly host: string;
  readonly port: number;
}

/**
 * What stands in the way of listeners that nobody of us has open yet: empty when they may be opened.
 *
 * Workers share their ports, and with that flag the system would also let two gateways share one: connections would be
 * dealt out between strangers. So each port is opened once without it, and closed again, before the workers open it.
 * A port that the system is to choose is nobody's. `ours` are those that our own workers have open, or a predecessor
 * whose place we take.
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
  // Only now, since two of them may be the same port under two names.
  await Promise.all(probes.map((probe) => probe.close()));
  return problems;
}

/** Resolves to the errno where the system refuses it. */
function open({ host, port }: ListeningAddress): Promise<BoundListener | string> {
  return new Promise((resolve) => {
    listen(
      { host, port, sharePort: false },
      {
        onListening: resolve,
        onListenFailed: resolve,
        // Whoever connects in this moment is not served yet, as if nobody had listened.
        onConnection: (transport) => transport.close('reset'),
      },
    );
  });
}
