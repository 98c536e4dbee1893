/** A listening socket that a worker of this gateway has open. */
export interface OwnSocket {
  readonly fd: number;
  /** As the configuration has it. */
  readonly host: string;
  readonly port: number;
}

/**
 * A listening socket of the process whose place this one takes, which has it open as well: what waits there is lost with
 * neither of the two. One worker accepts from it and owns the descriptor.
 */
export interface PassedSocket extends OwnSocket {
  /** What the system calls it ('socket:[4711]'): the number of a descriptor that was closed is soon another's. */
  readonly link: string;
}

/**
 * Who of `count` workers takes which: of each place every worker as many as another, or one more. Where there are fewer
 * sockets than workers, the last get none, and open one of their own.
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
