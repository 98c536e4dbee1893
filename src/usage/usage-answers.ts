import type { PricesSpec } from '../features/prices/settings.ts';
import type { CostAnswer, UsageNow, UsageRequest, UsageSeries } from '../core/schemas/usage.ts';
import { round } from '../core/round.ts';
import { type Amounts, durationQuantileMs, ownerKey, type UsageKind, usageKinds, type UsageOwner } from './amounts.ts';
import { costReport } from './cost.ts';
import type { ProgramNow } from './process-meter.ts';
import type { TrafficNow } from './live-traffic.ts';
import type { Usage } from './usage.ts';
import { hourDays, minuteHours } from './usage-file.ts';
import { dayMs, hourMs } from './months.ts';

/** Many minutes make an answer that nobody reads. */
const minutesAnsweredMs = 6 * hourMs;

export function usageSeries(
  usage: Usage,
  { since, until, step: wanted, application }: UsageRequest,
  now: number,
): UsageSeries {
  const isKept = since >= now - minuteHours * hourMs;
  const step = wanted ?? (isKept && until - since <= minutesAnsweredMs ? 'minute' : 'hour');
  const stepMs = step === 'minute' ? 60_000 : hourMs;
  const { since: knownSince } = usage.history;
  const series = usage.history.steps(step, since, until, application).map(({ owner, steps }) => ({
    ...owner,
    steps: [...steps].map(([at, amounts]) =>
      stepOf(at * stepMs, owner.kind, amounts, Math.min(stepMs, now - at * stepMs)),
    ),
  }));
  return {
    stepS: stepMs / 1000,
    since: timeText(Math.floor(since / stepMs) * stepMs),
    until: timeText(until),
    knownSince: knownSince === null ? null : timeText(knownSince),
    series: series.toSorted(byOwner),
  };
}

/** `elapsedMs`: how much of the step is over. */
function stepOf(
  at: number,
  kind: UsageKind,
  amounts: Readonly<Amounts>,
  elapsedMs: number,
): UsageSeries['series'][number]['steps'][number] {
  const { cpuMs, byteSeconds, peakBytes, runMs, starts, restarts, requests, errors, bytesIn, bytesOut } = amounts;
  const held = kind === 'storage' ? peakBytes : byteSeconds / (Math.max(1000, elapsedMs) / 1000);
  return {
    at: timeText(at),
    cpuS: round(cpuMs / 1000, 3),
    memoryBytes: Math.round(held),
    memoryBytesMax: Math.round(peakBytes),
    runS: round(runMs / 1000, 3),
    ...{ starts, restarts },
    ...{ requests: Math.round(requests), errors: Math.round(errors) },
    ...{ bytesIn: Math.round(bytesIn), bytesOut: Math.round(bytesOut) },
    p50Ms: durationQuantileMs(amounts, 0.5),
    p99Ms: durationQuantileMs(amounts, 0.99),
  };
}

export function usageNow(usage: Usage, now: number): UsageNow {
  const rows = new Map<string, { owner: UsageOwner; programs: ProgramNow[]; traffic: TrafficNow | null }>();
  const rowOf = (owner: UsageOwner): { owner: UsageOwner; programs: ProgramNow[]; traffic: TrafficNow | null } => {
    const row = rows.get(ownerKey(owner)) ?? { owner, programs: [], traffic: null };
    rows.set(ownerKey(owner), row);
    return row;
  };
  for (const program of usage.programs) rowOf(program.owner).programs.push(program);
  for (const traffic of usage.traffic) rowOf(traffic.owner).traffic = traffic;
  const { restarts } = usage.history;
  const shown = [...rows.values()].map(({ owner, programs, traffic }): UsageNow['rows'][number] => ({
    ...owner,
    cores: coresOf(programs),
    memoryBytes: programs.reduce((sum, { residentBytes }) => sum + residentBytes, 0),
    processes: programs.reduce((sum, { processes }) => sum + processes, 0),
    restarts: restarts.get(ownerKey(owner)) ?? 0,
    requestsPerS: round(traffic?.requestsPerS ?? 0, 2),
    errorsPerS: round(traffic?.errorsPerS ?? 0, 2),
    bytesOutPerS: Math.round(traffic?.bytesOutPerS ?? 0),
    p50Ms: traffic === null ? null : durationQuantileMs(traffic.minute, 0.5),
    p99Ms: traffic === null ? null : durationQuantileMs(traffic.minute, 0.99),
    programs: programs
      .toSorted((a, b) => a.id.localeCompare(b.id, 'en', { numeric: true }))
      .map(({ id, pid, cores, residentBytes, processes, source }) => ({
        ...{ id, pid, processes, memoryBytes: residentBytes, cpuSource: source },
        cores: cores === null ? null : round(cores, 3),
      })),
  }));
  const folders = [...new Set(shown.map(({ application }) => application))].flatMap((application) => {
    const size = usage.sizeOf(application);
    return size === null || size.bytes === 0 ? [] : [storageRow(application, size.bytes)];
  });
  return { at: timeText(now), rows: [...shown, ...folders].toSorted(byOwner) };
}

function storageRow(application: string, memoryBytes: number): UsageNow['rows'][number] {
  return {
    ...{ application, kind: 'storage', name: '', release: '', cores: null, memoryBytes, processes: 0, restarts: 0 },
    ...{ requestsPerS: 0, errorsPerS: 0, bytesOutPerS: 0, p50Ms: null, p99Ms: null, programs: [] },
  };
}

function coresOf(programs: readonly ProgramNow[]): number | null {
  const known = programs.flatMap(({ cores }) => cores ?? []);
  return known.length === 0
    ? null
    : round(
        known.reduce((sum, one) => sum + one, 0),
        3,
      );
}

export function usageCost(usage: Usage, prices: PricesSpec | null, since: number, until: number): CostAnswer {
  const series = usage.history.steps('hour', Math.min(since, until - hourDays * dayMs), until);
  const report = costReport({ series, prices, since, until, knownSince: usage.history.since });
  return {
    ...report,
    since: timeText(report.since),
    until: timeText(report.until),
    measuredSince: timeText(report.measuredSince),
    applications: report.applications.map(({ items, ...one }) => ({
      ...one,
      items: items.map(({ unit, ...item }) => ({ unit: unitWords[unit], ...item })),
    })),
    forecasts: report.forecasts.map(({ of, ...one }) => ({ of: of === 'cost' ? of : unitWords[of], ...one })),
  };
}

const unitWords = {
  cpuHour: 'cpu_hour',
  memoryGbHour: 'memory_gb_hour',
  storageGbMonth: 'storage_gb_month',
  bandwidthOutGb: 'bandwidth_out_gb',
  millionRequests: 'million_requests',
  requestHour: 'request_hour',
} as const;

type Named = Pick<UsageOwner, 'application' | 'name' | 'release'> & { readonly kind: UsageKind };

function byOwner(one: Named, other: Named): number {
  return (
    one.application.localeCompare(other.application, 'en') ||
    usageKinds.indexOf(one.kind) - usageKinds.indexOf(other.kind) ||
    one.name.localeCompare(other.name, 'en') ||
    one.release.localeCompare(other.release, 'en', { numeric: true })
  );
}

function timeText(at: number): string {
  return new Date(Math.round(at)).toISOString();
}
