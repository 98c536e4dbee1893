/** An address that listens, or that is connected to. */
interface HostAndPort {
  readonly host: string;
  readonly port: number;
}

/**
 * Which of `listeners`, all our own, a connection to `target` would reach: requests would go in circles until the hop
 * limit ends them. Null: none. `addresses` are those of this machine; they matter only where one listens everywhere.
 */
export function ownListener<L extends HostAndPort>(
  target: HostAndPort,
  listeners: readonly L[],
  addresses: () => readonly string[],
): L | null {
  // Nearly always no listener has the port, and then nothing need be known of the host.
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
    // The system takes a connection to "any address" for one to loopback.
    return (to === '0.0.0.0' && at === '127.0.0.1') || (to === '::' && at === '::1');
  };
  return listeners.find(reaches) ?? null;
}

/** Without the zone of a link-local address, and IPv4 as IPv4 where it was written within IPv6. */
function plain(host: string): string {
  return host.replace(/%.*$/, '').replace(/^::ffff:(?=[\d.]+$)/, '');
}

function isUnspecified(host: string): boolean {
  return host === '0.0.0.0' || host === '::';
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\./.test(host);
}
