import type { IncidentAddition, IncidentSuspect } from '../../core/live-incident.ts';

type PartKind = 'route' | 'endpoint';

/** A route or an endpoint of the upstreams of an incident, since it started. */
interface Part {
  readonly kind: PartKind;
  readonly name: string;
  readonly recent: { readonly second: number; readonly all: number; readonly failed: number }[];
  /** Requests or attempts that are older than the recent ones, and how many of them failed. */
  all: number;
  failed: number;
  isAdded: boolean;
}

/** Parts that have begun to fail together. */
export interface FoundAddition {
  readonly sinceSecond: number;
  readonly routes: ReadonlySet<string>;
  readonly endpoints: ReadonlySet<string>;
  suspects: readonly IncidentSuspect[];
}

/** Bounds of memory: each part takes less than 1 KiB. */
const partsMax = 400;

/** More are told by the sizes of the first ones. */
const additionsMax = 5;

/** Failures of so many seconds are compared with those before. */
const windowS = 10;

/** What fails so soon after the start belongs to the start. */
const settleS = 15;

/** A part that has worked: so many requests, of which hardly any failed. */
const workedMin = 10;
const workedFailedMax = 0.02;

/** A part that fails. */
const failedMin = 4;
const failedShareMin = 0.2;

/**
 * Finds what begins to fail while an incident goes on: routes and endpoints that have worked since it started, while others
 * of them failed. Where all failed, or few of each, the incident only has become worse.
 */
export class IncidentAdditions {
  readonly #parts = new Map<string, Part>();
  readonly found: FoundAddition[] = [];

  /** What one second has brought. */
  see(kind: PartKind, name: string, second: number, all: number, failed: number): void {
    const key = `${kind} ${name}`;
    let part = this.#parts.get(key);
    if (part === undefined) {
      if (this.#parts.size >= partsMax) return;
      part = { kind, name, recent: [], all: 0, failed: 0, isAdded: false };
      this.#parts.set(key, part);
    }
    part.recent.push({ second, all: Math.max(all, failed), failed });
  }

  /** The addition that this second shows; null: none. */
  judge(second: number, startSecond: number): FoundAddition | null {
    for (const part of this.#parts.values()) settle(part, second - windowS);
    if (second - startSecond < settleS || this.found.length >= additionsMax) return null;
    const added = [...this.#parts.values()].filter((part) => !part.isAdded && this.#hasBegun(part));
    if (added.length === 0) return null;
    for (const part of added) part.isAdded = true;
    const namesOf = (kind: PartKind): ReadonlySet<string> =>
      new Set(added.filter((part) => part.kind === kind).map(({ name }) => name));
    const failing = added.flatMap(({ recent }) => recent.filter(({ failed }) => failed > 0));
    const addition: FoundAddition = {
      sinceSecond: Math.min(...failing.map((one) => one.second)),
      routes: namesOf('route'),
      endpoints: namesOf('endpoint'),
      suspects: [],
    };
    this.found.push(addition);
    return addition;
  }

  #hasBegun({ kind, all, failed, recent }: Part): boolean {
    if (all < workedMin || failed > workedFailedMax * all) return false;
    const recentFailed = recent.reduce((sum, one) => sum + one.failed, 0);
    const recentAll = recent.reduce((sum, one) => sum + one.all, 0);
    if (recentFailed < failedMin || recentFailed < failedShareMin * recentAll) return false;
    return [...this.#parts.values()].some((other) => other.kind === kind && hasFailed(other));
  }

  /** `beganAt`: wall time of second 0. */
  all(beganAt: number): readonly IncidentAddition[] {
    return this.found.map(({ sinceSecond, routes, endpoints, suspects }) => ({
      since: beganAt + sinceSecond * 1000,
      routes: [...routes],
      endpoints: [...endpoints],
      suspects,
    }));
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
