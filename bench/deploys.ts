import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { withSection } from '../scripts/comparison-document.ts';
import { repositoryRoot } from '../scripts/repository.ts';
import { SteadyLoad } from '../test/steady-load.ts';
import { toolOptions } from '../test/tool-options.ts';
import { startCandor } from './deploys/candor-target.ts';
import { findHighestRate } from './deploys/highest-rate.ts';
import { startPm2 } from './deploys/pm2-target.ts';
import { type Ending, type Language, programOf } from './deploys/programs.ts';
import { startBehindNginx } from './deploys/restart-target.ts';
import { type DeployFigures, deploysSection, rowText } from './deploys/section.ts';
import { type DeployTarget, type TargetStart, until } from './deploys/target.ts';

const starts: Readonly<Record<string, TargetStart>> = {
  candor: startCandor,
  'systemd-nginx': startBehindNginx,
  pm2: startPm2(null),
  'pm2-patient': startPm2(20_000),
};
const peerNames = Object.keys(starts);

const usage = `usage: npm run bench:deploys [-- <options>]

Deploys an application again and again while clients ask it: GET and POST on connections that are kept, a WebSocket, and a
download that takes five seconds. Prints what failed, and how long a release took from ready to its first request.

  --peer <names>     of ${peerNames.join(', ')} (candor), or all.
                     systemd-nginx: restarts the program behind nginx, as systemd does it. pm2: pm2 reload in cluster
                     mode; pm2-patient: with a kill_timeout of 20 s
  --language <text>  node (default) or python (not with pm2)
  --ends <text>      what the program does when it is told to end: gracefully (default), at_once or both
  --deploys <n>      (20)
  --rate <n>         requests a second (300); highest: as many as leave both cores at most 70 % busy, at least 300
  --upgrades <n>     of the gateway, between deployments (0)
  --write <text>     writes the table into docs/comparison.md; the text says how the machine was

It ends with 0 where nothing failed.

example: npm run bench:deploys -- --language python --ends at_once --deploys 5
`;

const options = toolOptions(usage, ['peer', 'language', 'ends', 'rate', 'write'], { deploys: 20, upgrades: 0 });
const { deploys, upgrades } = options;
const language = (options.language ?? 'node') as Language;
const endings: readonly Ending[] =
  options.ends === 'both' ? ['gracefully', 'at_once'] : [options.ends === 'at_once' ? 'at_once' : 'gracefully'];
const peers = options.peer === 'all' ? peerNames : (options.peer ?? 'candor').split(',');
const rate = options.rate === 'highest' ? null : Number(options.rate ?? 300);

/** As long as Candor watches a release here, so that deployments follow each other alike. */
const restMs = 2000;

let running: DeployTarget | null = null;
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => void (running?.stop() ?? Promise.resolve()).finally(() => process.exit(130)));
process.exitCode = await run();

async function run(): Promise<number> {
  const wrong = peers.find((peer) => !peerNames.includes(peer));
  if (wrong !== undefined || (rate !== null && !(rate > 0))) {
    console.error(`${wrong === undefined ? '--rate takes a number or highest' : `no peer ${wrong}`}\n\n${usage}`);
    return 2;
  }
  const all: DeployFigures[] = [];
  for (const ends of endings) {
    for (const peer of peers) {
      const figures = await measure(peer, ends);
      for (const [kind, { count, example }] of figures.failures) console.error(`  ${count} × ${kind}: ${example}`);
      console.log(rowText(figures));
      all.push(figures);
    }
  }
  if (options.write !== undefined) {
    const document = join(repositoryRoot, 'docs', 'comparison.md');
    const section = deploysSection(all, { deploys, rate: rate ?? 0, circumstances: options.write });
    writeFileSync(document, withSection(readFileSync(document, 'utf8'), 'deploys', section));
  }
  return all.every(({ failed }) => failed === 0) ? 0 : 1;
}

async function measure(peer: string, ends: Ending): Promise<DeployFigures> {
  const folder = mkdtempSync(join(tmpdir(), 'candor-deploys-'));
  const target = await (starts[peer] as TargetStart)(folder, programOf(language, ends));
  running = target;
  const load = new SteadyLoad({ port: target.port, rate: rate ?? 300, hasSockets: language === 'node' });
  try {
    load.start();
    await sleep(restMs);
    if (rate === null) console.error(`${peer}: ${await findHighestRate(load)} requests a second`);
    const readyToTraffic: number[] = [];
    for (let number = 1; number <= deploys; number++) {
      const took = await deploy(target, load, `v${number}`);
      if (took !== null) readyToTraffic.push(took);
      if (target.upgrade !== null && isUpgradeDue(number))
        await target.upgrade().catch((error: unknown) => load.fail('upgrade', String(error)));
    }
    await load.stop();
    const { rate: used, failures, failed, sent, downloads, messages } = load;
    return { ...{ peer, language, ends, rate: used, failures, failed, sent, downloads, messages }, readyToTraffic };
  } finally {
    await load.stop();
    await target.stop();
    running = null;
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Upgrades follow deployments at equal distances. */
function isUpgradeDue(number: number): boolean {
  return Math.floor((number * upgrades) / deploys) > Math.floor(((number - 1) * upgrades) / deploys);
}

/** Returns the time from the moment at which the release was ready to its first response; null: it is not known. */
async function deploy(target: DeployTarget, load: SteadyLoad, version: string): Promise<number | null> {
  try {
    const ready = await target.deploy(version);
    await until(`${version} answers`, async () => load.firstAnswers.has(version));
    const firstAt = load.firstAnswers.get(version) ?? 0;
    process.stderr.write(`${version} is in force\n`);
    const before = ready.filter((at) => at <= firstAt + 1);
    if (before.length > 0) return Math.max(0, firstAt - Math.max(...before));
    await sleep(restMs);
  } catch (error) {
    load.fail('deployment', String(error));
  }
  return null;
}
