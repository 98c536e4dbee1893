import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { ClientRequest, IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { printJson } from './layout.ts';
import { apiRoot } from '../admin/operations.ts';
import type { LinkStatus, SessionStatus } from '../core/schemas/sessions.ts';
import type { AdminRole } from '../core/admin-roles.ts';
import { type AdminTarget, requestTo } from './admin-client.ts';
import type { AskFlags } from './flags.ts';
import { askGateway, refusal } from './ask-gateway.ts';
import { findAdmin } from './find-admin.ts';
import type { ProcessContext } from './process-context.ts';
import { styleFor } from './style.ts';
import { linkMs, Sessions } from '../admin/sessions.ts';
import { after, type Clock } from '../core/time.ts';
import { AdminListener, type RequestHandler } from '../admin/admin-listener.ts';
import { sendProblem } from '../admin/answer.ts';
import { operationOfTarget, urlOfTarget } from '../admin/authorization.ts';
import { DenialReport } from '../admin/denial-report.ts';
import { FailedAttempts } from '../admin/failed-attempts.ts';
import { listenOverTcp } from '../admin/listen-tcp.ts';
import { type AdminRequester, SessionApi } from '../admin/session-api.ts';
import type { AdminSpec } from '../core/configuration.ts';
import { errnoSentence } from '../core/errno-text.ts';
import type { EventSink } from '../core/event.ts';
import { systemRandom } from '../system/system.ts';
import { CommandFailure } from './command-failure.ts';

interface DashboardForwarder {
  /** `http://127.0.0.1:<port>` */
  readonly url: string;
  /** Whether connections of other users of this machine are refused. */
  readonly knowsUsers: boolean;
  /** A link that opens one session, within a minute. */
  makeLink(): string;
  close(): Promise<void>;
}

const loopback = '127.0.0.1';

/**
 * Serves the dashboard of a gateway on a port of loopback: everything goes on to its admin API, with the right of this process. It has the
 * listener of the admin API in front of it, so the same requests are refused: those by another host name, of another origin, and without
 * the session that only a link of `makeLink` opens.
 */
async function forwardDashboard(
  target: AdminTarget,
  role: AdminRole,
  port: number,
  clock: Clock,
): Promise<DashboardForwarder> {
  const spec: AdminSpec = { socket: null, listen: { host: loopback, port }, tokens: [], hosts: [] };
  const sessions = new Sessions(clock, systemRandom);
  const denials = new DenialReport(noEvents, clock);
  const context = { clock, spec, sessions, failedAttempts: new FailedAttempts(clock), denials };
  const sessionApi = new SessionApi({ ...context, events: noEvents, publicUrl: null }, sessions);
  const listener = new AdminListener('tcp', context, new Forwarding(target, sessionApi));
  listener.server.prependListener('connection', refuseOthers);
  sessions.onEnd(() => listener.closeRevoked());
  const refused = await listenOverTcp(listener.server, { host: loopback, port }, false);
  if (refused !== null)
    throw new CommandFailure('failure', `${loopback}:${port} cannot be used: ${errnoSentence(refused.errno)}`);
  const { port: actual } = listener.server.address() as AddressInfo;
  const url = `http://${loopback}:${actual}`;
  return {
    url,
    knowsUsers: knowsUsersOfPeers(actual),
    makeLink: () => `${url}/?link=${sessions.makeLink({ token: null, role })}`,
    close: async () => {
      sessions.close();
      denials.close();
      await listener.close();
    },
  };
}

/** The gateway tells of every change that goes through here. */
const noEvents: EventSink = { emit: () => {} };

/** A cookie goes to every port of its host, so another user of this machine could collect one. The kernel knows who connects. */
function refuseOthers(socket: Socket): void {
  const user = userOfPeer(socket);
  if (user !== null && (user === 'absent' || !isOurUser(user))) socket.destroy();
}

class Forwarding implements RequestHandler {
  readonly #target: AdminTarget;
  readonly #sessions: SessionApi;
  readonly #open = new Map<ServerResponse, Socket>();

  constructor(target: AdminTarget, sessions: SessionApi) {
    this.#target = target;
    this.#sessions = sessions;
  }

  async handle(requester: AdminRequester, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = 'GET', url = '/' } = request;
    const id = operationOfTarget(method, url)?.id;
    const link = urlOfTarget(url)?.searchParams.get('link') ?? null;
    if (id === 'readPage' && link !== null && method === 'GET')
      return this.#sessions.useLink(link, requester, request, response);
    if (id === 'readSession' || id === 'openSession' || id === 'endSession' || id === 'makeLink')
      return this.#sessions.handle(id, requester, request, response);
    this.#forward(request, response);
  }

  endStreams(sockets?: ReadonlySet<Socket>): void {
    for (const [response, socket] of this.#open) if (sockets?.has(socket) !== false) response.destroy();
  }

  /** The requester's cookie and the headers that name its page end here: the gateway is asked by this process. */
  #forward(request: IncomingMessage, response: ServerResponse): void {
    const { method = 'GET', url = '/', headers } = request;
    const passed = Object.fromEntries(
      forwardedHeaders.flatMap((name) => (headers[name] === undefined ? [] : [[name, headers[name]]])),
    );
    const asked: ClientRequest = requestTo(this.#target, method, url, passed);
    this.#open.set(response, request.socket);
    response.once('close', () => {
      this.#open.delete(response);
      asked.destroy();
    });
    asked.on('error', () => {
      if (response.headersSent) response.destroy();
      else sendProblem(response, 502, 'The gateway does not answer at its admin socket. Is it running?');
    });
    asked.on('response', (answer) => {
      const {
        connection: _connection,
        'keep-alive': _keepAlive,
        'transfer-encoding': _coding,
        date: _date,
        ...kept
      } = answer.headers;
      response.writeHead(answer.statusCode ?? 502, kept);
      answer.pipe(response);
      answer.on('error', () => response.destroy());
    });
    request.pipe(asked);
  }
}

const forwardedHeaders = [
  'accept',
  'accept-encoding',
  'content-length',
  'content-type',
  'if-match',
  'if-none-match',
  'last-event-id',
  'transfer-encoding',
] as const;

/**
 * Which user has the other end of a loopback connection, as the kernel knows it; null where it does not say so: the system is no Linux,
 * or hides its table. `absent`: the table has our sockets and not that one.
 */
export function userOfPeer({ localPort, remotePort, remoteAddress }: Socket): number | 'absent' | null {
  if (localPort === undefined || remotePort === undefined || remoteAddress === undefined) return 'absent';
  let knowsOurs = false;
  for (const table of ['/proc/net/tcp', '/proc/net/tcp6']) {
    const found = findUser(readTable(table), { localPort, remotePort });
    if (typeof found === 'number') return found;
    knowsOurs ||= found === 'absent';
  }
  return knowsOurs ? 'absent' : null;
}

/** Looks through one table. `absent`: it has a socket at `localPort`, and not its peer; null: it has neither. */
export function findUser(
  table: string,
  { localPort, remotePort }: { readonly localPort: number; readonly remotePort: number },
): number | 'absent' | null {
  let knowsOurs = false;
  for (const line of table.split('\n').slice(1)) {
    const [, local = '', remote = '', , , , , user = ''] = line.trim().split(/\s+/);
    const [from, to] = [portOf(local), portOf(remote)];
    // Seen from the client, our port is the remote one.
    if (from === remotePort && to === localPort && isLoopback(local)) return Number(user);
    knowsOurs ||= from === localPort;
  }
  return knowsOurs ? 'absent' : null;
}

function portOf(address: string): number {
  return Number.parseInt(address.slice(address.indexOf(':') + 1), 16);
}

/** The kernel prints each 32 bits in the byte order of the machine: 127.0.0.1 is 0100007F on most. */
function isLoopback(address: string): boolean {
  const last = address.slice(0, address.indexOf(':')).slice(-8);
  return last.endsWith('7F') || last.startsWith('7F');
}

function readTable(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}

/** Whether this system says which user has the other end of a connection. */
function knowsUsersOfPeers(localPort: number): boolean {
  return findUser(readTable('/proc/net/tcp'), { localPort, remotePort: 0 }) !== null;
}

/** This user, root, and the user who became root for this command. */
export function isOurUser(user: number, env: NodeJS.ProcessEnv = process.env): boolean {
  return user === process.getuid?.() || user === 0 || (process.getuid?.() === 0 && user === Number(env['SUDO_UID']));
}

export interface DashboardFlags extends AskFlags {
  readonly open: boolean;
  readonly port: number;
}

/** Makes a link to the dashboard and opens it. Without TLS over TCP, serves it on loopback until a signal comes. */
export async function dashboard(flags: DashboardFlags, context: ProcessContext): Promise<void> {
  const target = await findAdmin(flags, context);
  const url = await linkOverTls(target, context);
  if (url !== null) {
    show(url, null, flags, context);
    if (flags.open) await openBrowser(url, 'others_may_race', context);
    return;
  }
  const role = await roleAt(target, context);
  const ended = untilSignal(context);
  const forwarder = await forwardDashboard(target, role, flags.port, context.clock);
  const link = forwarder.makeLink();
  show(link, forwarder.url, flags, context);
  if (flags.open) await openBrowser(link, forwarder.knowsUsers ? 'only_ours' : 'others_may_race', context);
  await ended;
  await forwarder.close();
}

/** The gateway knows whether browsers reach it over TLS. With `--admin` they do at that URL, or not at all. */
async function linkOverTls(target: AdminTarget, context: ProcessContext): Promise<string | null> {
  if (target.kind === 'url' && target.url.protocol !== 'https:') return null;
  const answer = await askGateway(target, 'POST', `${apiRoot}/session/link`, context);
  if (answer.status !== 200) throw refusal(answer);
  const { path, url } = answer.body as LinkStatus;
  return target.kind === 'url' ? `${target.url.origin}${path}` : url;
}

/** What this process may do there. */
async function roleAt(target: AdminTarget, context: ProcessContext): Promise<AdminRole> {
  const answer = await askGateway(target, 'GET', `${apiRoot}/session`, context);
  if (answer.status !== 200) throw refusal(answer);
  return (answer.body as SessionStatus).role;
}

function show(link: string, forwarder: string | null, flags: DashboardFlags, context: ProcessContext): void {
  if (flags.json) return printJson({ url: link, until_ended: forwarder !== null }, context);
  const style = styleFor(context.stdout, context.env);
  const lines = [`The dashboard, for one browser, within a minute:`, '', `  ${style.bold(link)}`, ''];
  if (forwarder !== null) lines.push(style.dim(`Served at ${forwarder} until this command ends (Ctrl-C).`));
  context.stdout.write(`${lines.join('\n')}\n`);
}

function untilSignal(context: ProcessContext): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      const release = context.onSignal(signal, () => {
        release();
        resolve();
      });
    }
  });
}

/** Whether another user who reads the link in the arguments of the browser's process could use it first. */
type LinkSafety = 'only_ours' | 'others_may_race';

/**
 * Opens a link in the browser of the person, if there is one. Every user of a machine may list the arguments of processes, so a link that
 * others could use too goes into a file that only this user may read, and which leads to it.
 */
async function openBrowser(link: string, safety: LinkSafety, context: ProcessContext): Promise<void> {
  const opener = openerOf(context);
  if (opener === null) return;
  if (safety === 'only_ours') return run(opener, link, context);
  const folder = mkdtempSync(join(context.env['XDG_RUNTIME_DIR'] ?? tmpdir(), 'candor-link-'));
  const file = join(folder, 'dashboard.html');
  writeFileSync(file, `<!doctype html><meta http-equiv="refresh" content="0;url=${link}">\n`, { mode: 0o600 });
  try {
    await run(opener, pathToFileURL(file).href, context);
    await new Promise((resolve) => context.clock.schedule(after(context.clock.now(), readMs), resolve, undefined));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A browser that has to start first reads the file within this time. The link itself is good for a minute. */
const readMs = linkMs / 4;

/** Null where there is no screen. */
function openerOf({ machine, env }: ProcessContext): string | null {
  if (machine.platform === 'darwin') return 'open';
  const hasScreen = (env['DISPLAY'] ?? '') !== '' || (env['WAYLAND_DISPLAY'] ?? '') !== '';
  return hasScreen ? 'xdg-open' : null;
}

/** Resolves when the opener has ended, however: the link is printed in any case. */
function run(opener: string, url: string, { env }: ProcessContext): Promise<void> {
  return new Promise((resolve) => {
    const child = spawn(opener, [url], { stdio: 'ignore', detached: true, env: { ...env } });
    child.once('error', () => resolve());
    child.once('spawn', () => {
      child.unref();
      resolve();
    });
  });
}
