import { once } from 'node:events';
import { createServer } from 'node:net';
import { connect } from 'node:tls';
import { trusting } from './tls-edge.ts';

/** A short ClientHello for edge.test. */
export async function firstFlight(): Promise<Buffer> {
  const bytes = Promise.withResolvers<Buffer>();
  const server = createServer((socket) => socket.once('data', bytes.resolve).on('error', () => {}));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  const session = connect({ host: '127.0.0.1', port, ...trusting({ ecdhCurve: 'X25519' }) }).on('error', () => {});
  const flight = await bytes.promise;
  session.destroy();
  server.close();
  return flight;
}
