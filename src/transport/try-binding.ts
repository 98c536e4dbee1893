import { lookup } from 'node:dns';
import { connect } from 'node:net';
import { failWith, type Result, succeed } from '#failures/result.ts';
import { errnoOf } from './errno.ts';

type Binding = Result<{ /** Of the name, or the same. */ readonly address: string }, { readonly errno: string }>;

/**
 * Tries whether a listener could be bound to this address. The port is not opened: clients and health checks would be accepted
 * there by a program that does not answer.
 *
 * Node binds without listening where a connection has a local address. This one is to a multicast address, which the system refuses
 * before it sends anything. Linux refuses to bind the same addresses as for a listener without SO_REUSEPORT: a port where a program
 * listens, an address that the machine does not have, a port that needs a privilege. (Node 26 has `net.BoundSocket` for it.)
 */
export function tryBinding(host: string, port: number): Promise<Binding> {
  return new Promise((resolve) => {
    lookup(host, (error, address) => {
      if (error === null) bindOnce(address, port, resolve);
      else resolve(failWith({ errno: errnoOf(error) }));
    });
  });
}

function bindOnce(address: string, port: number, resolve: (binding: Binding) => void): void {
  const target = { host: address.includes(':') ? 'ff02::1' : '224.0.0.1', port: 9 };
  const socket = connect({ ...target, localAddress: address, localPort: port });
  socket.once('connect', () => socket.destroy(new Error('TCP connected to a multicast address')));
  socket.once('error', (error: NodeJS.ErrnoException) =>
    resolve(error.syscall === 'bind' ? failWith({ errno: errnoOf(error) }) : succeed({ address })),
  );
}
