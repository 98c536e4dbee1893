import type { Snapshot } from '../core/snapshot.ts';

/**
 * How a gateway calls itself to those behind it, and knows a request again that comes back. A deployment that was given a
 * name goes by it, on each of its members: what comes back to another of them goes in a circle as well. One that bears
 * its host's name, because nobody gave it another, adds its port (RFC 9110 §7.6.3: received-by is a host and a port):
 * two gateways on one host, one behind the other, are no circle.
 */
export function hopNameOf({
  deployment,
  member,
  listeners,
}: Pick<Snapshot, 'deployment' | 'member' | 'listeners'>): string {
  const port = listeners[0]?.port ?? 0;
  return deployment === member && port !== 0 ? `${deployment}:${port}` : deployment;
}
