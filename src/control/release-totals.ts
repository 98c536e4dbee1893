import type { EndpointResponses } from '../core/attempt-counts.ts';
import type { Clock } from '../core/time.ts';
import { GoneNames, otherName as other } from '../record/gone-names.ts';

/** Attempts at one release of an application since the start of the process. */
export interface ReleaseResponses {
  readonly upstream: string;
  readonly release: string;
  /** '2xx'; 'none': no response came. */
  readonly statusClass: string;
  readonly count: number;
}

/** Two run at a time, for each of the applications. */
const totalsMax = 2000;

/** Adds up by release what workers count by endpoint, in the main thread. A release is counted while its instances run, and ten minutes after that. */
export class ReleaseTotals {
  readonly #totals = new Map<string, ReleaseResponses>();
  readonly #gone: GoneNames;
  readonly #current: () => ReadonlySet<string>;

  /** `current`: the endpoints that there are, with their releases. */
  constructor(clock: Clock, current: () => readonly { readonly id: string; readonly release: string | null }[]) {
    this.#gone = new GoneNames(clock);
    this.#current = () => new Set(current().map(({ id, release }) => nameOf({ upstream: id, release: release ?? '' })));
  }

  /** Call this several times a minute, also with nothing. */
  add(responses: readonly EndpointResponses[]): void {
    for (const { upstream, release, status, count } of responses)
      if (release !== undefined) this.#add({ upstream, release, statusClass: classOf(status), count });
    this.#gone.reviewIfDue(this.#totals, nameOf, this.#current);
  }

  get all(): readonly ReleaseResponses[] {
    return [...this.#totals.values()];
  }

  #add(counted: ReleaseResponses): void {
    const isOther = this.#totals.size >= totalsMax && !this.#totals.has(keyOf(counted));
    const total = isOther ? { ...counted, upstream: other, release: other } : counted;
    const key = keyOf(total);
    this.#totals.set(key, { ...total, count: (this.#totals.get(key)?.count ?? 0) + counted.count });
  }
}

type Names = Pick<ReleaseResponses, 'upstream' | 'release'>;

/** Neither name can hold a line feed. */
const nameOf = ({ upstream, release }: Names): string => (release === other ? other : `${upstream}\n${release}`);

const keyOf = (one: ReleaseResponses): string => `${nameOf(one)}\n${one.statusClass}`;

const classOf = (status: number): string => (status === 0 ? 'none' : `${Math.min(5, Math.floor(status / 100))}xx`);
