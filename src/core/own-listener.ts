/** An address that listens, or that is connected to. */
interface Place {
  readonly host: string;
  readonly port: number;
}

/**
 * Which of `listeners`, all our own, a connection to `target` would reach: requests would go in circles until the hop
 * limit ends them. Null: none. `addresses` are those of this machine; they matter only where one listens everywhere.
 */
export function ownListener<L extends Place>(
  target: Place,
  listeners: readonly L[],
  addresses: () => readonly string[],
): L | null {
  const isHere = (host: string): boolean => isUnspecified(host) || isLoopback(host) || addresses().includes(host);
  const reaches = (listener: Place): boolean => {
    if (listener.port === 0 || listener.port !== target.port) return false;
    if (listener.host === target.host) return true;
    if (listener.host === '0.0.0.0') return !target.host.includes(':') && isHere(target.host);
    if (listener.host === '::') return isHere(target.host);
    if (listener.host === 'localhost') return isLoopback(target.host);
    return target.host === 'localhost' && isLoopback(listener.host);
  };
  return listeners.find(reaches) ?? null;
}

/** The system takes a connection to the unspecified address for one to loopback. */
function isUnspecified(host: string): boolean {
  return host === '0.0.0.0' || host === '::';
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^(?:::ffff:)?127\./.test(host);
}
