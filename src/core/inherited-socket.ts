/** A listening TCP socket that a service manager opened, and that this process was started with. */
export interface InheritedSocket {
  /** As this process was given it. Nobody opens it: who needs the socket makes a duplicate (ADR "An inherited socket"). */
  readonly fd: number;
  /** What the service manager calls it; null where it did not say. */
  readonly name: string | null;
  /** Where the socket listens, as the system says it: '127.0.0.1', '0.0.0.0', '::'. */
  readonly host: string;
  readonly port: number;
}

/**
 * The inherited socket that serves a listener: the one with its address, else one that listens on every address of both
 * families where the listener asks for every IPv4 address, as a socket unit with `ListenStream=80` opens it.
 */
export function inheritedFor(
  listener: { readonly host: string; readonly port: number },
  sockets: readonly InheritedSocket[],
): InheritedSocket | null {
  const onPort = sockets.filter(({ port }) => port === listener.port);
  return (
    onPort.find(({ host }) => host === listener.host) ??
    (listener.host === '0.0.0.0' ? onPort.find(({ host }) => host === '::') : undefined) ??
    null
  );
}
