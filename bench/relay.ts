import { connect } from '../src/transport/connect.ts';
import type { Transport, TransportListener } from '../src/core/transport.ts';
import { listen } from '../src/transport/listen.ts';
import { originPort } from './gateways.ts';
import { benchPort } from './ports.ts';

/**
 * Passes on what comes, by the gateway's own transports and without looking at it: what any gateway on this transport costs at
 * least. Each client's connection has one of its own to the origin.
 */
function copying(from: Transport, to: Transport): TransportListener {
  return {
    onBytes(bytes, start, end) {
      if (!to.write(bytes, start, end, 'borrowed')) from.pause();
    },
    onEnd: () => to.end(),
    onWritten: () => to.resume(),
    onClosed: () => to.close('close'),
  };
}

function relay(client: Transport): void {
  client.pause();
  connect(
    { kind: 'tcp', address: '127.0.0.1', port: originPort, tls: null },
    {
      onTransportConnected: () => undefined,
      onConnected(origin) {
        origin.listener = copying(origin, client);
        client.listener = copying(client, origin);
        client.resume();
      },
      onConnectFailed: () => client.close('reset'),
    },
  );
}

listen(
  { host: '127.0.0.1', port: benchPort(11), sharePort: false },
  {
    onListening: () => undefined,
    onListenFailed(errno) {
      throw new Error(errno);
    },
    onConnection: relay,
  },
);
