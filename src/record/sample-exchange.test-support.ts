import type { AttemptFacts, ClientFacts, EndedExchange } from '../core/exchange.ts';
import type { Failure } from '#failures/failure.ts';
import type { Instant } from '../core/time.ts';

/** A successful exchange with the changes of the test. */
export function sampleExchange(changes: Partial<EndedExchange> = {}): EndedExchange {
  return {
    id: '019aa5d2-5f1c-7c3e-9f0a-3d5b7c9e1f20',
    traceId: '4bf92f3577b34da6a3ce929d0e0e4736',
    startedWall: Date.UTC(2026, 10, 21, 8, 42, 18, 7),
    startedAt: 5000 as Instant,
    endedAt: 5012.345 as Instant,
    revision: 3,
    route: 'shop',
    upstream: 'shop',
    application: '',
    release: null,
    client: sampleClient(),
    method: 'GET',
    authority: 'shop.example.org',
    target: '/products/42?page=2&token=c2VjcmV0',
    version: 'HTTP/1.1',
    attempts: [sampleAttempt()],
    statusSent: 200,
    statusReceived: 200,
    endKind: 'forwarded',
    tunnel: null,
    failure: null,
    delivery: 'response_started',
    bytesFromClient: 0,
    bytesToClient: 6413,
    ...changes,
  };
}

export function sampleClient(changes: Partial<ClientFacts> = {}): ClientFacts {
  return {
    address: '192.0.2.17',
    port: 51514,
    peerAddress: '192.0.2.17',
    trusted: false,
    scheme: 'http',
    peerScheme: 'http',
    tls: null,
    connection: { localAddress: '192.0.2.100', localPort: 8080 },
    listener: 'http',
    recordCache: null,
    ...changes,
  };
}

export function sampleAttempt(changes: Partial<AttemptFacts> = {}): AttemptFacts {
  return {
    endpoint: 'shop/127.0.0.1:3000',
    address: '127.0.0.1:3000',
    endpointState: 'healthy',
    reused: true,
    idleMs: 812.5,
    localPort: 40122,
    startedMs: 0.08,
    dnsMs: -1,
    connectedMs: -1,
    tlsMs: -1,
    sentMs: 0.21,
    headMs: 11.9,
    endedMs: 12.3,
    status: 200,
    failure: null,
    exit: null,
    retry: false,
    retryReason: 'accepted',
    ...changes,
  };
}

/** An exchange whose only attempt failed and that the gateway answered itself. */
export function failedExchange(failure: Failure, status: number, changes: Partial<EndedExchange> = {}): EndedExchange {
  const attempt = sampleAttempt({
    reused: false,
    idleMs: -1,
    headMs: -1,
    status: 0,
    failure,
    retryReason: 'nowhere_else',
  });
  return sampleExchange({
    attempts: [attempt],
    failure,
    statusSent: status,
    statusReceived: 0,
    endKind: 'generated',
    delivery: 'sent_unknown',
    ...changes,
  });
}
