import { networkInterfaces } from 'node:os';
import type { ListenerSpec } from '../core/configuration.ts';

type Place = Pick<ListenerSpec, 'host' | 'port'>;

/**
 * Whether connecting to `host` and `port` would reach a listener of ours: requests would go in circles until the hop
 * limit ends them. Only a listener on every address makes it necessary to know which addresses this machine has.
 */
export function isOwnListener(
  host: string,
  port: number,
  listeners: readonly Place[],
  addresses: () => readonly string[] = addressesOfThisMachine,
): boolean {
  return listeners.some((listener) => {
    if (listener.port !== port) return false;
    if (listener.host === host) return true;
    if (listener.host === 'localhost') return isLoopback(host);
    if (listener.host === '0.0.0.0') return !host.includes(':') && (isHere(host) || addresses().includes(host));
    return listener.host === '::' && (isHere(host) || addresses().includes(host));
  });
}

/** The system takes a connection to the unspecified address for one to loopback. */
function isHere(host: string): boolean {
  return isLoopback(host) || host === '0.0.0.0' || host === '::';
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^(?:::ffff:)?127\./.test(host);
}

function addressesOfThisMachine(): readonly string[] {
  return Object.values(networkInterfaces()).flatMap((addresses) => (addresses ?? []).map(({ address }) => address));
}
