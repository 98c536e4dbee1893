import type { HealthResult, CheckStatus } from './health-checks.ts';

/** `application/health+json` (draft-inadarei-api-health-check); `draining` is what gateways read as: no new requests, please. */
export interface HealthDocument {
  readonly status: CheckStatus | 'draining';
  readonly serviceId?: string;
  readonly version?: string;
  readonly output?: string;
  readonly checks?: Readonly<Record<string, readonly HealthEntry[]>>;
}

interface HealthEntry {
  readonly status: CheckStatus;
  readonly observedValue: number;
  readonly observedUnit: 'ms';
  readonly time: string;
  readonly output?: string;
}

interface HealthFacts {
  readonly name: string | null;
  readonly version: string | null;
  /** Why the instance takes no requests; null: it does. */
  readonly unready: { readonly status: 'draining' | 'fail'; readonly why: string } | null;
  readonly results: ReadonlyMap<string, HealthResult>;
}

export function healthDocument({ name, version, unready, results }: HealthFacts): HealthDocument {
  return {
    status: unready?.status ?? worstOf([...results.values()].map(({ status }) => status)),
    ...(name === null ? {} : { serviceId: name }),
    ...(version === null ? {} : { version }),
    ...(unready === null ? {} : { output: unready.why }),
    ...(results.size === 0 ? {} : { checks: Object.fromEntries([...results].map(entryOf)) }),
  };
}

/** Gateways that do not read the document read this. */
export function healthStatusCode({ status }: HealthDocument): number {
  return status === 'pass' || status === 'warn' ? 200 : 503;
}

function entryOf([name, { status, tookMs, time, output }]: [string, HealthResult]): [string, readonly HealthEntry[]] {
  const observed = { observedValue: Math.round(tookMs), observedUnit: 'ms' as const };
  const at = new Date(time).toISOString();
  return [`${name}:responseTime`, [{ status, ...observed, time: at, ...(output === null ? {} : { output }) }]];
}

function worstOf(statuses: readonly CheckStatus[]): CheckStatus {
  if (statuses.includes('fail')) return 'fail';
  return statuses.includes('warn') ? 'warn' : 'pass';
}
