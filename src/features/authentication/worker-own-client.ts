import type { ClientFacts } from '../../core/exchange.ts';

/** On whose behalf the gateway asks what no client has asked for: its own. */
export function ownClient(): ClientFacts {
  const address = '127.0.0.1';
  return {
    ...{ address, port: 0, peerAddress: address, trusted: false, scheme: 'http', peerScheme: 'http', tls: null },
    ...{ connection: { localAddress: address, localPort: 0 }, listener: '', recordCache: null },
  };
}
