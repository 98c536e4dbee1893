import { execFileSync, spawnSync } from 'node:child_process';
import { availableParallelism, cpus, release } from 'node:os';
import { type Peer, type PeerName, findPeer } from '../scripts/peers.ts';
import { repositoryRoot } from '../scripts/repository.ts';
import type { GatewayName } from './gateways.ts';
import type { RunLength } from './measure-works.ts';
import { packages } from './tools.ts';

/** The circumstances that a reader needs to interpret the figures. */
export function circumstancesOf(
  names: readonly GatewayName[],
  { rounds, seconds, latencySeconds }: RunLength,
  isSource: boolean,
): Record<string, string> {
  return {
    date: new Date().toISOString().slice(0, 10),
    machine: machineText(),
    Candor: `${revision()}, ${isSource ? 'unbuilt source' : 'the installed tarball'}, Node ${process.version}`,
    others: versionsOf(names).join(', '),
    rounds: `${rounds} of ${seconds} s, at a fixed rate of ${latencySeconds} s`,
  };
}

export function machineText(): string {
  return `${cpus()[0]?.model ?? 'unknown processor'}, ${availableParallelism()} cores, Linux ${release()}`;
}

export function revision(): string {
  return execFileSync('git', ['describe', '--always', '--dirty'], { cwd: repositoryRoot, encoding: 'utf8' }).trim();
}

/** nginx is always started: it is the origin too. */
export function versionsOf(names: readonly GatewayName[]): string[] {
  const versions = [`nginx ${versionOf('nginx', '-v')}`];
  if (names.includes('haproxy')) versions.push(`HAProxy ${versionOf('haproxy', '-v')}`);
  if (names.includes('caddy')) versions.push(`Caddy ${versionOf('caddy', 'version')}`);
  if (names.includes('apache')) versions.push(`Apache ${versionOf('apache2', '-v')}`);
  if (names.includes('http-proxy') || names.includes('fastify')) versions.push(...packages);
  return versions;
}

function versionOf(name: PeerName, word: string): string {
  const peer: Peer = findPeer(name);
  if ('missing' in peer) return 'not here';
  const ran = spawnSync(peer.path, [word], { encoding: 'utf8', env: { ...process.env, ...peer.env } });
  return /(\d+\.\d+(?:\.\d+)?)/.exec(`${ran.stdout}${ran.stderr}`)?.[1] ?? 'of unknown version';
}
