import { writeFileSync } from 'node:fs';
import { toolOptions } from '../tool-options.ts';
import { type ChangesFigures, loadThroughChanges } from './load-through-changes.ts';
import { inOwnNetwork, migratesRequests } from './own-network.ts';
import { conclude, everySeconds, table } from './output.ts';

const usage = `usage: run-changes.ts [options]

Clients ask a gateway at a fixed rate, on kept connections and new ones, while it is reloaded, loses workers and is
upgraded, in a network of its own. docs/development/testing.md says what is promised.

  --rate <n>       requests in each second (500)
  --reloads <n>    (20)
  --kills <n>      workers that end (20)
  --upgrades <n>   (20)
  --rest <ms>      between two changes (1000)
  --migrate <0|1>  net.ipv4.tcp_migrate_req in that network (1)
  --seed <text>    order and requests (1)
  --program <file> bin/candor of an installation, in place of this repository's
  --keep <1>       leaves the folder with configuration and log, and says where it is
  --json <file>    figures for programs; - is standard output
  --help

It ends with 0 where every promise was kept, 1 where one was not, 2 for a wrong command line, 3 where nothing could be
measured.

example: npm run soak:changes -- --reloads 3 --kills 3 --upgrades 3 --seed 7
`;

const options = toolOptions(usage, ['seed', 'program', 'keep', 'json'], {
  rate: 500,
  reloads: 20,
  kills: 20,
  upgrades: 20,
  rest: 1000,
  migrate: 1,
});
const { rate, reloads, kills, upgrades, rest, migrate, program, json } = options;
const seed = options.seed ?? '1';

// This process ends the gateway, which is no child of the terminal.
for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => process.exit(130));
try {
  process.exitCode = inOwnNetwork({ tcp_migrate_req: migrate === 1 ? '1' : '0' }) ?? (await run());
} catch (error) {
  console.error(`nothing could be measured: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 3;
}

async function run(): Promise<number> {
  console.error(`seed ${seed}; tcp_migrate_req is ${migratesRequests() === true ? 1 : 0}`);
  const figures = await loadThroughChanges(
    { rate, reloads, kills, upgrades, restMs: rest, seed, program, keepFolder: options.keep !== undefined },
    everySeconds(5, (text: string) => text),
  );
  print(figures);
  if (json !== undefined) {
    const text = `${JSON.stringify({ seed, rate, migrate, ...figures }, null, 2)}\n`;
    if (json === '-') process.stdout.write(text);
    else writeFileSync(json, text);
  }
  if (options.keep !== undefined) console.error(`left: ${figures.folder}`);
  return conclude(figures.broken, `npm run soak:changes -- ${process.argv.slice(2).join(' ')}`);
}

function print({
  requests,
  seconds,
  phases,
  lost,
  processes,
  lateMsMax,
  postsSeenTwice,
  examples,
}: ChangesFigures): void {
  console.error(`${requests} requests in ${seconds.toFixed(0)} s, ${processes} processes`);
  const busy = lateMsMax > 1000 ? ': this machine is too busy to measure waiting' : '';
  console.error(`the driver itself was ${lateMsMax} ms late at most${busy}`);
  console.error(table('while', phases));
  console.error(
    `lost with a worker: ${lost.recorded} exchanges in ${lost.records} records; clients and origin: ${lost.underWay} in flight, ` +
      `${lost.answered} answered and not yet recorded, ${lost.unread} that perhaps no worker had read; ` +
      `${lost.recordedNotReceived} recorded and not received`,
  );
  console.error(`POSTs that the origin got twice: ${postsSeenTwice}`);
  for (const example of examples.slice(0, 12)) console.error(`  ${example}`);
}
