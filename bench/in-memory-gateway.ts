import type { Connector } from '../src/core/connector.ts';
import { createTrust } from '../src/worker/trust.ts';
import { CostlessTransport, type Side } from './costless-transport.ts';
import { type Engine, type EngineSettings, startEngine } from './engine.ts';
import { benchRoute, benchUpstream } from './fixtures.ts';

export type InMemorySettings = Partial<
  Pick<EngineSettings, 'routes' | 'upstream' | 'clock' | 'otlp' | 'onBegun' | 'onEnded'>
>;

/** Clients at this address are trusted: the gateway accepts their headers for request id and client address. */
export const trustedAddress = '10.0.0.1';

/**
 * The engine of a worker over transports without cost, so that only Candor's own code is measured. The caller acts as client
 * and as endpoint.
 */
export interface InMemoryGateway {
  /** A client connects. */
  connect(address?: string): CostlessTransport;
  /**
   * A client sends bytes. Returns the connection on which the gateway has written to an endpoint; null if it has written
   * none, because it has answered itself or waits for more bytes.
   */
  send(client: CostlessTransport, bytes: Uint8Array): CostlessTransport | null;
  /** An endpoint sends a response. Returns the connection on which the gateway then retried the request, or null. */
  answer(endpoint: CostlessTransport, bytes: Uint8Array): CostlessTransport | null;
  /** A connection to an endpoint is lost: ended by a FIN (null) or by an error. Returns the same as `answer`. */
  lose(endpoint: CostlessTransport, errno: string | null): CostlessTransport | null;
  /** Refuses this number of the next connections to endpoints. */
  refuseNext(connections: number): void;
  /** The parts, for measuring them one by one. */
  readonly parts: InMemoryParts;
}

interface InMemoryParts extends Omit<Engine, 'listener'> {
  readonly isTrusted: EngineSettings['isTrusted'];
}

export function startInMemoryGateway(settings: InMemorySettings = {}): InMemoryGateway {
  const clients: Side = { written: null };
  const endpoints: Side = { written: null };
  const connector = new CostlessConnector(endpoints);
  const isTrusted = createTrust([trustedAddress]);
  const { listener, ...parts } = startEngine({
    routes: [benchRoute],
    upstream: benchUpstream,
    ...settings,
    connector,
    isTrusted,
    writeLines: (_bytes, written) => written(), // Not read by the benchmark.
  });
  let port = 20_000;
  const asked = (): CostlessTransport | null => {
    const { written } = endpoints;
    endpoints.written = null;
    return written;
  };
  return {
    connect(address = '127.0.0.1') {
      const client = new CostlessTransport(clients, address, port++, 8080);
      listener.accept(client);
      return client;
    },
    send(client, bytes) {
      client.deliver(bytes);
      return asked();
    },
    answer(endpoint, bytes) {
      endpoint.deliver(bytes);
      return asked();
    },
    lose(endpoint, errno) {
      if (errno === null) endpoint.listener.onEnd();
      else endpoint.listener.onClosed(errno);
      return asked();
    },
    refuseNext(connections) {
      connector.toRefuse = connections;
    },
    parts: { ...parts, isTrusted },
  };
}

/** Opens connections at once, and never resolves names: addresses in memory are literal. */
class CostlessConnector implements Connector {
  toRefuse = 0;
  readonly #side: Side;
  #port = 40_000;

  constructor(side: Side) {
    this.#side = side;
  }

  readonly resolve: Connector['resolve'] = () => ({ cancel() {} });

  readonly connect: Connector['connect'] = (target, waiter) => {
    if (this.toRefuse > 0) {
      this.toRefuse--;
      waiter.onConnectFailed({ stage: 'connect', code: 'ECONNREFUSED', alertId: null });
    } else {
      const port = target.kind === 'tcp' ? target.port : 0;
      waiter.onTransportConnected();
      waiter.onConnected(new CostlessTransport(this.#side, '127.0.0.1', port, this.#port++));
    }
    return { cancel() {} };
  };
}
