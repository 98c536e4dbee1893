import type { StreamWaiter } from '../core/stream.ts';
import type { RequestFacts } from '../policy/balancer.ts';

/** A client, for tests in which connections do not name it. */
export const anyClient: StreamWaiter['client'] = {
  address: '192.0.2.7',
  port: 50_000,
  peerAddress: '192.0.2.7',
  trusted: false,
  connection: { localAddress: '192.0.2.100', localPort: 8080 },
};

/** Facts of a request, for tests in which the balancer does not go by them. */
export const anyRequest: RequestFacts = {
  method: 'GET',
  target: '/',
  request: { headers: { get: () => null } as unknown as RequestFacts['request']['headers'] },
  client: anyClient,
};
