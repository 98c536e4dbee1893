/** A listening socket that a worker of this gateway has open. */
export interface OwnSocket {
  readonly fd: number;
  /** The host of the listener in the configuration. */
  readonly host: string;
  readonly port: number;
}

/**
 * A listening socket that the predecessor of this process opened and passed on. Both processes have it open, so that
 * connections in its queue are not lost when one of them ends. One worker accepts from it and owns the descriptor.
 */
export interface PassedSocket extends OwnSocket {
  /** The system's name of it ('socket:[4711]'). A descriptor's number is reused after it is closed. */
  readonly link: string;
}

/**
 * Distributes the sockets of each address evenly over `count` workers. If an address has fewer sockets than there are workers,
 * the last workers get none and open one of their own.
 */
export function assignSockets(sockets: readonly PassedSocket[], count: number): readonly (readonly PassedSocket[])[] {
  const assigned = Array.from({ length: count }, (): PassedSocket[] => []);
  const countByAddress = new Map<string, number>();
  for (const socket of sockets) {
    const address = `${socket.host}:${socket.port}`;
    const at = countByAddress.get(address) ?? 0;
    countByAddress.set(address, at + 1);
    assigned[at % count]?.push(socket);
  }
  return assigned;
}
