/** A listening TCP socket that a service manager opened and passed to this process (socket activation). */
export interface InheritedSocket {
  /** The descriptor as this process got it. No code opens it: a user of the socket makes a duplicate (ADR 21). */
  readonly fd: number;
  /** The service manager's name for it; null if it gave none. */
  readonly name: string | null;
  /** The address that the socket listens on, as the system reports it: '127.0.0.1', '0.0.0.0', '::'. */
  readonly host: string;
  readonly port: number;
}

/**
 * The inherited socket that serves a listener: the one with its address. For a listener on 0.0.0.0 also one on ::, which is
 * what a socket unit with `ListenStream=80` opens.
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
