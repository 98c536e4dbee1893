import { existsSync } from 'node:fs';
import { connect } from 'node:net';
import { join, resolve } from 'node:path';
import { commandName } from './command-name.ts';
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
  const named = await namedSocket(choice, around);
  if (named !== null) return named;
  const living = await livingSockets(around);
  const [only, ...others] = living;
  if (only !== undefined && others.length === 0) return only;
  throw only === undefined
    ? new CommandFailure('gateway_unreachable', nobodyText(foldersToSearch(around), around))
    : new CommandFailure(
        'usage',
        `Several gateways run here. Say which one is meant:\n${living.map((path) => `  --socket ${path}`).join('\n')}`,
      );
}

/** As `findSocket`, for what may be asked of several: every gateway that runs here, where none is named. */
export async function findSockets(choice: SocketChoice, around: Surroundings): Promise<readonly string[]> {
  const named = await namedSocket(choice, around);
  if (named !== null) return [named];
  const living = await livingSockets(around);
  if (living.length > 0) return living;
  throw new CommandFailure('gateway_unreachable', nobodyText(foldersToSearch(around), around));
}

async function namedSocket(choice: SocketChoice, around: Surroundings): Promise<string | null> {
  if (choice.socket !== undefined) return resolve(around.directory, choice.socket);
  if (choice.config !== undefined) return socketOfConfiguration(choice.config, around);
  if (!existsSync(join(around.directory, 'candor.yaml'))) return null;
  const path = await socketOfConfiguration('candor.yaml', around).catch(() => null);
  return path !== null && (await answers(path)) ? path : null;
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

function foldersToSearch(around: Surroundings): string[] {
  return [...runtimeFolders(around.env), around.directory];
}

async function livingSockets(around: Surroundings): Promise<string[]> {
  const living: string[] = [];
  for (const path of socketsIn(foldersToSearch(around))) if (await answers(path)) living.push(path);
  return living;
}

function nobodyText(folders: readonly string[], around: Surroundings): string {
  const command = commandName(around.env);
  return (
    `No running gateway was found. Looked for an admin socket in ${folders.join(', ')}. ` +
    `Start one with \`${command} up -c candor.yaml\`, or say where it is with -c <file> or --socket <path>.`
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
