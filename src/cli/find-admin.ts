import { existsSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { adminSocketCandidates, adminSocketsElsewhere, serviceFolder } from '../config/admin-socket.ts';
import type { Configuration } from '../core/configuration.ts';
import { hostPort } from '../core/endpoint.ts';
import type { GatewayStatus } from '../gateway/control.ts';
import { type AdminPlace, placeText } from './admin-place.ts';
import { readToken } from './admin-token.ts';
import { refusal, unreachable } from './ask-gateway.ts';
import { privateSockets } from './fit-places.ts';
import { commandName } from './command-name.ts';
import { harmless } from './layout.ts';
import { describeGateway, lookAtGateway, lookMs, type Looked, runsFile, whatRuns } from './look-at-gateway.ts';
import { readConfiguration } from './read-configuration.ts';
import { inputName } from './read-input.ts';
import { objectionTo, runtimeFolders, socketsIn, socketsOfOthers } from './runtime-folder.ts';
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

/** `look`: the command only asks. `act`: it changes the gateway, so a gateway of another configuration is a refusal. */
export type Purpose = 'look' | 'act';

/**
 * The gateway that a command means: the one it names by address, socket or configuration, the one of CANDOR_ADMIN, the
 * one of candor.yaml here, or the only one in the runtime folders. What answers at a socket has shown that it is a gateway.
 */
export async function findAdmin(
  choice: AdminChoice,
  around: Surroundings,
  purpose: Purpose = 'look',
): Promise<AdminPlace> {
  const named = await namedPlace(choice, around, purpose);
  if (named !== null) return named;
  const { gateways, silent } = await livingGateways(around);
  const [only, ...others] = gateways;
  if (only !== undefined && others.length === 0) return only.place;
  throw only === undefined
    ? nobodyFound(around, silent)
    : new CommandFailure(
        'usage',
        `Several gateways run here. Say which one is meant:\n${gateways.map(choiceText).join('\n')}`,
      );
}

/** As `findAdmin`, for what may be asked of several: every gateway that runs here, where none is named. */
export async function findAdmins(choice: AdminChoice, around: Surroundings): Promise<readonly AdminPlace[]> {
  const named = await namedPlace(choice, around, 'look');
  if (named !== null) return [named];
  const { gateways, silent } = await livingGateways(around);
  if (gateways.length > 0) return gateways.map(({ place }) => place);
  throw nobodyFound(around, silent);
}

async function namedPlace(choice: AdminChoice, around: Surroundings, purpose: Purpose): Promise<AdminPlace | null> {
  const { admin, socket, config, tokenFile } = choice;
  if (admin !== undefined) return placeAt(admin, '--admin', tokenFile, around);
  if (socket !== undefined) return verified({ kind: 'socket', path: resolve(around.directory, socket) }, around);
  if (config !== undefined) return placeOfConfiguration(config, tokenFile, around, purpose);
  const variable = around.env['CANDOR_ADMIN'] ?? '';
  if (variable !== '') return placeAt(variable, 'CANDOR_ADMIN', tokenFile, around);
  if (!existsSync(join(around.directory, 'candor.yaml'))) return null;
  const configuration = await configurationOf('candor.yaml', around).catch(() => null);
  if (configuration === null) return null;
  for (const path of socketsOf(configuration, 'candor.yaml', around)) {
    const place = { kind: 'socket', path } as const;
    const looked = await lookAtGateway(place, around, lookMs);
    if (looked.kind === 'gateway' && runsFile(looked.status, 'candor.yaml', around)) return place;
  }
  return null;
}

/** A place at which a gateway answers, or nobody does; what else listens there is sent nothing more. */
async function verified(place: AdminPlace, around: Surroundings): Promise<AdminPlace> {
  const looked = await lookAtGateway(place, around);
  if (looked.kind === 'gateway' || isNobody(looked)) return place;
  throw strangeAnswer(place, looked);
}

function isNobody(looked: Looked): boolean {
  return looked.kind === 'no_answer' && (looked.answer.why === 'nobody_there' || looked.answer.why === 'not_permitted');
}

function strangeAnswer(place: AdminPlace, looked: Exclude<Looked, { kind: 'gateway' }>): CommandFailure {
  if (looked.kind === 'no_answer') return unreachable(placeText(place), looked.answer);
  // A gateway says with a problem document why it does not answer with its status.
  if (place.kind === 'url') return refusal(looked);
  return unreachable(placeText(place), { ok: false, why: 'not_an_answer', errno: null });
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
  purpose: Purpose,
): Promise<AdminPlace> {
  const configuration = await configurationOf(file, around);
  const { listen } = configuration.admin;
  const paths = socketsOf(configuration, file, around);
  if (paths.length > 0) {
    const places = paths.map((path) => ({ kind: 'socket', path }) as const);
    const found = await firstThatRuns(file, places, around, purpose);
    if (found.permitted) return found.place;
    const objection = passedOver(configuration, file, around)[0];
    if (objection !== undefined) throw new CommandFailure('gateway_unreachable', objection);
    return found.place;
  }
  if (listen !== null) {
    const place = placeAt(`http://${reachable(listen)}`, 'admin.listen', tokenFile, around);
    return (await firstThatRuns(file, [place], around, purpose)).place;
  }
  throw new CommandFailure(
    'gateway_unreachable',
    `${file} says \`admin.socket: none\`, so its gateway cannot be asked.`,
  );
}

/**
 * The first place whose gateway runs a configuration file. Where none does, the place of a socket that may not be opened, else
 * the first place, at which nobody answers then. A gateway of another configuration, or a program that is no gateway, is a
 * failure: what is meant for one must not reach the other.
 */
async function firstThatRuns(
  file: string,
  places: readonly AdminPlace[],
  around: Surroundings,
  purpose: Purpose,
): Promise<{ readonly place: AdminPlace; readonly permitted: boolean }> {
  let failure: CommandFailure | null = null;
  let closed: AdminPlace | null = null;
  for (const place of places) {
    const looked = await lookAtGateway(place, around);
    if (looked.kind === 'gateway') {
      if (runsFile(looked.status, file, around)) return { place, permitted: true };
      failure ??= runsAnother(file, place, looked.status, purpose);
    } else if (!isNobody(looked)) failure ??= strangeAnswer(place, looked);
    else if (looked.kind === 'no_answer' && looked.answer.why === 'not_permitted') closed ??= place;
  }
  if (failure !== null) throw failure;
  const [first] = places;
  if (first === undefined) throw new Error('A configuration without a place of its admin API was looked for.');
  return closed === null ? { place: first, permitted: false } : { place: closed, permitted: true };
}

function runsAnother(file: string, place: AdminPlace, status: GatewayStatus, purpose: Purpose): CommandFailure {
  const name = file === inputName ? 'The configuration on standard input' : file;
  const flag = status.source === null || place.kind === 'url' ? '' : ` with -c ${harmless(status.source)}`;
  const socket = place.kind === 'url' ? ` with --admin ${place.url.origin}` : ` with --socket ${place.path}`;
  return new CommandFailure(
    purpose === 'act' ? 'refused' : 'gateway_unreachable',
    `${name} does not run: the gateway at ${placeText(place)} (process ${status.pid}) runs ${whatRuns(status)}. ` +
      `If that one is meant, name it${flag === '' ? socket : flag}.`,
  );
}

/** An address for "every address" is one to listen at, and none to ask. */
function reachable({ host, port }: { readonly host: string; readonly port: number }): string {
  return hostPort(host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host, port);
}

/** Where the configuration leaves the place to the gateway's environment, which may not be ours, these are several. */
function socketsOf(configuration: Configuration, file: string, around: Surroundings): readonly string[] {
  const { named, others } = placesOf(configuration, file, around);
  return [...(named === null ? [] : [named]), ...others.filter((path) => objectionTo(dirname(path)) === null)];
}

/** Why sockets of the configuration are not asked that are there. */
function passedOver(configuration: Configuration, file: string, around: Surroundings): readonly string[] {
  const { others } = placesOf(configuration, file, around);
  return others.flatMap((path) => objectionTo(dirname(path)) ?? []);
}

/** The socket that the configuration names here, and those that are where it may mean elsewhere. */
function placesOf(
  { deployment, admin }: Configuration,
  file: string,
  around: Surroundings,
): { readonly named: string | null; readonly others: readonly string[] } {
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
  const { configuration, text } = await readConfiguration(file, around);
  if (configuration !== null) return configuration;
  if (file === inputName && text.trim() === '')
    throw new CommandFailure(
      'validation_failed',
      'Nothing came on standard input, from which `-c -` reads the configuration whose gateway is meant.',
    );
  const name = file === inputName ? 'The configuration on standard input' : file;
  throw new CommandFailure('validation_failed', `${name} has mistakes. \`candor check -c ${file}\` shows them.`);
}

function foldersToSearch(around: Surroundings): string[] {
  return [...new Set([...runtimeFolders(around.env), serviceFolder, around.directory])];
}

/** Far more than one person runs. */
const socketsMax = 64;

interface LivingGateway {
  readonly place: Extract<AdminPlace, { kind: 'socket' }>;
  readonly status: GatewayStatus;
}

interface LivingGateways {
  readonly gateways: readonly LivingGateway[];
  readonly silent: readonly string[];
}

/** The gateways that answer at sockets that `candor` makes by itself; `silent`: sockets that took the question only. */
async function livingGateways(around: Surroundings): Promise<LivingGateways> {
  const own = socketsIn(foldersToSearch(around)).paths.filter((path) => mayBeAdminSocket(path, around));
  const found = await gatewaysAt(own, around);
  // What other users run is no choice to offer where root has gateways of its own.
  if (found.gateways.length > 0 || found.silent.length > 0) return found;
  return gatewaysAt(socketsOfOthers(around.env), around);
}

async function gatewaysAt(paths: readonly string[], around: Surroundings): Promise<LivingGateways> {
  const gateways: LivingGateway[] = [];
  const silent: string[] = [];
  await Promise.all(
    paths.slice(0, socketsMax).map(async (path) => {
      const place = { kind: 'socket', path } as const;
      const looked = await lookAtGateway(place, around, lookMs);
      if (looked.kind === 'gateway') gateways.push({ place, status: looked.status });
      else if (looked.kind === 'no_answer' && looked.answer.why === 'timeout') silent.push(path);
    }),
  );
  return { gateways: gateways.sort((one, other) => (one.place.path < other.place.path ? -1 : 1)), silent };
}

/** In the current folder sockets of other programs lie as well: there a gateway makes only `candor.sock` by itself. */
function mayBeAdminSocket(path: string, around: Surroundings): boolean {
  const folders = [...runtimeFolders(around.env), serviceFolder];
  return folders.includes(dirname(path)) || basename(path) === 'candor.sock';
}

function choiceText({ place, status }: LivingGateway): string {
  return `  --socket ${place.path}\n      ${describeGateway(status)}`;
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
 * As `findAdmin`, for what ends or changes a gateway: where `candor.yaml` is here, its gateway is meant, and never another
 * one that happens to be the only one that runs.
 */
export async function findAdminToChange(choice: AdminChoice, around: Surroundings): Promise<AdminPlace> {
  const { admin, socket, config } = choice;
  const isNamed = [admin, socket, config].some((one) => one !== undefined) || (around.env['CANDOR_ADMIN'] ?? '') !== '';
  if (isNamed || !existsSync(join(around.directory, 'candor.yaml'))) return findAdmin(choice, around, 'act');
  return placeOfConfiguration('candor.yaml', choice.tokenFile, around, 'act').catch(async (error: unknown) => {
    if (!(error instanceof CommandFailure) || error.exit !== 'validation_failed') throw error;
    // It has mistakes since its gateway has read it, so it does not say where that one is; the gateway says what it runs.
    const { gateways } = await livingGateways(around);
    const [only, ...others] = gateways.filter(({ status }) => runsFile(status, 'candor.yaml', around));
    if (only === undefined || others.length > 0) throw error;
    return only.place;
  });
}

function nobodyFound(around: Surroundings, silent: readonly string[]): NobodyFound {
  const command = commandName(around.env);
  const folders = foldersToSearch(around);
  const { objections } = socketsIn(folders);
  const unanswered = silent.map((path) => `What listens at ${path} did not answer within ${lookMs / 1000} s.`);
  return new NobodyFound(
    `No running gateway was found. Looked for an admin socket in ${folders.join(', ')}. ` +
      [...objections, ...unanswered].map((sentence) => `${sentence} `).join('') +
      `Start one with \`${command} up -c candor.yaml\`, or say where it is with -c <file>, --socket <path> or --admin <url>.`,
    objections.length > 0 || silent.length > 0,
  );
}
