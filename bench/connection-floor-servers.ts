import { join } from 'node:path';
import { repositoryRoot } from '../scripts/repository.ts';
import { gatewayCore } from './cores.ts';
import { candorGateway, certificateFiles, type Gateway, nginxGateway, nginxPage } from './gateways.ts';
import { benchPort } from './ports.ts';
import type { Pinned } from './processes.ts';
import { startGateway } from './start-gateway.ts';
import type { Program } from './tools.ts';
import { type Setting, settings } from './works.ts';

/** A server that is measured: it answers by itself, or it is a gateway. */
export interface Server {
  readonly title: string;
  readonly port: number;
  readonly pinned: Pinned;
}

type Titled = readonly [title: string, gateway: Gateway];

export async function startServers(nginx: Program, isTls: boolean, folder: string): Promise<Server[]> {
  const servers: Server[] = [];
  for (const [title, gateway] of isTls ? tlsServers(nginx) : plainServers(nginx)) {
    const own = join(folder, String(gateway.port));
    servers.push({ title, port: gateway.port, pinned: await startGateway(gateway, gatewayCore, own) });
  }
  return servers;
}

/** The row that every other one of its table is divided by. */
export const nginxGatewayTitle = 'nginx, to an endpoint';

function plainServers(nginx: Program): readonly Titled[] {
  return [
    ['nginx, its own answer', nginxPage(nginx, benchPort(15), settings.plain)],
    ['Node on handles, its own answer', nodePage('handle', benchPort(16), settings.plain)],
    ['Node on sockets, its own answer', nodePage('socket', benchPort(17), settings.plain)],
    ...gateways(nginx, settings.plain),
  ];
}

function tlsServers(nginx: Program): readonly Titled[] {
  return [
    ['nginx, its own answer', nginxPage(nginx, benchPort(15), settings.tls)],
    ['Node tls.Server, its own answer', nodePage('tls-socket', benchPort(17), settings.tls)],
    ["Candor's transport, its own answer", nodePage('tls-transport', benchPort(16), settings.tls)],
    ...gateways(nginx, settings.tls),
  ];
}

function gateways(nginx: Program, setting: Setting): readonly Titled[] {
  return [
    [nginxGatewayTitle, nginxGateway(nginx, setting, false)],
    ['Candor, to an endpoint', candorGateway(repositoryRoot, setting)],
  ];
}

/** A program that answers requests on Node without doing anything else. */
function nodePage(mode: 'handle' | 'socket' | 'tls-socket' | 'tls-transport', port: number, setting: Setting): Gateway {
  const program = join(repositoryRoot, 'bench', 'connection-floor-server.ts');
  const command = [process.execPath, '--single-threaded-gc', program, mode, String(port)];
  return { name: 'relay', port, command, env: {}, files: certificateFiles(setting) };
}
