import { existsSync } from 'node:fs';
import { connect } from 'node:net';
import { join, resolve } from 'node:path';
import { readConfiguration } from './read-configuration.ts';
import { runtimeFolders, socketsIn } from './runtime-folder.ts';
import { CommandFailure, type Surroundings } from './surroundings.ts';

export interface SocketChoice {
  /** Path of the socket itself. */
  readonly socket?: string | undefined;
  /** Path of the configuration whose `admin.socket` is meant. */
  readonly config?: string | undefined;
}

/**
 * The admin socket that a command means: the one it names, the one of the configuration it names, the one of
 * candor.yaml here, or the only one in the runtime folders behind which somebody answers.
 */
export async function findSocket(choice: SocketChoice, around: Surroundings): Promise<string> {
  if (choice.socket !== undefined) return resolve(around.directory, choice.socket);
  if (choice.config !== undefined) return socketOfConfiguration(choice.config, around);
  if (existsSync(join(around.directory, 'candor.yaml'))) {
    const path = await socketOfConfiguration('candor.yaml', around).catch(() => null);
    if (path !== null && (await answers(path))) return path;
  }
  return onlyRunning(around);
}

async function socketOfConfiguration(file: string, around: Surroundings): Promise<string> {
  const { configuration } = await readConfiguration(file, around);
  if (configuration === null)
    throw new CommandFailure('validation_failed', `${file} has mistakes. \`candor check -c ${file}\` shows them.`);
  if (configuration.admin.socket === null)
    throw new CommandFailure(
      'gateway_unreachable',
      `${file} says \`admin.socket: none\`, so its gateway cannot be asked.`,
    );
  return configuration.admin.socket;
}

async function onlyRunning(around: Surroundings): Promise<string> {
  const folders = [...runtimeFolders(around.env), around.directory];
  const candidates = socketsIn(folders);
  const living: string[] = [];
  for (const path of candidates) if (await answers(path)) living.push(path);
  const [only, ...others] = living;
  if (only === undefined) throw new CommandFailure('gateway_unreachable', nobodyText(folders));
  if (others.length === 0) return only;
  throw new CommandFailure(
    'usage',
    `Several gateways run here. Say which one is meant:\n${living.map((path) => `  --socket ${path}`).join('\n')}`,
  );
}

function nobodyText(folders: readonly string[]): string {
  return (
    `No running gateway was found. Looked for an admin socket in ${folders.join(', ')}. ` +
    'Start one with `candor up -c candor.yaml`, or say where it is with -c <file> or --socket <path>.'
  );
}

/** Whether somebody listens at a socket. */
function answers(path: string): Promise<boolean> {
  return new Promise((done) => {
    const socket = connect({ path });
    socket.once('connect', () => {
      socket.destroy();
      done(true);
    });
    socket.once('error', () => done(false));
  });
}
