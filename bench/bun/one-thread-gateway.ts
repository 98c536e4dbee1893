import { openSync, write } from 'node:fs';
import type { Connector } from '../../src/core/connector.ts';
import type { UpstreamSnapshot } from '../../src/core/snapshot.ts';
import type { ListenerConnections } from '../../src/downstream/listener.ts';
import { startEngine } from '../engine.ts';
import { benchRoute, benchUpstream } from '../fixtures.ts';

/**
 * The engine of a worker over any transport, with its log in a file, all in one thread: what two runtimes can be held
 * against each other with. Connections that are accepted go to `accept` of what it returns.
 */
export function startOneThreadGateway(
  connector: Connector,
  originPort: number,
  logPath: string,
): Pick<ListenerConnections, 'accept'> {
  const log = openSync(logPath, 'a');
  const { listener } = startEngine({
    connector,
    routes: [benchRoute],
    upstream: upstreamAt(originPort),
    isTrusted: () => false,
    writeLines(bytes, written) {
      write(log, bytes, 0, bytes.length, null, (error) => {
        if (error !== null) throw error;
        written();
      });
    },
  });
  return listener;
}

function upstreamAt(port: number): UpstreamSnapshot {
  return {
    ...benchUpstream,
    endpoints: benchUpstream.endpoints.map((endpoint) => {
      return { ...endpoint, address: { kind: 'tcp', host: '127.0.0.1', port } };
    }),
  };
}
