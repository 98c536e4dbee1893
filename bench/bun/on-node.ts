import { socketConnector } from '../../src/transport/connect.ts';
import { listen } from '../../src/transport/listen.ts';
import { startOneThreadGateway } from './one-thread-gateway.ts';

// `node on-node.ts <port> <origin's port> <log>`
const [port, originPort, log] = process.argv.slice(2);
const gateway = startOneThreadGateway(socketConnector, Number(originPort), String(log));
const target = { host: '127.0.0.1', port: Number(port), sharePort: false };
listen(target, {
  onListening() {},
  onListenFailed(errno) {
    throw new Error(`not listening on port ${port}: ${errno}`);
  },
  onConnection: (transport) => gateway.accept(transport),
});
process.once('SIGTERM', () => process.exit(0));
