import type { CostlessTransport } from './costless-transport.ts';
import { requestBytes, responseBytes } from './fixtures.ts';
import { NewEachTime } from './new-each-time.ts';
import type { InMemoryGateway } from './in-memory-gateway.ts';

/**
 * Small GETs of kept-alive clients, in rounds: all clients send a request, then all are answered. So this many are in flight
 * at once.
 */
export class SmallGets {
  readonly #gateway: InMemoryGateway;
  readonly #clients: readonly CostlessTransport[];
  readonly #asked: CostlessTransport[] = [];
  /** Null: every request and every response is the same each time. */
  readonly #newHeads: { readonly request: NewEachTime; readonly response: NewEachTime } | null;

  constructor(gateway: InMemoryGateway, clients: number, heads: 'same' | 'new' = 'same') {
    this.#gateway = gateway;
    const isNew = heads === 'new';
    this.#newHeads = isNew
      ? { request: new NewEachTime(requestBytes), response: new NewEachTime(responseBytes) }
      : null;
    this.#clients = Array.from({ length: clients }, () => gateway.connect());
  }

  /** Plays at least `exchanges` exchanges, in whole rounds. Returns how many. */
  play(exchanges: number): number {
    const rounds = Math.ceil(exchanges / this.#clients.length);
    for (let round = 0; round < rounds; round++) this.#playRound();
    return rounds * this.#clients.length;
  }

  #playRound(): void {
    const gateway = this.#gateway;
    const clients = this.#clients;
    const asked = this.#asked;
    const heads = this.#newHeads;
    for (let index = 0; index < clients.length; index++) {
      const bytes = heads === null ? requestBytes : heads.request.next();
      asked[index] = gateway.send(clients[index] as CostlessTransport, bytes) as CostlessTransport;
    }
    for (let index = 0; index < clients.length; index++) {
      const bytes = heads === null ? responseBytes : heads.response.next();
      gateway.answer(asked[index] as CostlessTransport, bytes);
    }
  }
}
