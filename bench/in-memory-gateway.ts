import type { Connector } from '../src/core/connector.ts';
import { createTrust } from '../src/worker/trust.ts';
import { CostlessTransport, type Side } from './costless-transport.ts';
import { type Engine, type EngineSettings, startEngine } from './engine.ts';
import { benchRoute, benchUpstream } from './fixtures.ts';

export type InMemorySettings = Partial<Pick<EngineSettings, 'routes' | 'upstream' | 'clock' | 'onBegun' | 'onEnded'>>;

/** The clients at this address are trusted: their word on request id and client is taken. */
export const trustedAddress = '10.0.0.1';

/**
 * The engine of a worker over transports that cost nothing: what it takes is what our own code takes. Whoever drives it is
 * both ends.
 */
export interface InMemoryGateway {
  /** A client connects. */
  connect(address?: string): CostlessTransport;
  /**
   * A client sends bytes. Returns the connection on which they, or what became of them, went to an endpoint; null if nothing
   * did, since the gateway has answered by itself or waits for more.
   */
  send(client: CostlessTransport, bytes: Uint8Array): CostlessTransport | null;
  /** An endpoint answers. Returns the connection to an endpoint on which its request was then made again, or null. */
  answer(endpoint: CostlessTransport, bytes: Uint8Array): CostlessTransport | null;
  /** A connection to an endpoint is lost: ended by a FIN (null) or by an error. Returns as `answer`. */
  lose(endpoint: CostlessTransport, errno: string | null): CostlessTransport | null;
  /** So many of the next connections to endpoints are refused. */
  refuseNext(connections: number): void;
  /** The parts, for those who measure one by one. */
  readonly parts: InMemoryParts;
}

export interface InMemoryParts extends Omit<Engine, 'listener'> {
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
    writeLines: (_bytes, written) => written(), // Nobody reads them.
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

/** Opens connections at once, and never resolves: addresses in memory are literal. */
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
