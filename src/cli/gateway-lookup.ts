import { readlinkSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { camelCased } from '#failures/json-case.ts';
import { apiRoot } from '../admin/operations.ts';
import type { GatewayStatus } from '../core/schemas/status.ts';
import type { ShownStatus } from './status-table.ts';
import { type AdminResponse, askAdmin } from './admin-client.ts';
import type { AdminTarget } from './admin-target.ts';
import { harmless, shorten } from './layout.ts';
import { inputName } from './read-input.ts';
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
export function isStatus(body: unknown): boolean {
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
