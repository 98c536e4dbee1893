import { writeFileSync } from 'node:fs';
import { toolOptions } from '../tool-options.ts';
import { soakMixed } from './mixed-soak.ts';
import { mayHaveOwnNetwork } from './may-have-own-network.ts';
import { inOwnNetwork } from './own-network.ts';
import { conclude, everySeconds, table } from './output.ts';

const usage = `usage: run-mixed.ts [options]

Every fault of the fault origin, clients that leave or are slow, reloads and workers that end, at random and at once.
docs/development/testing.md says what is promised.

  --minutes <n>    how long (30)
  --rate <n>       requests in each second (120)
  --reload <s>     seconds from one reload to the next, more or less (7)
  --kill <s>       seconds from one worker's end to the next, more or less (20)
  --seed <text>    (1)
  --program <file> bin/candor of an installation, in place of this repository's
  --keep <1>       leaves the folder with configuration and log, and says where it is
  --json <file>    figures for programs; - is standard output
  --help

It ends with 0 where every promise was kept, 1 where one was not, 2 for a wrong command line, 3 where nothing could be
measured.

example: npm run soak:mixed -- --minutes 2 --seed 7
`;

const options = toolOptions(usage, ['seed', 'program', 'keep', 'json'], {
  minutes: 30,
  rate: 120,
  reload: 7,
  kill: 20,
});
const seed = options.seed ?? '1';

// This process ends the gateway, which is no child of the terminal.
for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => process.exit(130));
try {
  // There the number of workers may change too, without a connection that is reset.
  const ended = mayHaveOwnNetwork() ? inOwnNetwork({ tcp_migrate_req: '1' }) : null;
  process.exitCode = ended ?? (await run());
} catch (error) {
  console.error(`nothing could be measured: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 3;
}

async function run(): Promise<number> {
  console.error(`seed ${seed}`);
  const { minutes, rate, reload, kill, program, json } = options;
  const figures = await soakMixed(
    {
      seconds: minutes * 60,
      rate,
      seed,
      reloadEveryMs: reload * 1000,
      killEveryMs: kill * 1000,
      program,
      keepFolder: options.keep !== undefined,
    },
    everySeconds(10, (text: string) => text),
  );
  const { agreement, growth, descriptors, timers, requests, byClient, reloads, kills, broken } = figures;
  console.error(`${requests} requests, ${reloads} reloads, ${kills} workers ended; ${JSON.stringify(byClient)}`);
  console.error(table('', agreement.rows));
  const { recorded, least, most } = agreement.lost;
  console.error(`lost with a worker: ${recorded} by the log, ${least} to ${most} by clients and origin`);
  console.error(
    `${agreement.crossed} clients left while their answer was on its way; ${agreement.notReceived} answers were recorded, and ` +
      'not received since their worker ended',
  );
  console.error(`descriptors ${JSON.stringify(descriptors)}, timers ${JSON.stringify(timers)}`);
  console.error(growth === null ? 'too short for a line through the memory' : `memory ${JSON.stringify(growth)}`);
  for (const example of agreement.examples.slice(0, 12)) console.error(`  ${example}`);
  if (json !== undefined) {
    const text = `${JSON.stringify({ seed, ...figures }, null, 2)}\n`;
    if (json === '-') process.stdout.write(text);
    else writeFileSync(json, text);
  }
  if (options.keep !== undefined) console.error(`left: ${figures.folder}`);
  return conclude(broken, `npm run soak:mixed -- ${process.argv.slice(2).join(' ')}`);
}
