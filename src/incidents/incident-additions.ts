import type {
  CountedCause,
  FailureFamily,
  IncidentAddition,
  IncidentSuspect,
  SuspectKind,
} from '../core/live-incident.ts';

/** A way in which instances end by themselves. */
export type ExitKind = 'out_of_memory' | 'crash';

interface PartNames {
  route: string;
  endpoint: string;
  family: FailureFamily;
}

type PartKind = keyof PartNames;

/** A route or an endpoint of the upstreams of an incident, or a way in which their requests fail, since it started. */
interface Part {
  readonly kind: PartKind;
  readonly name: string;
  readonly recent: { readonly second: number; readonly all: number; readonly failed: number }[];
  /** Requests or attempts that are older than the recent ones, and how many of them failed. */
  all: number;
  failed: number;
  isAdded: boolean;
}

/** What has begun to fail together. */
export interface FoundAddition {
  readonly foundSecond: number;
  readonly sinceSecond: number;
  /** When the first of its failures came, or an instance ended, if it is known better than by its second. */
  sinceMs: number | null;
  /** The last one with a failure. */
  lastSecond: number;
  /** No failure has followed for a while; one that follows begins it again. */
  hasEnded: boolean;
  readonly routes: ReadonlySet<string>;
  readonly endpoints: ReadonlySet<string>;
  /** Ways to fail that are new in the incident. */
  readonly families: ReadonlySet<FailureFamily>;
  readonly exits: ReadonlySet<ExitKind>;
  /** The commonest of those ways. */
  causes: readonly CountedCause['cause'][];
  /** How many failures have those causes; null: they keep requests from being sent, or there are none. */
  counts: Pick<IncidentAddition, 'failed' | 'attemptsFailed'> | null;
  suspects: readonly IncidentSuspect[];
}

/** Bounds of memory: each part takes less than 1 KiB. */
const partsMax = 400;

/** More are told by the sizes of the first ones. */
const additionsMax = 5;

/** Failures of so many seconds are compared with those before. */
const windowS = 10;

/** What fails so soon after the start belongs to the start. */
export const settleS = 15;

/** Failures that have not come for so long have ended. */
export const endedS = 10;

/** Between two additions: what begins meanwhile is told with the next one. */
const holdS = 10;

/** A part that has worked: so many requests, of which hardly any failed. */
const workedMin = 10;
const workedFailedMax = 0.02;

/** A part that fails. */
export const failedMin = 4;
export const failedShareMin = 0.2;

/**
 * Finds what begins to fail while an incident goes on: routes and endpoints that have worked since it started, while others
 * of them failed, and requests that fail in another way than before. Where all failed, or few of each, the incident only has become worse.
 */
export class IncidentAdditions {
  readonly #parts = new Map<string, Part>();
  readonly found: FoundAddition[] = [];
  /** Ways to fail that have taken the place of the first one, and the seconds since which. */
  readonly laterCauses = new Map<FailureFamily, number>();

  /** What one second has brought. */
  see<K extends PartKind>(kind: K, name: PartNames[K], second: number, all: number, failed: number): void {
    const key = `${kind} ${name}`;
    let part = this.#parts.get(key);
    if (part === undefined) {
      if (this.#parts.size >= partsMax) return;
      part = { kind, name, recent: [], all: 0, failed: 0, isAdded: false };
      this.#parts.set(key, part);
    }
    part.recent.push({ second, all: Math.max(all, failed), failed });
  }

  /** Requests fail in another way now than those that the incident began with: this is told, however soon it is. */
  noteLaterCause(family: FailureFamily, sinceSecond: number): void {
    if (!this.laterCauses.has(family)) this.laterCauses.set(family, sinceSecond);
  }

  /** The addition that this second shows; null: none. `exits`: of instances, by their kinds that are new, with their seconds. */
  judge(second: number, startSecond: number, exits: ReadonlyMap<ExitKind, number> = new Map()): FoundAddition | null {
    for (const part of this.#parts.values()) settle(part, second - windowS);
    const isHeld = second - (this.found.at(-1)?.foundSecond ?? -Infinity) < holdS;
    if (isHeld || this.found.length >= additionsMax) return null;
    const isSettled = second - startSecond >= settleS;
    const added = [...this.#parts.values()].filter(
      (part) => !part.isAdded && (this.#laterSince(part) !== null || (isSettled && this.#hasBegun(part, startSecond))),
    );
    if (!isSettled && added.length === 0) return null;
    if (added.length + exits.size === 0) return null;
    for (const part of added) part.isAdded = true;
    const namesOf = <K extends PartKind>(kind: K): ReadonlySet<PartNames[K]> =>
      new Set(added.filter((part) => part.kind === kind).map(({ name }) => name as PartNames[K]));
    const failing = added.flatMap(({ recent }) => recent.filter(({ failed }) => failed > 0));
    const sinceSecond = Math.min(
      ...failing.map((one) => one.second),
      ...added.flatMap((part) => this.#laterSince(part) ?? []),
      ...exits.values(),
    );
    const addition: FoundAddition = {
      ...{ foundSecond: second, sinceSecond, sinceMs: null, lastSecond: sinceSecond, hasEnded: false },
      routes: namesOf('route'),
      endpoints: namesOf('endpoint'),
      families: namesOf('family'),
      exits: new Set(exits.keys()),
      ...{ causes: [], counts: null, suspects: [] },
    };
    this.found.push(addition);
    return addition;
  }

  /** Whether something that has begun later has this reason. */
  has(name: SuspectKind): boolean {
    return (name === 'out_of_memory' || name === 'crash') && this.found.some(({ exits }) => exits.has(name));
  }

  /** Null: it is no later cause. */
  #laterSince({ kind, name }: Part): number | null {
    return kind === 'family' ? (this.laterCauses.get(name as FailureFamily) ?? null) : null;
  }

  #hasBegun({ kind, all, failed, recent }: Part, startSecond: number): boolean {
    if (all < workedMin || failed > workedFailedMax * all) return false;
    const recentFailed = recent.reduce((sum, one) => sum + one.failed, 0);
    const recentAll = recent.reduce((sum, one) => sum + one.all, 0);
    if (recentFailed < failedMin || recentFailed < failedShareMin * recentAll) return false;
    if (kind === 'family') return recent.every((one) => one.failed === 0 || one.second >= startSecond + settleS);
    return [...this.#parts.values()].some((other) => other.kind === kind && hasFailed(other));
  }

  /** `beganAt`: wall time of second 0. `isOver`: the incident goes on no longer. */
  all(beganAt: number, isOver: boolean): readonly IncidentAddition[] {
    return this.found.map(
      ({ sinceSecond, sinceMs, lastSecond, hasEnded, routes, endpoints, causes, counts, suspects }) => ({
        since: Math.floor(beganAt + (sinceMs ?? sinceSecond * 1000)),
        ...(hasEnded || isOver ? { until: beganAt + lastSecond * 1000 + 999 } : {}),
        routes: [...routes],
        endpoints: [...endpoints],
        causes,
        ...counts,
        suspects,
      }),
    );
  }
}

function settle(part: Part, until: number): void {
  while (part.recent[0] !== undefined && part.recent[0].second <= until) {
    const { all, failed } = part.recent.shift() as Part['recent'][number];
    part.all += all;
    part.failed += failed;
  }
}

const hasFailed = ({ all, failed }: Part): boolean => failed >= failedMin && failed >= failedShareMin * all;
