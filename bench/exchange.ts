/**
 * Measures the JavaScript cost of one exchange: the real engine, routing, record and counters over transports that accept
 * every byte at once. Run: `node bench/exchange.ts [exchanges] [--clients 64]`. There are many clients, so that caches see
 * as many connections as in production.
 */
import { parseArgs } from 'node:util';
import { startInMemoryGateway } from './in-memory-gateway.ts';
import { SmallGets } from './small-gets.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { clients: { type: 'string', default: '1' } },
});
const exchanges = Number(positionals[0] ?? 300_000);
const gateway = startInMemoryGateway();
const gets = new SmallGets(gateway, Number(values.clients));

function run(count: number): number {
  const from = process.hrtime.bigint();
  const played = gets.play(count);
  return Number(process.hrtime.bigint() - from) / played;
}

run(exchanges / 3);
const rounds = [1, 2, 3, 4, 5].map(() => run(exchanges / 5)).sort((a, b) => a - b);
console.log(
  `JavaScript per exchange: ${((rounds[2] ?? 0) / 1000).toFixed(2)} µs (median of 5 rounds, best ${((rounds[0] ?? 0) / 1000).toFixed(2)})`,
);
process.exit(0);
