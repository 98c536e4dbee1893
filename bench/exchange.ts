/**
 * What one exchange costs in JavaScript alone: the real engine, routing, record and counts over transports that
 * take every octet and cost nothing. Run: `node bench/exchange.ts [exchanges] [--clients 64]`. Many clients, since caches
 * then see as many connections as in life.
 */
import { parseArgs } from 'node:util';
import type { CostlessTransport } from './costless-transport.ts';
import { requestOctets, responseOctets } from './fixtures.ts';
import { startInMemoryGateway } from './in-memory-gateway.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { clients: { type: 'string', default: '1' } },
});
const exchanges = Number(positionals[0] ?? 300_000);
const gateway = startInMemoryGateway();
const clients = Array.from({ length: Number(values.clients) }, () => gateway.connect());
const asked: CostlessTransport[] = [];

/** All clients ask, then all are answered: so many exchanges are under way at once. */
function round(): void {
  for (let index = 0; index < clients.length; index++) {
    asked[index] = gateway.send(clients[index] as CostlessTransport, requestOctets) as CostlessTransport;
  }
  for (let index = 0; index < clients.length; index++)
    gateway.answer(asked[index] as CostlessTransport, responseOctets);
}

function run(count: number): number {
  const rounds = Math.ceil(count / clients.length);
  const from = process.hrtime.bigint();
  for (let index = 0; index < rounds; index++) round();
  return Number(process.hrtime.bigint() - from) / (rounds * clients.length);
}

run(exchanges / 3);
const rounds = [1, 2, 3, 4, 5].map(() => run(exchanges / 5)).sort((a, b) => a - b);
console.log(
  `JavaScript per exchange: ${((rounds[2] ?? 0) / 1000).toFixed(2)} µs (median of 5 rounds, best ${((rounds[0] ?? 0) / 1000).toFixed(2)})`,
);
process.exit(0);
