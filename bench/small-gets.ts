import type { CostlessTransport } from './costless-transport.ts';
import { requestOctets, responseOctets } from './fixtures.ts';
import type { InMemoryGateway } from './in-memory-gateway.ts';

/** Small GETs of kept-alive clients, in rounds: all clients ask, then all are answered. So many are under way at once. */
export class SmallGets {
  readonly #gateway: InMemoryGateway;
  readonly #clients: readonly CostlessTransport[];
  readonly #asked: CostlessTransport[] = [];

  constructor(gateway: InMemoryGateway, clients: number) {
    this.#gateway = gateway;
    this.#clients = Array.from({ length: clients }, () => gateway.connect());
  }

  /** Plays at least `exchanges` of them, and whole rounds; returns how many. */
  play(exchanges: number): number {
    const rounds = Math.ceil(exchanges / this.#clients.length);
    for (let round = 0; round < rounds; round++) this.#playRound();
    return rounds * this.#clients.length;
  }

  #playRound(): void {
    const gateway = this.#gateway;
    const clients = this.#clients;
    const asked = this.#asked;
    for (let index = 0; index < clients.length; index++) {
      asked[index] = gateway.send(clients[index] as CostlessTransport, requestOctets) as CostlessTransport;
    }
    for (let index = 0; index < clients.length; index++) {
      gateway.answer(asked[index] as CostlessTransport, responseOctets);
    }
  }
}
