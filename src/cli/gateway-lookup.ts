import { readlinkSync, statSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import { serviceFolder } from '../config/admin-socket.ts';
import { closedEarlyText, isClosedEarly } from './ask-gateway.ts';
import { runtimeFolders, socketsIn, socketsOfOthers } from './runtime-folder.ts';
import { camelCased } from '#failures/json-case.ts';
import { apiRoot } from '../admin/operations.ts';
import type { GatewayStatus } from '../core/schemas/status.ts';
import type { ShownStatus } from './status-table.ts';
import { type AdminResponse, askAdmin, type AdminTarget } from './admin-client.ts';
import { harmless, shorten } from './layout.ts';
import { inputName } from './configuration-read.ts';
import type { ProcessContext } from './process-context.ts';

/** What GET /v1/status found at an admin socket or address. `other`: an answer that is not a gateway's status. */
export type GatewayLookup =
  | { readonly kind: 'gateway'; readonly status: GatewayStatus }
  | { readonly kind: 'other'; readonly status: number; readonly body: unknown }
  | { readonly kind: 'no_answer'; readonly answer: Extract<AdminResponse, { ok: false }> };

/** A gateway answers within milliseconds. Commands wait this long for a socket that the user did not name. */
export const lookupMs = 1000;

/** Asks for the status. It changes nothing, so any program that listens there may be asked. */
export async function lookUpGateway(
  target: AdminTarget,
  context: ProcessContext,
  answerMs?: number,
): Promise<GatewayLookup> {
  const limit = answerMs === undefined ? null : { answerMs, onLine: () => {} };
  const answer = await askAdmin(target, 'GET', `${apiRoot}/status`, context.clock, limit);
  if (!answer.ok) return { kind: 'no_answer', answer };
  const { status, body } = answer;
  return status === 200 && isStatus(body)
    ? { kind: 'gateway', status: statusOfJson(body) }
    : { kind: 'other', status, body };
}

/** The status that an answer holds. */
export function statusOfJson(body: unknown): ShownStatus {
  return camelCased(body) as ShownStatus;
}

/**
 * Whether an answer is the status of a gateway, of this version or another one. The members that every version has are
 * checked by hand, because the status of another version need not fit the schema of this one.
 */
function isStatus(body: unknown): boolean {
  if (typeof body !== 'object' || body === null) return false;
  const status = body as Readonly<Record<string, unknown>>;
  return (
    ['deployment', 'member', 'version', 'epoch', 'content_hash', 'state'].every(
      (key) => typeof status[key] === 'string',
    ) &&
    ['pid', 'uptime_s', 'revision'].every((key) => typeof status[key] === 'number') &&
    ['listeners', 'upstreams', 'applications', 'workers'].every((key) => Array.isArray(status[key])) &&
    (status['source'] === null || typeof status['source'] === 'string')
  );
}

/** Whether a gateway runs this configuration file: '-' is one that was read from standard input. */
export function runsFile({ source }: GatewayStatus, file: string, context: ProcessContext): boolean {
  if (file === inputName || source === null) return file === inputName && source === null;
  const path = resolve(context.directory, file);
  return path === source || isSameFile(path, source);
}

/** Symbolic links, hard links and bind mounts lead to the same file. */
function isSameFile(one: string, other: string): boolean {
  const [first, second] = [one, other].map((path) => statSync(path, { throwIfNoEntry: false, bigint: true }));
  return first !== undefined && second !== undefined && first.ino === second.ino && first.dev === second.dev;
}

/** What a gateway runs, as the end of a sentence: its configuration file, or the command of `candor run`. */
export function whatRuns({ source, applications }: GatewayStatus): string {
  if (source !== null) return harmless(source);
  const command = applications[0]?.command ?? [];
  if (command.length === 0) return 'a configuration from standard input';
  return `\`${shorten(harmless(command.join(' ')), commandColumns)}\``;
}

const commandColumns = 50;

/** What tells one gateway from another: addresses, what it runs, process, and the process's current folder. */
export function describeGateway(status: GatewayStatus): string {
  const addresses = status.listeners.filter(({ state }) => state === 'open').map(({ address }) => harmless(address));
  const where = addresses.length === 0 ? 'no open listener' : addresses.slice(0, addressesMax).join(' and ');
  const folder = folderOf(status.pid);
  return `${where}, runs ${whatRuns(status)}, process ${status.pid}${folder === null ? '' : ` in ${harmless(folder)}`}`;
}

const addressesMax = 3;

/** Null where the system does not say it: it is no Linux, or the process is another user's. */
function folderOf(pid: number): string | null {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return null;
  }
}

export function foldersToSearch(context: ProcessContext): string[] {
  return [...new Set([...runtimeFolders(context.env), serviceFolder, context.directory])];
}

/** Far more gateways than one person runs. */
const socketsMax = 64;

export interface LiveGateway {
  readonly target: Extract<AdminTarget, { kind: 'socket' }>;
  readonly status: GatewayStatus;
}

interface LiveGateways {
  readonly gateways: readonly LiveGateway[];
  readonly silent: readonly string[];
}

/**
 * The gateways that answer at the sockets that `candor` creates by default. `silent`: what sockets that accepted the request
 * did instead of a response, as sentences.
 */
export async function findLiveGateways(context: ProcessContext): Promise<LiveGateways> {
  const own = socketsIn(foldersToSearch(context)).paths.filter((path) => mayBeAdminSocket(path, context));
  const found = await gatewaysAt(own, context);
  // If root runs gateways, those of other users are not offered as a choice.
  if (found.gateways.length > 0 || found.silent.length > 0) return found;
  return gatewaysAt(socketsOfOthers(context.env), context);
}

export async function gatewaysAt(
  paths: readonly string[],
  context: ProcessContext,
  answerMs = lookupMs,
): Promise<LiveGateways> {
  const gateways: LiveGateway[] = [];
  const silent: string[] = [];
  await Promise.all(
    paths.slice(0, socketsMax).map(async (path) => {
      const target = { kind: 'socket', path } as const;
      const looked = await lookUpGateway(target, context, answerMs);
      if (looked.kind === 'gateway') gateways.push({ target, status: looked.status });
      else silent.push(...silenceOf(path, looked));
    }),
  );
  return { gateways: gateways.sort((one, other) => (one.target.path < other.target.path ? -1 : 1)), silent };
}

function silenceOf(path: string, looked: GatewayLookup): string[] {
  if (looked.kind !== 'no_answer') return [];
  const { why, errno } = looked.answer;
  if (why === 'timeout') return [`What listens at ${path} did not answer within ${lookupMs / 1000} s.`];
  return why === 'not_an_answer' && isClosedEarly(errno) ? [closedEarlyText(path)] : [];
}

/**
 * The current folder may contain sockets of other programs. The only socket that a gateway creates there by default is
 * `candor.sock`.
 */
export function mayBeAdminSocket(path: string, context: ProcessContext): boolean {
  const folders = [...runtimeFolders(context.env), serviceFolder];
  return folders.includes(dirname(path)) || basename(path) === 'candor.sock';
}

/** Longer than a gateway needs that is not held up; the way to one that is goes through its file. */
const unchangedMs = 250;

/** A file of this age at the start of its gateway has been read by it as it is: clocks of file systems are coarse. */
const settledMs = 1000;

/**
 * The gateway of this user that runs a file and was started after its last change. It has found no error in the file, and answers where a
 * gateway does by default, so that the file need not be read: its readers take longer than the whole command. Null if there is no such
 * gateway, or several.
 */
export async function gatewayOfUnchanged(file: string, context: ProcessContext): Promise<AdminTarget | null> {
  const found = file === inputName ? undefined : statSync(resolve(context.directory, file), { throwIfNoEntry: false });
  if (found === undefined) return null;
  const own = socketsIn(foldersToSearch(context)).paths.filter((path) => mayBeAdminSocket(path, context));
  const { gateways } = await gatewaysAt(own, context, unchangedMs);
  const [only, ...others] = gateways.filter(({ status }) => runsFile(status, file, context));
  if (only === undefined || others.length > 0) return null;
  const changedAt = Math.max(found.mtimeMs, found.ctimeMs) + settledMs;
  return changedAt < Date.parse(only.status.startedAt) ? only.target : null;
}
