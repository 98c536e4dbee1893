import { join } from 'node:path';
import type { Peer } from '../scripts/peers.ts';
import { repositoryRoot } from '../scripts/repository.ts';

/** A gateway before the origin, ready to be started. */
export interface Gateway {
  readonly name: string;
  readonly port: number;
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

type Program = Extract<Peer, { path: string }>;

export const originPort = 19_301;
const benchFolder = join(repositoryRoot, 'bench');

export function nginxOrigin(nginx: Program, folder: string): Gateway {
  return {
    name: 'origin',
    port: originPort,
    command: nginxCommand(nginx, folder, 'nginx-origin.conf', 'origin-error.log'),
    env: nginx.env,
  };
}

export function nginxGateway(nginx: Program, folder: string): Gateway {
  return {
    name: 'nginx',
    port: 19_302,
    command: nginxCommand(nginx, folder, 'nginx-gateway.conf', 'gateway-error.log'),
    env: nginx.env,
  };
}

/** `program` is the folder of an installed package, or the repository itself for unbuilt source. */
export function candorGateway(program: string, folder: string): Gateway {
  const command = [
    process.execPath,
    '--disable-sigusr1',
    join(program, 'bin', 'candor'),
    'up',
    '-c',
    join(benchFolder, 'candor.yaml'),
  ];
  return { name: 'candor', port: 19_303, command, env: { BENCH_FOLDER: folder } };
}

export function relay(): Gateway {
  return { name: 'relay', port: 19_303, command: [process.execPath, join(benchFolder, 'relay.ts')], env: {} };
}

function nginxCommand(nginx: Program, folder: string, configuration: string, errorLog: string): readonly string[] {
  return [nginx.path, '-p', folder, '-e', join(folder, errorLog), '-c', join(benchFolder, configuration)];
}
