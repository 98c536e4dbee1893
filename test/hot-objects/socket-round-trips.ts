import { EventEmitter, once } from 'node:events';
import type { Transport, TransportListener } from '../../src/core/transport.ts';
import { socketConnector } from '../../src/transport/connect.ts';
import { listen } from '../../src/transport/listen.ts';

const host = '127.0.0.1';
const bytes = Buffer.from('bytes there and back');

/** Opens so many connections over loopback, one after the other; each sends some bytes, receives them back and ends. */
export async function playRoundTrips(connections: number, see: (transport: Transport) => void): Promise<void> {
  const listening = await new Promise<{ address: { port: number }; close(): Promise<void> }>((resolve, reject) => {
    listen(
      { host, port: 0, sharePort: false },
      {
        onListening: resolve,
        onListenFailed: (errno) => reject(new Error(errno)),
        onConnection(transport) {
          see(transport);
          transport.listener = echo(transport);
        },
      },
    );
  });
  for (let index = 0; index < connections; index++) await roundTrip(listening.address.port, see);
  await listening.close();
}

async function roundTrip(port: number, see: (transport: Transport) => void): Promise<void> {
  const over = new EventEmitter();
  socketConnector.connect(
    { kind: 'tcp', address: host, port, tls: null },
    {
      onTransportConnected() {},
      onConnectFailed: (fault) => over.emit('error', new Error(fault.code)),
      onConnected(transport) {
        see(transport);
        transport.listener = { ...deaf, onBytes: () => transport.end(), onClosed: () => over.emit('closed') };
        transport.write(bytes, 0, bytes.length, 'borrowed');
      },
    },
  );
  await once(over, 'closed');
}

function echo(transport: Transport): TransportListener {
  return {
    ...deaf,
    onBytes: (came, start, end) => void transport.write(came, start, end, 'borrowed'),
    onEnd: () => transport.end(),
  };
}

const deaf: TransportListener = { onBytes() {}, onEnd() {}, onWritten() {}, onClosed() {} };
