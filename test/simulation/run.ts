import { parseArgs } from 'node:util';
import { simulate, type Protocol, type SimulatedRetries } from './simulation.ts';

const usage = `usage: npm run simulate [-- --seed <n> --count <n> --exchanges <n> --clients http/1.1|h2 --endpoints http/1.1|h2 --retries none|retries|hedges]

  Plays simulated hours of the gateway and checks its promises. Without --seed the first seed is random; the next ones
  count up. Without --clients, --endpoints or --retries each seed plays all kinds of them.

  Example: npm run simulate -- --count 200`;

const protocols: readonly Protocol[] = ['http/1.1', 'h2'];
const kindsOfRetries = ['none', 'retries', 'hedges'] as const;

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    count: { type: 'string', default: '20' },
    exchanges: { type: 'string', default: '150' },
    clients: { type: 'string' },
    endpoints: { type: 'string' },
    retries: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});
const first = Number(values.seed ?? Math.floor(Math.random() * 1e9));
const count = Number(values.count);
const exchanges = Number(values.exchanges);
const endpoints = protocols.filter((one) => one === (values.endpoints ?? one));
const clients = protocols.filter((one) => one === (values.clients ?? one));
const retries = kindsOfRetries.filter((one) => one === (values.retries ?? one));
const isValid =
  [first, count, exchanges].every(Number.isInteger) && endpoints.length > 0 && clients.length > 0 && retries.length > 0;
if (values.help || !isValid) {
  console.log(usage);
  process.exitCode = values.help ? 0 : 2;
} else {
  process.exitCode = simulateAll() ? 0 : 1;
}

function simulateAll(): boolean {
  let failed = 0;
  for (let seed = first; seed < first + count; seed++) {
    const counts = clients.flatMap((client) =>
      endpoints.flatMap((endpoint) => retries.map((kind) => played(String(seed), client, endpoint, kind))),
    );
    failed += counts.filter((one) => one === null).length;
    console.log(`seed ${seed}: ${counts.map((one) => one ?? 'FAILED').join(', ')} exchanges`);
  }
  console.log(failed === 0 ? 'every promise was kept' : `${failed} runs broke a promise`);
  return failed === 0;
}

/** How many exchanges there were; null: a promise was broken, which is printed. */
function played(
  seed: string,
  client: Protocol,
  endpoint: Protocol,
  kind: Exclude<SimulatedRetries, null> | 'none',
): number | null {
  try {
    return simulate(seed, exchanges, endpoint, kind === 'none' ? null : kind, client).exchanges;
  } catch (error) {
    console.error(error);
    return null;
  }
}
