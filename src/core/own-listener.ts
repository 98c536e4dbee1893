/** The address of a listener or of a target. */
interface HostAndPort {
  readonly host: string;
  readonly port: number;
}

/**
 * Which of this gateway's own `listeners` a connection to `target` would reach. Such requests would loop until the hop limit
 * ends them. Null: none. `addresses` returns the addresses of this machine; it is called only for a listener on all addresses.
 */
export function ownListener<L extends HostAndPort>(
  target: HostAndPort,
  listeners: readonly L[],
  addresses: () => readonly string[],
): L | null {
  // Nearly always no listener has the port, and the host does not matter.
  if (!listeners.some(({ port }) => port === target.port)) return null;
  const to = plain(target.host);
  const isHere = (): boolean => isUnspecified(to) || isLoopback(to) || addresses().some((own) => plain(own) === to);
  const reaches = (listener: HostAndPort): boolean => {
    if (listener.port === 0 || listener.port !== target.port) return false;
    const at = plain(listener.host);
    if (at === to) return true;
    if (at === '0.0.0.0') return !to.includes(':') && isHere();
    if (at === '::') return isHere();
    if (at === 'localhost') return isLoopback(to) || isUnspecified(to);
    if (to === 'localhost') return isLoopback(at);
    // The system connects to loopback where the target is the unspecified address.
    return (to === '0.0.0.0' && at === '127.0.0.1') || (to === '::' && at === '::1');
  };
  return listeners.find(reaches) ?? null;
}

/** Removes the zone of a link-local address, and turns an IPv4-mapped IPv6 address into IPv4. */
function plain(host: string): string {
  return host.replace(/%.*$/, '').replace(/^::ffff:(?=[\d.]+$)/, '');
}

function isUnspecified(host: string): boolean {
  return host === '0.0.0.0' || host === '::';
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\./.test(host);
}
