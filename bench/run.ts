import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { cacheFolder, repositoryRoot } from '../scripts/repository.ts';
import { circumstancesOf } from './circumstances.ts';
import { needTwoCores } from './cores.ts';
import { benchDocument } from './document.ts';
import { type GatewayName, gatewayNames } from './gateways.ts';
import { measureAdded } from './measure-added.ts';
import { measureMemory } from './measure-memory.ts';
import { measureGarbage, measureScaling } from './measure-own.ts';
import { measureWorks, type RunLength } from './measure-works.ts';
import { chosen, wholeNumber, wrongWords } from './options.ts';
import { plot } from './plot.ts';
import { stopAll } from './processes.ts';
import { type Figures, ratioText, ratioToBest, titles } from './report.ts';
import { needNoOther, startOrigins } from './start-gateway.ts';
import { prepareTools } from './tools.ts';
import { type WorkName, workNames, works } from './works.ts';

const usage = `usage: npm run bench -- [options]

Measures Candor and other gateways with the same requests. bench/README.md has
the method and the last figures.

  --works <names>     of ${workNames.slice(0, 5).join(', ')},
                      ${workNames.slice(5).join(', ')} (all)
  --gateways <names>  of ${gatewayNames.slice(0, 5).join(', ')},
                      ${gatewayNames.slice(5).join(', ')} (all but relay)
  --rounds <n>        (5)
  --seconds <n>       of each run (3)
  --parts <names>     of cpu, latency, memory, garbage, scaling (all)
  --source            run the unbuilt source instead of the installed tarball
  --write             write bench/README.md and bench/figures.svg
  --json              print all figures as JSON
  --help

Exits with 1 if a measurement failed, and with 2 for a usage error. A complete
run takes half an hour.

example: npm run bench -- --works small-get --gateways candor,nginx --parts cpu
`;

const parts = ['cpu', 'latency', 'memory', 'garbage', 'scaling'] as const;

let interrupted = false;
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    interrupted = true;
    void stopAll().then(() => process.exit(130));
  });
}
try {
  process.exitCode = await run(process.argv.slice(2));
} catch (error) {
  if (!interrupted) console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
} finally {
  await stopAll();
}

interface Asked {
  readonly works: readonly WorkName[];
  readonly gateways: readonly GatewayName[];
  readonly parts: readonly (typeof parts)[number][];
  readonly runLength: RunLength;
  readonly source: boolean;
  readonly write: boolean;
  readonly json: boolean;
  readonly help: boolean;
}

function readWords(words: readonly string[]): Asked {
  const { values } = parseArgs({
    args: [...words],
    options: {
      works: { type: 'string', default: workNames.join(',') },
      gateways: { type: 'string', default: gatewayNames.filter((name) => name !== 'relay').join(',') },
      rounds: { type: 'string', default: '5' },
      seconds: { type: 'string', default: '3' },
      parts: { type: 'string', default: parts.join(',') },
      source: { type: 'boolean', default: false },
      write: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const runLength = {
    rounds: wholeNumber(values.rounds, '--rounds'),
    seconds: wholeNumber(values.seconds, '--seconds'),
  };
  return {
    ...values,
    works: chosen(values.works, workNames, 'work'),
    gateways: chosen(values.gateways, gatewayNames, 'gateway'),
    parts: chosen(values.parts, parts, 'part'),
    runLength,
  };
}

async function run(words: readonly string[]): Promise<number> {
  let asked: Asked;
  try {
    asked = readWords(words);
  } catch (error) {
    console.error(`${wrongWords(error)}\n\n${usage}`);
    return 2;
  }
  if (asked.help) console.log(usage);
  else await bench(asked);
  return 0;
}

async function bench(asked: Asked): Promise<void> {
  const { gateways, runLength, parts: wanted } = asked;
  const say = asked.json ? console.error : console.log;
  const folder = join(cacheFolder, 'bench', 'run');
  needTwoCores();
  await needNoOther();
  rmSync(folder, { recursive: true, force: true });
  const tools = prepareTools(gateways, folder, asked.source);
  await startOrigins(tools.nginx, folder);

  const figures: Figures = {
    circumstances: circumstancesOf(gateways, runLength, asked.source),
    ...(wanted.includes('cpu') ? await measureWorks(asked.works, tools, runLength, say) : { runs: [], failed: [] }),
    added: wanted.includes('latency') ? await measureAdded(tools, runLength, say) : [],
    memory: wanted.includes('memory') ? await measureMemory(tools, say) : [],
    garbage: wanted.includes('garbage') ? await measureGarbage(tools, runLength.seconds * 2) : null,
    scaling: wanted.includes('scaling') ? await measureScaling(tools, runLength.seconds * 2) : null,
  };
  print(figures, asked, say);
}

function print(figures: Figures, { json, write }: Asked, say: (line: string) => void): void {
  for (const { name, title } of works) {
    const to = ratioToBest(figures.runs, name);
    if (to !== null) say(`${title}: Candor ÷ ${titles[to.best]} ${ratioText(to.ratio)}`);
  }
  if (json) console.log(JSON.stringify(figures, null, 2));
  if (!write) return;
  writeFileSync(join(repositoryRoot, 'bench', 'README.md'), benchDocument(figures));
  writeFileSync(join(repositoryRoot, 'bench', 'figures.svg'), plot(figures));
}
