import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { cacheFolder, repositoryRoot } from '../scripts/repository.ts';
import { gatewayCore, loadCore } from './cores.ts';
import {
  collectorPort,
  echoPort,
  fastCgiPort,
  type Gateway,
  type GatewayName,
  grpcPort,
  nginxOrigin,
  originPort,
} from './gateways.ts';
import { accepts, type Pinned, startPinned, waitForPort } from './processes.ts';
import type { Program, Tools, GatewayFactory } from './tools.ts';
import type { Setting } from './works.ts';

export interface Started {
  readonly gateway: Gateway;
  readonly pinned: Pinned;
}

/** Starts a gateway in a folder of its own, which is emptied first. Resolves when it listens. Without a core it may use all. */
export async function startGateway(gateway: Gateway, core: number | null, own: string): Promise<Pinned> {
  if (await accepts(gateway.port))
    throw new Error(`port ${gateway.port}, where ${gateway.name} is to listen, is taken`);
  rmSync(own, { recursive: true, force: true });
  mkdirSync(join(own, 'tmp'), { recursive: true });
  for (const [name, text] of Object.entries(gateway.files)) {
    mkdirSync(dirname(join(own, name)), { recursive: true });
    writeFileSync(join(own, name), text);
  }
  const started = startPinned(core, gateway.command, gateway.env, own);
  await waitForPort(gateway.port, started, gateway.name);
  return started;
}

/** And FastCGI. */
const servesFiles = /^(?:candor|nginx|caddy)/;

/** Starts all requested gateways that can do it, on the gateways' core. */
export async function startAll({ factories, folder }: Tools, setting: Setting): Promise<Started[]> {
  const started: Started[] = [];
  for (const [name, factory] of factories) {
    if ((setting.files === true || setting.fastcgi !== undefined) && !servesFiles.test(name)) continue;
    const gateway = factory(setting);
    started.push({ gateway, pinned: await startGateway(gateway, gatewayCore, join(folder, gateway.name)) });
  }
  return started;
}

export function factoryOf({ factories }: Tools, name: GatewayName): GatewayFactory {
  return factories.get(name) as GatewayFactory;
}

/** The folder of a measurement that uses these ports. */
export function runFolder(name: string): string {
  return join(cacheFolder, 'bench', `${name}-${originPort}`);
}

/** Throws if another measurement runs on this machine: it would lose its folders, and both would have wrong figures. */
export async function needNoOther(): Promise<void> {
  if (await accepts(originPort))
    throw new Error(`port ${originPort} is taken, where the origin is to listen: is another measurement running?`);
}

/** Starts the origins of every gateway, on the core of the load: nginx, and programs for WebSocket messages and gRPC calls. */
export async function startOrigins(nginx: Program, folder: string): Promise<void> {
  await startGateway(nginxOrigin(nginx), loadCore, join(folder, 'origin'));
  await startProgram('echo-origin.ts', echoPort, folder);
  await startProgram('grpc-origin.ts', grpcPort, folder);
  await startProgram('fastcgi-origin.ts', fastCgiPort, folder);
}

/** Starts a receiver of OTLP on the core of the load. Returns its URL. */
export async function startCollector(folder: string): Promise<string> {
  await startProgram('otlp-receiver.ts', collectorPort, folder);
  return `http://127.0.0.1:${collectorPort}`;
}

async function startProgram(file: string, port: number, folder: string): Promise<void> {
  const command = [process.execPath, join(repositoryRoot, 'bench', file)];
  await waitForPort(port, startPinned(loadCore, command, {}, folder), file);
}
