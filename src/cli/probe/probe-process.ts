import { networkInterfaces } from 'node:os';
import { type ProcessUsage, processUsage } from '../../system/process-usage.ts';
import type { WayReport } from '../../probe/probe-report.ts';
import { findPortHolder } from '../../deploy/port-holder.ts';

/** The process that serves the target, if it runs on this machine. */
export interface ProbedProcess {
  readonly port: number;
  /** Null: it is not known; `unknown` says why. */
  readonly command: string | null;
  readonly usage: ProcessUsage | null;
  readonly unknown: string | null;
}

/** Null if the target is on another machine. */
export function findProcess({ addresses }: WayReport, platform: string): ProbedProcess | null {
  const own = ownAddresses();
  const local = addresses.map(({ address }) => splitAddress(address)).find(({ host }) => isOwn(host, own));
  if (local === undefined) return null;
  const { port } = local;
  const nothing = { port, command: null, usage: null };
  if (platform !== 'linux') return { ...nothing, unknown: 'which process listens is known on Linux only' };
  const holder = findPortHolder(port);
  if (holder === null) {
    return { ...nothing, unknown: 'no process that this user may inspect listens on the port (try as root)' };
  }
  const usage = processUsage(holder.pid);
  return { port, command: holder.command, usage, unknown: usage === null ? 'the process has ended meanwhile' : null };
}

function ownAddresses(): ReadonlySet<string> {
  return new Set(Object.values(networkInterfaces()).flatMap((list) => (list ?? []).map(({ address }) => address)));
}

function isOwn(host: string, own: ReadonlySet<string>): boolean {
  return host === '::1' || host.startsWith('127.') || own.has(host);
}

/** '[::1]:3000' or '127.0.0.1:3000'. */
function splitAddress(address: string): { readonly host: string; readonly port: number } {
  const [, host = '', port = ''] = /^\[?(.*?)\]?:(\d+)$/.exec(address) ?? [];
  return { host, port: Number(port) };
}
