import { type Amounts, noAmounts, summed, type UsageKind, usageKinds, type UsageOwner } from './amounts.ts';
import type { CountedProgram } from './process-meter.ts';

/** What one series has used in one minute or hour, or in a part of it. */
export interface UsageRow {
  /** Minutes or hours since the Unix epoch. */
  readonly at: number;
  readonly owner: UsageOwner;
  readonly amounts: Readonly<Amounts>;
}

/** What is counted of the programs that run, in the boot of the machine that their start times are of. */
export interface CountedPrograms {
  readonly boot: string;
  readonly programs: readonly CountedProgram[];
}

/** The first line of each file. */
export const usageVersion = 1;
export const headerLine = JSON.stringify({ candor_usage: usageVersion });

/** Short, since a row is written for each series and minute. */
const letters: Readonly<Record<(typeof summed)[number], string>> = {
  ...{ cpuMs: 'c', byteSeconds: 'm', runMs: 'r', restarts: 'x', starts: 's' },
  ...{ requests: 'q', errors: 'e', bytesIn: 'i', bytesOut: 'o', busyMs: 'b' },
};

/** `{"t":29402412,"a":"shop","k":"instances","v":"r12","c":1830,…}`: what is 0 or empty is left out. */
export function rowLine({ at, owner, amounts }: UsageRow): string {
  const line: Record<string, unknown> = { t: at, a: owner.application, k: owner.kind };
  if (owner.name !== '') line['n'] = owner.name;
  if (owner.release !== '') line['v'] = owner.release;
  for (const key of summed) if (amounts[key] !== 0) line[letters[key]] = rounded(amounts[key]);
  if (amounts.peakBytes !== 0) line['p'] = Math.round(amounts.peakBytes);
  if (amounts.durations.size > 0) line['d'] = [...amounts.durations].flatMap(([cell, count]) => [cell, rounded(count)]);
  return JSON.stringify(line);
}

export function countedLine({ boot, programs }: CountedPrograms): string {
  const rows = programs.map(({ pid, startTicks, timesMs, groupMs }) => [
    ...[pid, startTicks, rounded(timesMs)],
    groupMs === null ? null : rounded(groupMs),
  ]);
  return JSON.stringify({ boot, programs: rows });
}

type UsageLine =
  | { readonly kind: 'row'; readonly row: UsageRow }
  | { readonly kind: 'counted'; readonly counted: CountedPrograms }
  /** Cut off, or damaged. */
  | { readonly kind: 'nothing' };

export function readLine(text: string): UsageLine {
  try {
    const value = JSON.parse(text) as Readonly<Record<string, unknown>> | null;
    if (value !== null && Array.isArray(value['programs']) && typeof value['boot'] === 'string') {
      const programs = (value['programs'] as readonly unknown[]).flatMap(countedOf);
      return { kind: 'counted', counted: { boot: value['boot'], programs } };
    }
    const row = value === null ? null : rowOf(value);
    return row === null ? { kind: 'nothing' } : { kind: 'row', row };
  } catch {
    return { kind: 'nothing' };
  }
}

/** Null: it is of a version that is not known, or no file of this kind. */
export function versionOf(firstLine: string): number | null {
  try {
    const version = (JSON.parse(firstLine) as { candor_usage?: unknown } | null)?.candor_usage;
    return typeof version === 'number' ? version : null;
  } catch {
    return null;
  }
}

function rowOf(value: Readonly<Record<string, unknown>>): UsageRow | null {
  const { t: at, a: application, k: kind, n: name = '', v: release = '', d: durations = [] } = value;
  const isNamed = typeof application === 'string' && typeof name === 'string' && typeof release === 'string';
  if (!isNamed || !isAmount(at) || !usageKinds.includes(kind as UsageKind)) return null;
  const amounts = noAmounts();
  for (const key of summed) {
    const amount = value[letters[key]] ?? 0;
    if (!isAmount(amount)) return null;
    amounts[key] = amount;
  }
  const peak = value['p'] ?? 0;
  if (!isAmount(peak) || !Array.isArray(durations) || !durations.every(isAmount)) return null;
  amounts.peakBytes = peak;
  for (let at_ = 0; at_ + 1 < durations.length; at_ += 2)
    amounts.durations.set(durations[at_] as number, durations[at_ + 1] as number);
  return { at, owner: { application, kind: kind as UsageKind, name, release }, amounts };
}

function countedOf(value: unknown): CountedProgram[] {
  if (!Array.isArray(value)) return [];
  const [pid, startTicks, timesMs, groupMs] = value as readonly unknown[];
  const isCounted = isAmount(pid) && typeof startTicks === 'string' && isAmount(timesMs);
  if (!isCounted || !(groupMs === null || typeof groupMs === 'number')) return [];
  return [{ pid, startTicks, timesMs, groupMs }];
}

const isAmount = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value) && value >= 0;

const rounded = (value: number): number => Math.round(value * 1000) / 1000;
