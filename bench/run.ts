import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { repositoryRoot } from '../scripts/repository.ts';
import { circumstancesOf } from './circumstances.ts';
import { needTwoCores } from './cores.ts';
import { benchDocument, disturbedLines } from './document.ts';
import { type GatewayName, gatewayNames } from './gateways.ts';
import { measureAdded } from './measure-added.ts';
import { measureMemory } from './measure-memory.ts';
import { measureGarbage, measureScaling } from './measure-own.ts';
import { firstWarmUpS, measureWorks, type RunLength } from './measure-works.ts';
import { chosen, wholeNumber, wrongWords } from './options.ts';
import { plot } from './plot.ts';
import { type Figures, ratioText, ratioToBest, titles } from './report.ts';
import { runTool } from './run-tool.ts';
import { needNoOther, runFolder, startOrigins } from './start-gateway.ts';
import { targetsReached } from './targets.ts';
import { prepareTools } from './tools.ts';
import { type WorkName, workNames, works } from './works.ts';

const defaultGateways: readonly GatewayName[] = [
  'candor',
  'candor-no-rotation',
  'candor-no-log',
  'nginx',
  'nginx-buffered',
  'haproxy',
];

const usage = `usage: npm run bench -- [options]

Measures Candor and other gateways with the same requests. bench/README.md has
the method and the last figures.

  --works <names>     of ${workNames.slice(0, 5).join(', ')},
                      ${workNames.slice(5, 9).join(', ')},
                      ${workNames.slice(9, 13).join(', ')},
                      ${workNames.slice(13, 17).join(', ')},
                      ${workNames.slice(17, 21).join(', ')},
                      ${workNames.slice(21).join(', ')} (all)
  --gateways <names>  of ${gatewayNames.slice(0, 4).join(', ')},
                      ${gatewayNames.slice(4, 9).join(', ')},
                      ${gatewayNames.slice(9).join(', ')}
                      (${defaultGateways.slice(0, 3).join(', ')},
                      ${defaultGateways.slice(3).join(', ')})
  --all               all gateways but relay
  --rounds <n>        that count; a disturbed one is repeated (7)
  --no-repeat         a disturbed round is kept, with a mark
  --seconds <n>       of each run (3)
  --latency-seconds <n>  of each run at a fixed rate (10)
  --warm-up <n>       seconds of load before the first round (${firstWarmUpS})
  --parts <names>     of cpu, latency, memory, garbage, scaling (all)
  --source            run the unbuilt source instead of the installed tarball
  --write             write bench/README.md and bench/figures.svg
  --json              print all figures as JSON
  --help

Exits with 1 if a measurement failed, and with 2 for a usage error. A complete
run takes an hour, with --all an hour and a half.

example: npm run bench -- --works small-get --gateways candor,nginx --parts cpu
`;

const parts = ['cpu', 'latency', 'memory', 'garbage', 'scaling'] as const;

await runTool(() => run(process.argv.slice(2)));

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
      gateways: { type: 'string', default: defaultGateways.join(',') },
      rounds: { type: 'string', default: '7' },
      seconds: { type: 'string', default: '3' },
      'latency-seconds': { type: 'string', default: '10' },
      'warm-up': { type: 'string', default: String(firstWarmUpS) },
      'no-repeat': { type: 'boolean', default: false },
      all: { type: 'boolean', default: false },
      parts: { type: 'string', default: parts.join(',') },
      source: { type: 'boolean', default: false },
      write: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const rounds = wholeNumber(values.rounds, '--rounds');
  const runLength = {
    rounds,
    repetitionsMax: values['no-repeat'] ? 0 : rounds,
    seconds: wholeNumber(values.seconds, '--seconds'),
    latencySeconds: wholeNumber(values['latency-seconds'], '--latency-seconds'),
    warmUpSeconds: wholeNumber(values['warm-up'], '--warm-up', 0),
  };
  return {
    ...values,
    works: chosen(values.works, workNames, 'work'),
    gateways: values.all
      ? gatewayNames.filter((name) => name !== 'relay')
      : chosen(values.gateways, gatewayNames, 'gateway'),
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
  const folder = runFolder('run');
  needTwoCores();
  await needNoOther();
  rmSync(folder, { recursive: true, force: true });
  const tools = prepareTools(gateways, folder, asked.source);
  await startOrigins(tools.nginx, folder);

  const nothing = { runs: [], failed: [], added: [], disturbed: [] };
  const cpu = wanted.includes('cpu') ? await measureWorks(asked.works, tools, runLength, say) : nothing;
  const latency = wanted.includes('latency') ? await measureAdded(tools, runLength, say) : nothing;
  const figures: Figures = {
    circumstances: circumstancesOf(gateways, runLength, asked.source),
    runs: cpu.runs,
    failed: cpu.failed,
    added: latency.added,
    disturbed: [...cpu.disturbed, ...latency.disturbed],
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
  for (const { what, target, measured, verdict } of targetsReached(figures))
    if (measured !== null) say(`${what} ${target}: ${measured}, ${verdict.replaceAll('*', '')}`);
  for (const line of disturbedLines(figures)) say(line);
  if (json) console.log(JSON.stringify(figures, null, 2));
  if (!write) return;
  writeFileSync(join(repositoryRoot, 'bench', 'README.md'), benchDocument(figures));
  writeFileSync(join(repositoryRoot, 'bench', 'figures.svg'), plot(figures));
}
