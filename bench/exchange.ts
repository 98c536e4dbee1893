/**
 * Measures the JavaScript cost of one exchange: the real engine, routing, record and counters over transports that accept
 * every byte at once. Run: `node bench/exchange.ts [exchanges] [--clients 64] [--otlp 0]`. There are many clients, so that caches see
 * as many connections as in production. With `--otlp`, the share of traces that are exported, it says what each exchange
 * pays for that, in turns with one that exports nothing. It measures CPU time, because other programs use the machine too.
 */
import { parseArgs } from 'node:util';
import { startInMemoryGateway } from './in-memory-gateway.ts';
import { SmallGets } from './small-gets.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { clients: { type: 'string', default: '1' }, otlp: { type: 'string' } },
});
const exchanges = Number(positionals[0] ?? 300_000);
const rounds = 15;
const gets = (share: number | null): SmallGets => {
  const gateway = startInMemoryGateway(share === null ? {} : { otlp: { share, logs: 'failed' } });
  return new SmallGets(gateway, Number(values.clients));
};

/** Microseconds of CPU time for each exchange. */
function run(of: SmallGets, count: number): number {
  const before = process.cpuUsage();
  const played = of.play(count);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / played;
}

const median = (all: readonly number[]): number => all.toSorted((a, b) => a - b)[all.length >> 1] ?? 0;

const measured = values.otlp === undefined ? [gets(null)] : [gets(null), gets(Number(values.otlp))];
for (const one of measured) run(one, exchanges / 3);
const costs = measured.map((): number[] => []);
for (let round = 0; round < rounds; round++)
  for (const [at, one] of measured.entries()) costs[at]?.push(run(one, exchanges / rounds));
const [plain = 0, exporting] = costs.map(median);
console.log(`JavaScript per exchange: ${plain.toFixed(2)} µs (median of ${rounds} rounds)`);
if (exporting !== undefined)
  console.log(
    `with ${values.otlp} of the traces exported: ${exporting.toFixed(2)} µs, ratio ${(exporting / plain).toFixed(3)}`,
  );
process.exit(0);
