import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, release } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { packAndInstall } from '../scripts/pack.ts';
import { type Peer, type PeerName, preparePeer } from '../scripts/peers.ts';
import { cacheFolder, repositoryRoot } from '../scripts/repository.ts';
import { candorGateway, type Gateway, nginxGateway, nginxOrigin, relay } from './gateways.ts';
import { load } from './load.ts';
import { accepts, cpuMicroseconds, type Pinned, startPinned, stopAll, waitForPort } from './processes.ts';
import { type Measurement, type Row, rowText, summarise, writeReadme } from './report.ts';

/** Measures Candor against Debian's nginx. `bench/README.md` says what, how, and the last figures. */

const gatewayCore = 0;
const loadCore = 1;

const { values: options } = parseArgs({
  options: {
    source: { type: 'boolean', default: false },
    relay: { type: 'boolean', default: false },
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '3' },
    json: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
  },
});

try {
  await bench();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
} finally {
  await stopAll();
}

async function bench(): Promise<void> {
  if (availableParallelism() < 2) throw new Error('two cores are needed: one for the gateway, one for load and origin');
  const nginx = need('nginx');
  const wrk = need('wrk');
  const folder = join(cacheFolder, 'bench', 'run');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });

  const ours = options.relay ? relay() : candorGateway(options.source ? repositoryRoot : installTarball(), folder);
  await start(nginxOrigin(nginx, folder), loadCore, folder);
  const started = new Map<Gateway, Pinned>();
  for (const gateway of [nginxGateway(nginx, folder), ours])
    started.set(gateway, await start(gateway, gatewayCore, folder));

  // The first seconds are the compiler's, and the connections'.
  for (const gateway of started.keys()) load(wrk, gateway.port, loadCore, 2);
  const rounds: Measurement[] = [];
  for (let round = 1; round <= Number(options.rounds); round++) {
    for (const [gateway, { pid }] of started) {
      const measured = measure(wrk, gateway, pid, round);
      rounds.push(measured);
      if (!options.json)
        console.log(
          `round ${round}: ${gateway.name} ${measured.cpuMicroseconds.toFixed(1)} µs, ${Math.round(measured.perSecond)}/s`,
        );
    }
  }
  tell(summarise('small GET', ours.name, 'nginx', rounds), nginx, rounds);
}

function measure(wrk: Extract<Peer, { path: string }>, gateway: Gateway, pid: number, round: number): Measurement {
  const before = cpuMicroseconds(pid);
  const result = load(wrk, gateway.port, loadCore, Number(options.seconds));
  const spent = cpuMicroseconds(pid) - before;
  if (result.failures > 0)
    throw new Error(`${gateway.name} failed ${result.failures} of ${result.requests} requests: nothing was measured`);
  const { perSecond, p50Ms, p99Ms } = result;
  return { gateway: gateway.name, round, cpuMicroseconds: spent / result.requests, perSecond, p50Ms, p99Ms };
}

function tell(row: Row, nginx: Extract<Peer, { path: string }>, rounds: readonly Measurement[]): void {
  const circumstances = {
    date: new Date().toISOString().slice(0, 10),
    machine: `${cpus()[0]?.model ?? 'unknown processor'}, ${availableParallelism()} cores, Linux ${release()}`,
    node: process.version,
    nginx: nginxVersion(nginx),
    candor: options.relay ? 'a bare relay in its place' : options.source ? 'unbuilt source' : 'the installed tarball',
    rounds: `${options.rounds} rounds of ${options.seconds} s`,
  };
  if (options.json) console.log(JSON.stringify({ circumstances, row, rounds }, null, 2));
  else console.log(rowText(row));
  if (options.write) writeFileSync(join(repositoryRoot, 'bench', 'README.md'), writeReadme(circumstances, [row]));
}

function need(name: PeerName): Extract<Peer, { path: string }> {
  const peer = preparePeer(name, console.error);
  if ('missing' in peer) throw new Error(peer.missing);
  return peer;
}

function installTarball(): string {
  const installed = packAndInstall(join(cacheFolder, 'bench', 'package'));
  if ('failure' in installed) throw new Error(installed.failure);
  return installed.folder;
}

async function start(gateway: Gateway, core: number, folder: string): Promise<Pinned> {
  if (await accepts(gateway.port))
    throw new Error(`port ${gateway.port}, where ${gateway.name} is to listen, is taken`);
  const started = startPinned(core, gateway.command, gateway.env, folder);
  await waitForPort(gateway.port, started, gateway.name);
  return started;
}

/** nginx says its version on standard error. */
function nginxVersion({ path, env }: Extract<Peer, { path: string }>): string {
  const said = execFileSync('/bin/sh', ['-c', '"$0" -v 2>&1', path], {
    env: { ...process.env, ...env },
    encoding: 'utf8',
  });
  return /nginx\/(\S+)/.exec(said)?.[1] ?? 'of unknown version';
}
