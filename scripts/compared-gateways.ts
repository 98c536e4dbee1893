import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type Peer, type PeerName, preparePeer } from './peers.ts';
import { repositoryRoot } from './repository.ts';

// The compared gateways, each with its configuration in docs/torture/. They are not installed. Everything listens
// on 127.0.0.1 and is stopped by its process id.

export type GatewayName = Extract<PeerName, 'nginx' | 'haproxy' | 'caddy' | 'apache2'> | 'candor';

interface GatewaySpec {
  readonly title: string;
  /** The name of its configuration's file. */
  readonly file: string;
  readonly args: readonly string[];
  readonly versionArgs: readonly string[];
  readonly version: RegExp;
}

export const gateways: Readonly<Record<GatewayName, GatewaySpec>> = {
  candor: {
    title: 'Candor',
    file: 'candor.yaml',
    args: [join(repositoryRoot, 'bin', 'candor'), 'up', '-c', 'candor.yaml'],
    versionArgs: [join(repositoryRoot, 'bin', 'candor'), 'version'],
    version: /candor (\S+)/,
  },
  nginx: {
    title: 'nginx',
    file: 'nginx.conf',
    args: ['-p', '.', '-c', 'nginx.conf', '-g', 'daemon off;'],
    versionArgs: ['-v'],
    version: /nginx\/(\S+)/,
  },
  haproxy: {
    title: 'HAProxy',
    file: 'haproxy.cfg',
    args: ['-f', 'haproxy.cfg'],
    versionArgs: ['-v'],
    version: /version ([\d.]+)/,
  },
  caddy: {
    title: 'Caddy',
    file: 'Caddyfile',
    args: ['run', '--config', 'Caddyfile', '--adapter', 'caddyfile'],
    versionArgs: ['version'],
    version: /v?(\d[\d.]*)/,
  },
  apache2: {
    title: 'Apache',
    file: 'httpd.conf',
    args: ['-d', '.', '-f', 'httpd.conf', '-DFOREGROUND'],
    versionArgs: ['-v'],
    version: /Apache\/(\S+)/,
  },
};

/** Ports of the gateways and the torture origin in these configurations, and here, where they must not collide with the usual ones. */
export const gatewayPort = { shown: 8080, here: 18_080 };
export const originPort = { shown: 9400, here: 19_400 };

/** A running gateway. */
interface RunningGateway {
  readonly name: GatewayName;
  readonly title: string;
  readonly version: string;
  readonly configuration: string;
  stop(): Promise<void>;
}

/** A gateway whose configuration is written, and which is not started yet. */
interface PreparedGateway extends RunningGateway {
  readonly folder: string;
  start(): void;
  /** Its output. */
  output(): string;
}

/** Null if the gateway is not available, which is printed. `change` edits its configuration. */
export async function prepareGateway(
  name: GatewayName,
  change: (configuration: string) => string = (shown) => shown,
): Promise<PreparedGateway | null> {
  const program = name === 'candor' ? { path: process.execPath, env: {} } : preparePeer(name, console.log);
  if ('missing' in program) return printLine(program.missing);
  const spec = gateways[name];
  if (await isTaken(gatewayPort.here))
    return printLine(`Something listens at port ${gatewayPort.here} already; it would be judged instead.`);
  const folder = mkdtempSync(join(tmpdir(), `candor-compare-${name}-`));
  const configuration = readFileSync(join(repositoryRoot, 'docs', 'torture', spec.file), 'utf8');
  writeFileSync(join(folder, spec.file), fitHere(change(configuration), program));
  let child: ChildProcess | null = null;
  return {
    name,
    title: spec.title,
    version: versionOf(program, spec),
    configuration,
    folder,
    start: () => {
      child = start(program, spec.args, folder);
    },
    output: () => readFileSync(join(folder, 'output'), 'utf8'),
    stop: async () => {
      if (child !== null) await stop(child);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Whether a program listens at the port of a gateway. */
async function isTaken(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  const answered = await new Promise<boolean>((resolve) => {
    socket.once('connect', () => resolve(true));
    socket.once('error', () => resolve(false));
  });
  socket.destroy();
  return answered;
}

export function printLine(line: string): null {
  console.error(line);
  return null;
}

/** Changes the ports to those of this run, and the modules to those of an Apache that is unpacked but not installed. */
function fitHere(configuration: string, program: Extract<Peer, { path: string }>): string {
  const modules = join(dirname(program.path), '..', 'lib', 'apache2', 'modules');
  return configuration
    .replaceAll(`:${gatewayPort.shown}`, `:${gatewayPort.here}`)
    .replace(/:94(\d\d)\b/g, (_, last: string) => `:${originPort.here + Number(last)}`)
    .replaceAll('/usr/lib/apache2/modules', modules);
}

function start(program: Extract<Peer, { path: string }>, args: readonly string[], folder: string): ChildProcess {
  const output = openSync(join(folder, 'output'), 'w');
  // nginx runs as a user other than root if it can, and writes buffers beside its configuration. Candor refuses a folder for
  // its admin socket that every user can write.
  if (program.path !== process.execPath) spawnSync('chmod', ['777', folder]);
  const child = spawn(program.path, args, {
    cwd: folder,
    env: { ...process.env, ...program.env, HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder },
    stdio: ['ignore', output, output],
  });
  process.once('exit', () => child.kill('SIGTERM'));
  return child;
}

function versionOf(program: Extract<Peer, { path: string }>, { versionArgs, version }: GatewaySpec): string {
  const ran = spawnSync(program.path, versionArgs, { encoding: 'utf8', env: { ...process.env, ...program.env } });
  return version.exec(ran.stdout + ran.stderr)?.[1] ?? 'unknown';
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  const kill = setTimeout(() => child.kill('SIGKILL'), 5000);
  await ended;
  clearTimeout(kill);
}
