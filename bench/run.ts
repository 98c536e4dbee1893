import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { cacheFolder, repositoryRoot } from '../scripts/repository.ts';
import { circumstancesOf } from './circumstances.ts';
import { needTwoCores } from './cores.ts';
import { benchDocument } from './document.ts';
import { gatewayNames } from './gateways.ts';
import { measureAdded } from './measure-added.ts';
import { measureMemory } from './measure-memory.ts';
import { measureGarbage, measureScaling } from './measure-own.ts';
import { measureWorks } from './measure-works.ts';
import { chosen } from './options.ts';
import { plot } from './plot.ts';
import { stopAll } from './processes.ts';
import { type Figures, ratioText, ratioToBest, titles } from './report.ts';
import { needNoOther, startOrigins } from './start-gateway.ts';
import { prepareTools } from './tools.ts';
import { workNames, works } from './works.ts';

const usage = `usage: npm run bench -- [options]

Measures Candor beside other gateways; bench/README.md says what, how, and the last figures.

  --works <names>     of ${works.map(({ name }) => name).join(', ')} (all)
  --gateways <names>  of ${gatewayNames.join(', ')} (all but relay)
  --rounds <n>        (5)
  --seconds <n>       of each run (3)
  --parts <names>     of cpu, latency, memory, garbage, scaling (all)
  --source            the unbuilt source in place of the installed tarball
  --write             bench/README.md and bench/figures.svg
  --json              everything measured, on standard output
  --help

It ends with 0, or with 1 where something could not be measured.

example: npm run bench -- --works small-get --gateways candor,nginx,haproxy --parts cpu
`;

const parts = ['cpu', 'latency', 'memory', 'garbage', 'scaling'] as const;

const { values: options } = parseArgs({
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
const pace = { rounds: Number(options.rounds), seconds: Number(options.seconds) };
const say = options.json ? console.error : console.log;

for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => void stopAll().then(() => process.exit(130)));
try {
  if (options.help) console.log(usage);
  else await bench();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
} finally {
  await stopAll();
}

async function bench(): Promise<void> {
  needTwoCores();
  const names = chosen(options.gateways, gatewayNames, 'gateway');
  const wanted = chosen(options.works, workNames, 'work');
  const asked = chosen(options.parts, parts, 'part');
  const folder = join(cacheFolder, 'bench', 'run');
  await needNoOther();
  rmSync(folder, { recursive: true, force: true });
  const tools = prepareTools(names, folder, options.source);
  await startOrigins(tools.nginx, folder);

  const figures: Figures = {
    circumstances: circumstancesOf(names, pace, options.source),
    ...(asked.includes('cpu') ? await measureWorks(wanted, tools, pace, say) : { runs: [], failed: [] }),
    added: asked.includes('latency') ? await measureAdded(tools, pace, say) : [],
    memory: asked.includes('memory') ? await measureMemory(tools, say) : [],
    garbage: asked.includes('garbage') ? await measureGarbage(tools, pace.seconds * 2) : null,
    scaling: asked.includes('scaling') ? await measureScaling(tools, pace.seconds * 2) : null,
  };
  tell(figures);
}

function tell(figures: Figures): void {
  for (const { name, title } of works) {
    const to = ratioToBest(figures.runs, name);
    if (to !== null) say(`${title}: Candor ÷ ${titles[to.best]} ${ratioText(to.ratio)}`);
  }
  if (options.json) console.log(JSON.stringify(figures, null, 2));
  if (!options.write) return;
  writeFileSync(join(repositoryRoot, 'bench', 'README.md'), benchDocument(figures));
  writeFileSync(join(repositoryRoot, 'bench', 'figures.svg'), plot(figures));
}
