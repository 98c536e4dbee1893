import { originPort } from './gateways.ts';
import { benchPort } from './ports.ts';
import { connect, createServer, Socket, type SocketConstructorOpts } from 'node:net';

/**
 * Copies bytes from one socket to the other, read into its own buffer as the gateway does: the lower bound for a gateway on
 * Node.
 */
const shared = Buffer.allocUnsafeSlow(64 * 1024);

function reading(target: () => Socket): NonNullable<SocketConstructorOpts['onread']> {
  return {
    buffer: shared,
    callback: (length, bytes) => {
      target().write(Buffer.from(bytes.subarray(0, length)));
      return true;
    },
  };
}

createServer({ noDelay: true, pauseOnConnect: true }, (accepted) => {
  const taken = accepted as unknown as { _handle: object | null };
  const handle = taken._handle;
  taken._handle = null;
  const client = new Socket({ handle, onread: reading(() => origin) } as SocketConstructorOpts);
  const origin = connect({ port: originPort, host: '127.0.0.1', noDelay: true, onread: reading(() => client) });
  for (const [one, other] of [
    [client, origin],
    [origin, client],
  ] as const) {
    one.on('error', () => other.destroy());
    one.on('close', () => other.destroy());
  }
}).listen(benchPort(11), '127.0.0.1');
