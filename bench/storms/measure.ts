import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { SeededRandom } from '../../src/testing/seeded-random.ts';
import { stop } from '../processes.ts';
import { startGateway } from '../start-gateway.ts';
import { StormClient } from './client.ts';
import { type StormFigures, stormFigures } from './figures.ts';
import { gatewayPort, originPorts, type StormGateway, stormGateway } from './gateways.ts';
import { closedLoad, openLoad } from './load.ts';
import { Origins } from './origins.ts';
import type { Storm } from './storms.ts';

export interface StormOptions {
  /** The folder of Candor's program. */
  readonly candor: string;
  readonly folder: string;
  /** Instead of those of the storm. */
  readonly seconds: number | null;
  /** Multiplies the rate, for machines that are busy otherwise. */
  readonly scale: number;
  readonly seed: string;
  /** Whether this program is alone in its network, so that the kernel's counts are the gateway's. */
  readonly isAlone: boolean;
}

const usual = { endpoints: 3, concurrency: null, retriesStatus500: false, attemptTimeoutMs: 2000 };

/** Requests before the storm, for a gateway that compiles its code while it runs. */
const warmUpS = 2;

/** One gateway in one storm. Everything that was started has ended then. */
export async function measureStorm(storm: Storm, name: StormGateway, options: StormOptions): Promise<StormFigures> {
  const concurrency = storm.concurrency === undefined ? null : Math.ceil(storm.concurrency * options.scale);
  const setting = { ...usual, ...storm, concurrency };
  const own = { tookMs: storm.tookMs ?? 20, concurrency: concurrency ?? 1000, bootMs: 0 };
  const origins = await Origins.start(originPorts(setting).map((port) => ({ port, ...own })));
  try {
    const gateway = stormGateway(name, setting, options.candor);
    const pinned = await startGateway(gateway, null, join(options.folder, storm.name, name));
    await warmUp(storm, options);
    await origins.reset();
    const figures = await weather(storm, name, options, origins);
    await stop(pinned);
    return figures;
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
  const perSecond = 'perSecond' in storm.load ? Math.min(storm.load.perSecond, 300) * scale : 200;
  await openLoad(client, new SeededRandom('warm-up'), { perSecond, seconds: warmUpS }).ended;
  client.close();
}

async function weather(
  storm: Storm,
  name: StormGateway,
  options: StormOptions,
  origins: Origins,
): Promise<StormFigures> {
  const seconds = options.seconds ?? storm.seconds;
  const slow = storm.slowClients === undefined ? null : await startSlow(Math.round(storm.slowClients * options.scale));
  const refusedBefore = refusedConnections();
  const client = new StormClient(gatewayPort);
  const beganMs: number[] = [];
  let overMs: number | null = null;
  const random = new SeededRandom(options.seed);
  const load =
    'clients' in storm.load
      ? closedLoad(client, random, { clients: Math.round(storm.load.clients * options.scale), seconds })
      : openLoad(client, random, { perSecond: storm.load.perSecond * options.scale, seconds });
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
  const refused = options.isAlone ? refusedConnections() - refusedBefore : null;
  client.close();
  if (slow !== null) await stopSlow(slow);
  await origins.collect();
  const { totals } = origins;
  const { truthful, isOutage = false } = storm;
  const run = { outcomes, totals, seconds, beganMs, overMs, refusedConnections: refused, truthful, isOutage };
  return stormFigures(storm.name, name, run);
}

async function startSlow(count: number): Promise<ChildProcess> {
  const child = fork(new URL('slow-clients.ts', import.meta.url), [String(gatewayPort), String(count)]);
  // A gateway that does not take them all is measured too.
  await Promise.race([once(child, 'message'), sleep(10_000, null, { ref: false })]);
  return child;
}

async function stopSlow(child: ChildProcess): Promise<void> {
  const exited = once(child, 'exit');
  child.kill();
  await exited;
}

/** Connections of this network that were refused so far (`AttemptFails` of /proc/net/snmp). */
function refusedConnections(): number {
  const [names = '', values = ''] = readFileSync('/proc/self/net/snmp', 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('Tcp: '));
  return Number(values.split(' ')[names.split(' ').indexOf('AttemptFails')]);
}
