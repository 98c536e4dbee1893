import type { Snapshot } from '../core/snapshot.ts';

/**
 * The name that a gateway writes into Via, and by which it recognizes a request that comes back. A deployment with a
 * configured name uses it on each member: a request that comes back to another member is a loop as well. A deployment named
 * after its host by default adds its port (RFC 9110 §7.6.3: received-by is a host and a port):
 * two gateways on one host, one behind the other, are no loop.
 */
export function hopNameOf({
  deployment,
  member,
  listeners,
}: Pick<Snapshot, 'deployment' | 'member' | 'listeners'>): string {
  const port = listeners[0]?.port ?? 0;
  return deployment === member && port !== 0 ? `${deployment}:${port}` : deployment;
}
