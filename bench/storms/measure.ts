import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { SeededRandom } from '../../src/testing/seeded-random.ts';
import { percentile } from '../latency-summary.ts';
import { stop } from '../processes.ts';
import { startGateway } from '../start-gateway.ts';
import { StormClient } from './client.ts';
import { gatewayPort, originPorts, type StormGateway, usualSetting } from './configurations.ts';
import { disagreementsNamedAt } from './disagreements.ts';
import { stormFigures } from './figures.ts';
import { stormGateway } from './gateways.ts';
import { closedLoad, type Load, openLoad, postShare } from './load.ts';
import { sampleMachine, whyNotQuiet } from './machine.ts';
import { Origins } from './origins.ts';
import type { StormRow } from './results.ts';
import { SlowClientsProcess } from './slow-clients-process.ts';
import type { Storm } from './storms.ts';

interface StormOptions {
  /** The folder of Candor's program. */
  readonly candor: string;
  readonly folder: string;
  /** The commit that is measured. */
  readonly revision: string;
  /** Instead of those of the storm. */
  readonly seconds: number | null;
  /** Multiplies the rate, for machines that are busy otherwise. */
  readonly scale: number;
  readonly seed: string;
  /** Whether this program is alone in its network, so that the kernel's counts are the gateway's. */
  readonly isAlone: boolean;
}

/** Requests before the storm, for a gateway that compiles its code while it runs. */
const warmUpS = 1.5;

/** One gateway in one storm. Everything that was started has ended then. */
export async function measureStorm(storm: Storm, name: StormGateway, options: StormOptions): Promise<StormRow> {
  const { scale, folder } = options;
  const places = storm.places === undefined ? null : Math.ceil(storm.places * scale);
  const setting = { ...usualSetting, ...storm, concurrency: storm.isTold === true ? places : null };
  const own = { tookMs: storm.tookMs ?? 20, concurrency: places ?? 1000, beyond: storm.beyond ?? 'wait', bootMs: 0 };
  const origins = await Origins.start(originPorts(setting).map((port) => ({ port, ...own })));
  try {
    const gatewayFolder = join(folder, storm.name, name);
    const pinned = await startGateway(stormGateway(name, setting, options.candor), null, gatewayFolder);
    await warmUp(storm, options);
    await origins.reset();
    const row = await weather(storm, name, options, origins);
    await stop(pinned);
    return row;
  } finally {
    await origins.stop();
  }
}

const readyMsMax = 30_000;

async function warmUp(storm: Storm, { scale }: StormOptions): Promise<void> {
  const client = new StormClient(gatewayPort);
  while ((await client.send('GET', 0)).result !== 'ok') {
    if (client.nowMs() > readyMsMax) throw new Error('the gateway has not passed on a request for 30 s');
    await sleep(100);
  }
  const usual = 'perSecond' in storm.load ? Math.min(storm.load.perSecond, 300) * scale : 200;
  const perSecond = storm.warmUpPerSecond === undefined ? usual : storm.warmUpPerSecond * scale;
  await openLoad(client, new SeededRandom('warm-up'), { perSecond, seconds: warmUpS, posts: postShare }).ended;
  client.close();
}

async function weather(storm: Storm, name: StormGateway, options: StormOptions, origins: Origins): Promise<StormRow> {
  const { scale, isAlone } = options;
  const seconds = options.seconds ?? storm.seconds;
  const slow =
    storm.slowClients === undefined
      ? null
      : await SlowClientsProcess.start(gatewayPort, Math.round(storm.slowClients * scale));
  const before = { machine: sampleMachine(), refused: refusedConnections(), at: Date.now() };
  const client = new StormClient(gatewayPort);
  const beganMs: number[] = [];
  let overMs: number | null = null;
  const load = loadOf(storm, client, seconds, options);
  const [outcomes] = await Promise.all([
    load.ended,
    storm.happens({
      origins,
      seconds,
      until: (ms) => sleep(Math.max(0, ms - client.nowMs())),
      begin: () => beganMs.push(client.nowMs()),
      over: () => (overMs = client.nowMs()),
    }),
  ]);
  const refused = isAlone ? refusedConnections() - before.refused : null;
  const disturbed = whyNotQuiet(
    before.machine,
    sampleMachine(),
    percentile(Float64Array.from(load.lateMs).sort(), 0.99),
  );
  client.close();
  const slowClients = slow === null ? null : await slow.stop();
  await origins.collect();
  const run = {
    ...{ outcomes, totals: origins.totals, seconds, beganMs, overMs, refusedConnections: refused, slowClients },
    ...{ truthful: storm.truthful, isOutage: storm.isOutage ?? false, origins: origins.count },
    namedAtMs: namedAtMs(storm, name, options, before.at),
  };
  const at = new Date(before.at).toISOString();
  return { at, revision: options.revision, scale, disturbed, ...stormFigures(storm.name, name, run) };
}

function loadOf(storm: Storm, client: StormClient, seconds: number, { scale, seed }: StormOptions): Load {
  const random = new SeededRandom(seed);
  const posts = storm.getsOnly === true ? 0 : postShare;
  if ('clients' in storm.load)
    return closedLoad(client, random, { clients: Math.round(storm.load.clients * scale), seconds, posts });
  return openLoad(client, random, { perSecond: storm.load.perSecond * scale, seconds, posts });
}

function namedAtMs(
  { name: storm, named }: Storm,
  name: StormGateway,
  { folder }: StormOptions,
  startedAt: number,
): number | 'never' | null {
  if (named === undefined || name !== 'candor') return null;
  const at = disagreementsNamedAt(join(folder, storm, name, 'said.log'), named);
  return at === 'never' ? at : at - startedAt;
}

/** Connections of this network that were refused so far (`AttemptFails` of /proc/net/snmp). */
function refusedConnections(): number {
  const [names = '', values = ''] = readFileSync('/proc/self/net/snmp', 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('Tcp: '));
  return Number(values.split(' ')[names.split(' ').indexOf('AttemptFails')]);
}
