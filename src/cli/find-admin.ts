import { accessSync, constants, existsSync } from 'node:fs';
import { connect } from 'node:net';
import { dirname, join, resolve } from 'node:path';
import { adminSocketCandidates, adminSocketsElsewhere, serviceFolder } from '../config/admin-socket.ts';
import type { Configuration } from '../core/configuration.ts';
import { hostPort } from '../core/endpoint.ts';
import type { AdminPlace } from './admin-place.ts';
import { readToken } from './admin-token.ts';
import { privateSockets } from './fit-places.ts';
import { commandName } from './command-name.ts';
import { readConfiguration } from './read-configuration.ts';
import { objectionTo, runtimeFolders, socketsIn } from './runtime-folder.ts';
import { CommandFailure, type Surroundings } from './surroundings.ts';

export interface AdminChoice {
  /** Where its admin API listens over TCP. */
  readonly admin?: string | undefined;
  /** Path of the file with the token for it. */
  readonly tokenFile?: string | undefined;
  /** Path of the socket itself. */
  readonly socket?: string | undefined;
  /** Path of the configuration whose `admin` is meant. */
  readonly config?: string | undefined;
}

/**
 * The gateway that a command means: the one it names by address, socket or configuration, the one of CANDOR_ADMIN, the
 * one of candor.yaml here, or the only one in the runtime folders behind whose socket somebody answers.
 */
export async function findAdmin(choice: AdminChoice, around: Surroundings): Promise<AdminPlace> {
  const named = await namedPlace(choice, around);
  if (named !== null) return named;
  const living = await livingSockets(around);
  const [only, ...others] = living;
  if (only !== undefined && others.length === 0) return { kind: 'socket', path: only };
  throw only === undefined
    ? nobodyFound(around)
    : new CommandFailure(
        'usage',
        `Several gateways run here. Say which one is meant:\n${living.map((path) => `  --socket ${path}`).join('\n')}`,
      );
}

/** As `findAdmin`, for what may be asked of several: every gateway that runs here, where none is named. */
export async function findAdmins(choice: AdminChoice, around: Surroundings): Promise<readonly AdminPlace[]> {
  const named = await namedPlace(choice, around);
  if (named !== null) return [named];
  const living = await livingSockets(around);
  if (living.length > 0) return living.map((path) => ({ kind: 'socket', path }));
  throw nobodyFound(around);
}

async function namedPlace(choice: AdminChoice, around: Surroundings): Promise<AdminPlace | null> {
  const { admin, socket, config, tokenFile } = choice;
  if (admin !== undefined) return placeAt(admin, '--admin', tokenFile, around);
  if (socket !== undefined) return { kind: 'socket', path: resolve(around.directory, socket) };
  if (config !== undefined) return placeOfConfiguration(config, tokenFile, around);
  const variable = around.env['CANDOR_ADMIN'] ?? '';
  if (variable !== '') return placeAt(variable, 'CANDOR_ADMIN', tokenFile, around);
  if (!existsSync(join(around.directory, 'candor.yaml'))) return null;
  const paths = await socketsOf('candor.yaml', around).catch(() => []);
  const path = await firstWith('somebody', paths);
  return path === null ? null : { kind: 'socket', path };
}

/** A token goes nowhere but to an origin that somebody has written down. */
function placeAt(text: string, where: string, tokenFile: string | undefined, around: Surroundings): AdminPlace {
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol) || url.href !== `${url.origin}/`)
    throw new CommandFailure('usage', `${where} is http://host:port, or https where TLS is ended before the gateway.`);
  const token = readToken(tokenFile, around);
  if (url.protocol === 'http:' && !isLoopback(url.hostname))
    around.stderr.write(`The token goes to ${url.host} without TLS: whoever is on the way can read it.\n`);
  return { kind: 'url', url, token };
}

function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127(?:\.\d+){3}$/.test(hostname);
}

async function placeOfConfiguration(
  file: string,
  tokenFile: string | undefined,
  around: Surroundings,
): Promise<AdminPlace> {
  const { listen } = (await configurationOf(file, around)).admin;
  const paths = await socketsOf(file, around);
  const [first] = paths;
  if (first !== undefined) {
    const path = (await firstWith('somebody', paths)) ?? (await firstWith('not_permitted', paths));
    const objection = (await passedOver(file, around))[0];
    if (path === null && objection !== undefined) throw new CommandFailure('gateway_unreachable', objection);
    return { kind: 'socket', path: path ?? first };
  }
  if (listen !== null) return placeAt(`http://${reachable(listen)}`, 'admin.listen', tokenFile, around);
  throw new CommandFailure(
    'gateway_unreachable',
    `${file} says \`admin.socket: none\`, so its gateway cannot be asked.`,
  );
}

/** An address for "every address" is one to listen at, and none to ask. */
function reachable({ host, port }: { readonly host: string; readonly port: number }): string {
  return hostPort(host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host, port);
}

/** Where the configuration leaves the place to the gateway's environment, which may not be ours, these are several. */
async function socketsOf(file: string, around: Surroundings): Promise<readonly string[]> {
  const { named, others } = await placesOf(file, around);
  return [...(named === null ? [] : [named]), ...others.filter((path) => objectionTo(dirname(path)) === null)];
}

/** Why sockets of the configuration are not asked that are there. */
async function passedOver(file: string, around: Surroundings): Promise<readonly string[]> {
  const { others } = await placesOf(file, around);
  return others.flatMap((path) => objectionTo(dirname(path)) ?? []);
}

/** The socket that the configuration names here, and those that are where it may mean elsewhere. */
async function placesOf(
  file: string,
  around: Surroundings,
): Promise<{ readonly named: string | null; readonly others: readonly string[] }> {
  const { deployment, admin } = await configurationOf(file, around);
  const folder = dirname(resolve(around.directory, file));
  const [usual] = adminSocketCandidates(deployment, folder, around.env);
  if (admin.socket === null || admin.socket !== usual) return { named: admin.socket, others: [] };
  const elsewhere = [
    ...adminSocketsElsewhere(deployment, folder, around.env),
    // Where its usual place could not be written.
    ...privateSockets(deployment, around.env),
  ];
  const others = new Set(elsewhere.filter((path) => path !== usual && existsSync(path)));
  return { named: usual, others: [...others] };
}

async function configurationOf(file: string, around: Surroundings): Promise<Configuration> {
  const { configuration } = await readConfiguration(file, around);
  if (configuration !== null) return configuration;
  throw new CommandFailure('validation_failed', `${file} has mistakes. \`candor check -c ${file}\` shows them.`);
}

function foldersToSearch(around: Surroundings): string[] {
  return [...new Set([...runtimeFolders(around.env), serviceFolder, around.directory])];
}

async function livingSockets(around: Surroundings): Promise<string[]> {
  const living: string[] = [];
  for (const path of socketsIn(foldersToSearch(around)).paths)
    if ((await lookAt(path)) === 'somebody') living.push(path);
  return living;
}

/** No gateway of this user was found where one was looked for; `passedOver`: sockets were left out, so one may run. */
export class NobodyFound extends CommandFailure {
  readonly passedOver: boolean;

  constructor(message: string, passedOver: boolean) {
    super('gateway_unreachable', message);
    this.passedOver = passedOver;
  }
}

/**
 * As `findAdmin`, for what ends a gateway: where `candor.yaml` is here, its gateway is meant, and never another one that
 * happens to be the only one that runs.
 */
export async function findAdminToEnd(choice: AdminChoice, around: Surroundings): Promise<AdminPlace> {
  const { admin, socket, config } = choice;
  const isNamed = [admin, socket, config].some((one) => one !== undefined) || (around.env['CANDOR_ADMIN'] ?? '') !== '';
  if (isNamed || !existsSync(join(around.directory, 'candor.yaml'))) return findAdmin(choice, around);
  return placeOfConfiguration('candor.yaml', choice.tokenFile, around);
}

function nobodyFound(around: Surroundings): NobodyFound {
  const command = commandName(around.env);
  const folders = foldersToSearch(around);
  const { objections } = socketsIn(folders);
  return new NobodyFound(
    `No running gateway was found. Looked for an admin socket in ${folders.join(', ')}. ` +
      objections.map((objection) => `${objection} `).join('') +
      `Start one with \`${command} up -c candor.yaml\`, or say where it is with -c <file>, --socket <path> or --admin <url>.`,
    objections.length > 0,
  );
}

type Answering = 'somebody' | 'not_permitted' | 'nobody';

async function firstWith(wanted: Answering, paths: readonly string[]): Promise<string | null> {
  for (const path of paths) if ((await lookAt(path)) === wanted) return path;
  return null;
}

/** Whether somebody listens at a socket. */
function lookAt(path: string): Promise<Answering> {
  return new Promise((done) => {
    const socket = connect({ path });
    socket.once('connect', () => {
      socket.destroy();
      done('somebody');
    });
    socket.once('error', () => done(existsSync(path) && !mayAsk(path) ? 'not_permitted' : 'nobody'));
  });
}

/** To connect takes the right to write. */
function mayAsk(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
