import { bunConnector } from './bun-connect.ts';
import { bunListen } from './bun-listen.ts';
import { startOneThreadGateway } from './one-thread-gateway.ts';

// `bun on-bun.ts <port> <origin's port> <log>`
const [port, originPort, log] = process.argv.slice(2);
const gateway = startOneThreadGateway(bunConnector, Number(originPort), String(log));
bunListen(Number(port), (transport) => gateway.accept(transport));
process.once('SIGTERM', () => process.exit(0));
