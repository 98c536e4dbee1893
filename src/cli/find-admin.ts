import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { hostPort } from '../core/endpoint.ts';
import { type AdminTarget, targetText } from './admin-client.ts';
import { readToken, refusal, unreachable } from './ask-gateway.ts';
import { readAsked, type AdminParts, skippedSockets, socketsOf, socketsIn, socketsOfOthers } from './runtime-folder.ts';
import { commandName, type ProcessContext } from './process-context.ts';
import { harmless } from './layout.ts';
import {
  describeGateway,
  lookUpGateway,
  lookupMs,
  type GatewayLookup,
  runsFile,
  whatRuns,
  findLiveGateways,
  gatewaysAt,
  foldersToSearch,
  mayBeAdminSocket,
  type LiveGateway,
  gatewayOfUnchanged,
} from './gateway-lookup.ts';
import { type ConfigurationRead, errorsIn, inputName } from './configuration-read.ts';
import { CommandFailure } from './command-failure.ts';
import type { GatewayStatus } from '../core/schemas/status.ts';

export interface AdminChoice {
  /** Where its admin API listens over TCP. */
  readonly admin?: string | undefined;
  /** Path of the file with the token for it. */
  readonly tokenFile?: string | undefined;
  /** Path of the file with the authorities that its certificate may be from. */
  readonly caFile?: string | undefined;
  /** Path of the socket itself. */
  readonly socket?: string | undefined;
  /** Path of the configuration whose `admin` section names the gateway. */
  readonly config?: string | undefined;
}

/**
 * `look`: the command only asks. `act`: it changes the gateway, so it refuses a gateway that runs another configuration.
 * `reload`: the same, and the gateway itself answers with the errors of its file.
 */
type AdminPurpose = 'look' | 'act' | 'reload';

/**
 * Finds the gateway that a command means: the one that a flag names by address, socket or configuration, the one of
 * CANDOR_ADMIN, the one of candor.yaml in the current folder, or the only one in the runtime folders. A program at a socket
 * is taken for a gateway only if it answers like one.
 */
export async function findAdmin(
  choice: AdminChoice,
  context: ProcessContext,
  purpose: AdminPurpose = 'look',
): Promise<AdminTarget> {
  const named = await namedTarget(choice, context, purpose);
  if (named !== null) return named;
  const { gateways, silent } = await findLiveGateways(context);
  const [only, ...others] = gateways;
  if (only !== undefined && others.length === 0) return only.target;
  throw only === undefined ? noGatewayFound(context, silent) : severalGateways(gateways);
}

function severalGateways(gateways: readonly LiveGateway[]): CommandFailure {
  const choices = gateways.map(choiceText).join('\n');
  return new CommandFailure('usage', `Several gateways run here. Name one of them:\n${choices}`);
}

/** As `findAdmin`, for commands that may ask several gateways: without a named one, every gateway that runs here. */
export async function findAdmins(choice: AdminChoice, context: ProcessContext): Promise<readonly AdminTarget[]> {
  const named = await namedTarget(choice, context, 'look');
  if (named !== null) return [named];
  const { gateways, silent } = await findLiveGateways(context);
  if (gateways.length > 0) return gateways.map(({ target }) => target);
  throw noGatewayFound(context, silent);
}

async function namedTarget(
  choice: AdminChoice,
  context: ProcessContext,
  purpose: AdminPurpose,
): Promise<AdminTarget | null> {
  const { admin, socket, config } = choice;
  if (admin !== undefined) return targetAt(admin, '--admin', choice, context);
  if (socket !== undefined) return verified({ kind: 'socket', path: resolve(context.directory, socket) }, context);
  if (config !== undefined) return targetOfConfiguration(config, choice, context, purpose);
  const variable = context.env['CANDOR_ADMIN'] ?? '';
  if (variable !== '') return targetAt(variable, 'CANDOR_ADMIN', choice, context);
  if (!existsSync(join(context.directory, 'candor.yaml'))) return null;
  const unchanged = await gatewayOfUnchanged('candor.yaml', context);
  if (unchanged !== null) return unchanged;
  const { configuration, readable } = await readAsked('candor.yaml', context);
  const parts = configuration ?? readable;
  if (parts === null) return null;
  for (const path of socketsOf(parts, 'candor.yaml', context)) {
    const target = { kind: 'socket', path } as const;
    const looked = await lookUpGateway(target, context, lookupMs);
    if (looked.kind !== 'gateway' || !runsFile(looked.status, 'candor.yaml', context)) continue;
    if (configuration === null) noteErrors('candor.yaml', context);
    return target;
  }
  return liveGatewayOf('candor.yaml', context);
}

/**
 * Returns an admin address if a gateway answers there, or if nothing listens there. Another program that listens there gets
 * no further request.
 */
async function verified(target: AdminTarget, context: ProcessContext): Promise<AdminTarget> {
  const looked = await lookUpGateway(target, context);
  if (looked.kind === 'gateway' || isNotRunning(looked)) return target;
  throw unexpectedAnswer(target, looked);
}

function isNotRunning(looked: GatewayLookup): boolean {
  return looked.kind === 'no_answer' && (looked.answer.why === 'nobody_there' || looked.answer.why === 'not_permitted');
}

function unexpectedAnswer(target: AdminTarget, looked: Exclude<GatewayLookup, { kind: 'gateway' }>): CommandFailure {
  if (looked.kind === 'no_answer') return unreachable(targetText(target), looked.answer);
  // A gateway that does not answer with its status says why in a problem document.
  if (target.kind === 'url') return refusal(looked);
  return unreachable(targetText(target), { ok: false, why: 'not_an_answer', errno: null });
}

type UrlTarget = Extract<AdminTarget, { kind: 'url' }>;

function readAuthorities(file: string, { directory }: ProcessContext): string {
  try {
    return readFileSync(resolve(directory, file), 'latin1');
  } catch {
    throw new CommandFailure('usage', `${file} cannot be read.`);
  }
}

/** A token goes only to an origin that the user wrote down. */
function targetAt(text: string, where: string, choice: AdminChoice, context: ProcessContext): UrlTarget {
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol) || url.href !== `${url.origin}/`)
    throw new CommandFailure('usage', `${where} must be https://host:port, or http where \`admin.tls\` is not set.`);
  const token = readToken(choice.tokenFile, context);
  if (url.protocol === 'http:' && !isLoopback(url.hostname))
    context.stderr.write(`The token goes to ${url.host} without TLS: others on the network can read it.\n`);
  const { caFile } = choice;
  if (caFile === undefined) return { kind: 'url', url, token };
  return { kind: 'url', url, token, trust: { authorities: readAuthorities(caFile, context), certificate: null } };
}

function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127(?:\.\d+){3}$/.test(hostname);
}

async function targetOfConfiguration(
  file: string,
  choice: AdminChoice,
  context: ProcessContext,
  purpose: AdminPurpose,
): Promise<AdminTarget> {
  const unchanged = await gatewayOfUnchanged(file, context);
  if (unchanged !== null) return unchanged;
  const read = await readAsked(file, context);
  const parts = read.configuration ?? read.readable;
  const found = parts === null ? null : await outcomeOf(targetOfParts(parts, file, choice, context, purpose));
  const isThere = found !== null && !(found instanceof CommandFailure) && found.permitted;
  // The gateway may have been started in another environment, or before the address changed. It says which file it runs.
  const target = isThere
    ? found.target
    : ((await liveGatewayOf(file, context)) ?? (await gatewayOfRenamed(file, context)));
  if (read.configuration === null) {
    if (target === null && read.readable?.isCertain !== true) throw errorsOf(file, read);
    if (purpose !== 'reload') noteErrors(file, context);
  }
  if (target !== null) return target;
  if (found instanceof CommandFailure) throw found;
  if (found === null) throw errorsOf(file, read);
  return found.target;
}

/** Each file is noted once, although `status --watch` may look for its gateway again and again. */
const noted = new WeakMap<ProcessContext, string>();

function noteErrors(file: string, context: ProcessContext): void {
  if (noted.get(context) === file) return;
  noted.set(context, file);
  if (file !== inputName && !existsSync(resolve(context.directory, file))) {
    context.stderr.write(`${file} is no longer there; this command found the gateway that runs it by another file.\n`);
    return;
  }
  const check = `${commandName(context.env)} check -c ${file}`;
  context.stderr.write(
    `${nameOf(file)} has errors; this command takes only the address of its gateway from it. \`${check}\` lists them.\n`,
  );
}

/** A failure of the command is a value. */
function outcomeOf<T>(attempt: Promise<T>): Promise<T | CommandFailure> {
  return attempt.catch((error: unknown) => {
    if (error instanceof CommandFailure) return error;
    throw error;
  });
}

/**
 * The gateway that runs this file, of all that run here: those of this user, and for root then those of other users. Null if
 * none does. Standard input is no file: each gateway that was started with one would run it.
 */
async function liveGatewayOf(file: string, context: ProcessContext): Promise<AdminTarget | null> {
  if (file === inputName) return null;
  const own = socketsIn(foldersToSearch(context)).paths.filter((path) => mayBeAdminSocket(path, context));
  for (const paths of [own, socketsOfOthers(context.env)]) {
    const running = (await gatewaysAt(paths, context)).gateways.filter(({ status }) => runsFile(status, file, context));
    const [only, ...others] = running;
    if (others.length > 0) throw severalGateways(running);
    if (only !== undefined) return only.target;
  }
  return null;
}

/** So many files beside one that is not there are read. */
const besideMax = 8;

/** Of a file that is not there: a gateway that still runs it, at the socket of a file beside, which is most often the same under its new name. */
async function gatewayOfRenamed(file: string, context: ProcessContext): Promise<AdminTarget | null> {
  const path = resolve(context.directory, file);
  if (file === inputName || existsSync(path)) return null;
  for (const beside of yamlFilesIn(dirname(path)).slice(0, besideMax)) {
    const { configuration, readable } = await readAsked(beside, context);
    const parts = configuration ?? readable;
    for (const socket of parts === null ? [] : socketsOf(parts, beside, context)) {
      const target = { kind: 'socket', path: socket } as const;
      const looked = await lookUpGateway(target, context, lookupMs);
      if (looked.kind === 'gateway' && runsFile(looked.status, file, context)) return target;
    }
  }
  return null;
}

function yamlFilesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder)
      .filter((name) => /\.ya?ml$/.test(name))
      .map((name) => join(folder, name));
  } catch {
    return [];
  }
}

interface TargetOfParts {
  readonly target: AdminTarget;
  /** The gateway of the file answers there, or this user may not ask. */
  readonly permitted: boolean;
}

async function targetOfParts(
  configuration: AdminParts,
  file: string,
  choice: AdminChoice,
  context: ProcessContext,
  purpose: AdminPurpose,
): Promise<TargetOfParts> {
  const { listen, tls } = configuration.admin;
  const paths = socketsOf(configuration, file, context);
  if (paths.length > 0) {
    const targets = paths.map((path) => ({ kind: 'socket', path }) as const);
    const found = await firstThatRuns(file, targets, context, purpose);
    if (found.permitted) return found;
    const problem = skippedSockets(configuration, file, context)[0];
    if (problem !== undefined) throw new CommandFailure('gateway_unreachable', problem);
    return found;
  }
  if (listen !== null) {
    const scheme = tls === undefined ? 'http' : 'https';
    const found = targetAt(`${scheme}://${reachable(listen)}`, 'admin.listen', choice, context);
    const authorities = found.trust?.authorities ?? null;
    const target =
      tls === undefined
        ? found
        : // Of a file with errors its text may be missing.
          { ...found, trust: { authorities, certificate: tls.certificate.certificate || null } };
    return firstThatRuns(file, [target], context, purpose);
  }
  throw new CommandFailure(
    'gateway_unreachable',
    `${file} says \`admin.socket: none\`, so that no command can reach its gateway.`,
  );
}

/**
 * The first address whose gateway runs a configuration file. If none does, the address of a socket that this user may not
 * open, or else the first address, where nothing answers. A gateway of another configuration, or a program that is no
 * gateway, is a failure, so that a command for one gateway never reaches another.
 */
async function firstThatRuns(
  file: string,
  targets: readonly AdminTarget[],
  context: ProcessContext,
  purpose: AdminPurpose,
): Promise<TargetOfParts> {
  let failure: CommandFailure | null = null;
  let closed: AdminTarget | null = null;
  for (const target of targets) {
    const looked = await lookUpGateway(target, context);
    if (looked.kind === 'gateway') {
      if (runsFile(looked.status, file, context)) return { target, permitted: true };
      failure ??= runsAnother(file, { target, status: looked.status }, purpose, context);
    } else if (!isNotRunning(looked)) failure ??= unexpectedAnswer(target, looked);
    else if (looked.kind === 'no_answer' && looked.answer.why === 'not_permitted') closed ??= target;
  }
  if (failure !== null) throw failure;
  const [first] = targets;
  if (first === undefined) throw new Error('A configuration without an address of its admin API was looked for.');
  return closed === null ? { target: first, permitted: false } : { target: closed, permitted: true };
}

function runsAnother(
  file: string,
  { target, status }: { readonly target: AdminTarget; readonly status: GatewayStatus },
  purpose: AdminPurpose,
  context: ProcessContext,
): CommandFailure {
  const flag = status.source === null || target.kind === 'url' ? '' : ` with -c ${harmless(status.source)}`;
  const socket = target.kind === 'url' ? ` with --admin ${target.url.origin}` : ` with --socket ${target.path}`;
  if (status.source !== null && !existsSync(status.source))
    return new CommandFailure(
      purpose === 'look' ? 'gateway_unreachable' : 'refused',
      `${nameOf(file)} does not run: the gateway at ${targetText(target)} (process ${status.pid}) runs ${whatRuns(status)}, and that file is no longer there. ` +
        `To let the gateway run ${harmless(file)}, stop it with \`${commandName(context.env)} stop${socket.replace(' with', '')}\` and start one with -c ${harmless(file)}, or give the file its earlier name again. Other commands reach the gateway${socket}.`,
    );
  return new CommandFailure(
    purpose === 'look' ? 'gateway_unreachable' : 'refused',
    `${nameOf(file)} does not run: the gateway at ${targetText(target)} (process ${status.pid}) runs ${whatRuns(status)}. ` +
      `To use that one, add${flag === '' ? socket : flag}.`,
  );
}

/** An address such as 0.0.0.0 means every address. A gateway can listen at it, but a client cannot connect to it. */
function reachable({ host, port }: { readonly host: string; readonly port: number }): string {
  return hostPort(host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host, port);
}

function errorsOf(file: string, { text, errors }: ConfigurationRead): CommandFailure {
  if (file === inputName && text.trim() === '')
    return new CommandFailure(
      'validation_failed',
      'Standard input is empty. `-c -` reads from it the configuration of the gateway to use.',
    );
  return errorsIn(nameOf(file), errors);
}

function nameOf(file: string): string {
  return file === inputName ? 'The configuration on standard input' : file;
}

function choiceText({ target, status }: LiveGateway): string {
  return `  --socket ${target.path}\n      ${describeGateway(status)}`;
}

/** The failure when no gateway of this user was found. `passedOver`: some sockets were not asked, so a gateway may run. */
export class NoGatewayFound extends CommandFailure {
  readonly skippedSockets: boolean;

  constructor(message: string, passedOver: boolean) {
    super('gateway_unreachable', message);
    this.skippedSockets = passedOver;
  }
}

/**
 * As `findAdmin`, for commands that end or change a gateway: if `candor.yaml` is in the current folder, its gateway is
 * meant, and never another one that happens to be the only one that runs.
 */
export async function findAdminToChange(
  choice: AdminChoice,
  around: ProcessContext,
  purpose: Exclude<AdminPurpose, 'look'> = 'act',
): Promise<AdminTarget> {
  const { admin, socket, config } = choice;
  const isNamed = [admin, socket, config].some((one) => one !== undefined) || (around.env['CANDOR_ADMIN'] ?? '') !== '';
  if (isNamed || !existsSync(join(around.directory, 'candor.yaml'))) return findAdmin(choice, around, purpose);
  return targetOfConfiguration('candor.yaml', choice, around, purpose);
}

function noGatewayFound(context: ProcessContext, silent: readonly string[]): NoGatewayFound {
  const command = commandName(context.env);
  const folders = foldersToSearch(context);
  const { skipped: problems } = socketsIn(folders);
  return new NoGatewayFound(
    `No running gateway was found. Looked for an admin socket in ${folders.join(', ')}. ` +
      [...problems, ...silent].map((sentence) => `${sentence} `).join('') +
      `Start one with \`${command} up -c candor.yaml\` (\`${command} run -- node server.js\` needs no file), or name one with -c <file>, --socket <path> or --admin <url>.`,
    problems.length > 0 || silent.length > 0,
  );
}
