import { writeFileSync } from 'node:fs';
import { toolOptions } from '../tool-options.ts';
import { conclude } from './output.ts';
import { inOwnNetwork } from './own-network.ts';
import { mib, soakSlow } from './slow-soak.ts';

const usage = `usage: run-slow.ts [options]

Normal clients at a fixed rate, alone and among slow and idle ones, in rounds, in a network of its own. docs/development/testing.md
says what is promised.

  --slow <n>       slow clients: heads, uploads, downloads, a third each (2000)
  --idle <n>       clients with an idle connection (2000)
  --rate <n>       requests of normal clients in each second (200)
  --rounds <n>     (5)
  --seconds <n>    of measuring in each half of a round (15)
  --seed <text>    (1)
  --program <file> bin/candor of an installation, in place of this repository's
  --json <file>    figures for programs; - is standard output
  --help

It ends with 0 where every promise was kept, 1 where one was not, 2 for a wrong command line, 3 where nothing could be
measured. It needs 14,000 descriptors, and a machine that does nothing else.

example: npm run soak:slow -- --rounds 1 --seconds 5
`;

const options = toolOptions(usage, ['seed', 'program', 'json'], {
  slow: 2000,
  idle: 2000,
  rate: 200,
  rounds: 5,
  seconds: 15,
});
const seed = options.seed ?? '1';

/**
 * At most 128 KiB in each direction, as on an average line. With the usual megabytes, a client that reads nothing would
 * be sent some before it is noticed, and the run would measure how fast the gateway sends them.
 */
const shortBuffers = { tcp_wmem: '4096 16384 131072', tcp_rmem: '4096 32768 131072' };

// This process ends the gateway, which is no child of the terminal.
for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => process.exit(130));
try {
  process.exitCode = inOwnNetwork(shortBuffers) ?? (await run());
} catch (error) {
  console.error(`nothing could be measured: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 3;
}

async function run(): Promise<number> {
  console.error(`seed ${seed}`);
  const { slow, idle, rate, rounds, seconds, program, json } = options;
  const figures = await soakSlow({ slow, idle, rate, rounds, measureMs: seconds * 1000, seed, program }, (text) =>
    console.error(text),
  );
  console.error(`median of the ratios: ${figures.medianRatio.toFixed(2)}`);
  console.error(`memory: ${mib(figures.grownBytes)} more, ${mib(figures.allowedBytes)} are stated`);
  for (const example of figures.examples.slice(0, 12)) console.error(`  ${example}`);
  if (json !== undefined) {
    const text = `${JSON.stringify({ seed, ...figures }, null, 2)}\n`;
    if (json === '-') process.stdout.write(text);
    else writeFileSync(json, text);
  }
  return conclude(figures.broken, `npm run soak:slow -- ${process.argv.slice(2).join(' ')}`);
}
