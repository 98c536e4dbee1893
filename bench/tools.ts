import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { packAndInstall } from '../scripts/pack.ts';
import { type Peer, type PeerName, preparePeer } from '../scripts/peers.ts';
import { cacheFolder, repositoryRoot } from '../scripts/repository.ts';
import * as kinds from './gateways.ts';
import type { Gateway, GatewayName } from './gateways.ts';
import { benchPort } from './ports.ts';
import type { Setting } from './works.ts';

export type Program = Extract<Peer, { path: string }>;

/** Creates a gateway with a setting. */
export type GatewayFactory = (setting: Setting) => Gateway;

/** The programs and folders of a measurement. */
export interface Tools {
  readonly nginx: Program;
  readonly wrk: Program;
  /** The gateways among the requested ones. */
  readonly factories: ReadonlyMap<GatewayName, GatewayFactory>;
  /** The folder of the installed package, or the repository. */
  readonly candor: string;
  /** The folder in which every started program has its own folder. */
  readonly folder: string;
}

/** Exact versions, installed into their own folder: they are rivals and not dependencies. */
export const packages = ['http-proxy@1.18.1', 'fastify@5.6.1', '@fastify/http-proxy@11.3.0'];

/** Fetches and installs the missing programs. Throws if one is not available. */
export function prepareTools(names: readonly GatewayName[], folder: string, isSource: boolean): Tools {
  const nginx = needPeer('nginx');
  const candor = isSource ? repositoryRoot : installTarball();
  const makers: Readonly<Record<GatewayName, () => GatewayFactory>> = {
    candor: () => (setting) => kinds.candorGateway(candor, setting, { log: 'amortized' }),
    'candor-no-rotation': () => (setting) =>
      kinds.candorGateway(candor, setting, { log: 'unrotated', name: 'candor-no-rotation', port: benchPort(13) }),
    'candor-no-log': () => (setting) =>
      kinds.candorGateway(candor, setting, { log: 'none', name: 'candor-no-log', port: benchPort(14) }),
    nginx: () => (setting) => kinds.nginxGateway(nginx, setting, false),
    'nginx-buffered': () => (setting) => kinds.nginxGateway(nginx, setting, true),
    haproxy: () => withPeer('haproxy', kinds.haproxyGateway),
    caddy: () => withPeer('caddy', kinds.caddyGateway),
    apache: () => withPeer('apache2', kinds.apacheGateway),
    'http-proxy': () => withPackages('http-proxy'),
    fastify: () => withPackages('fastify'),
    relay: () => () => kinds.relay(),
  };
  const factories = new Map(names.map((name) => [name, makers[name]()]));
  return { nginx, wrk: needPeer('wrk'), factories, candor, folder };
}

export function needPeer(name: PeerName): Program {
  const peer = preparePeer(name, console.error);
  if ('missing' in peer) throw new Error(peer.missing);
  return peer;
}

function withPeer(name: PeerName, gateway: (peer: Program, setting: Setting) => Gateway): GatewayFactory {
  const peer = needPeer(name);
  return (setting) => gateway(peer, setting);
}

function withPackages(name: 'http-proxy' | 'fastify'): GatewayFactory {
  const folder = installPackages('npm', packages);
  return () => kinds.npmGateway(name, folder);
}

/** Returns the folder of that name below `.cache/bench`, with the packages in it. */
export function installPackages(name: string, wanted: readonly string[]): string {
  const folder = join(cacheFolder, 'bench', name);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{ "private": true }\n');
  const ran = spawnSync('npm', ['install', '--no-audit', '--no-fund', '--ignore-scripts', ...wanted], {
    cwd: folder,
    encoding: 'utf8',
  });
  if (ran.status !== 0) throw new Error(`npm could not install ${wanted.join(', ')}: ${ran.stderr.slice(-300)}`);
  return folder;
}

function installTarball(): string {
  const installed = packAndInstall(join(cacheFolder, 'bench', 'package'));
  if ('failure' in installed) throw new Error(installed.failure);
  return installed.folder;
}
