import type {
  CountedUpstream,
  FailureFamily,
  IncidentAddition,
  KeptIncident,
  LiveIncident,
} from '../core/live-incident.ts';
import { isConsequenceOf } from './failure-family.ts';
import type { IncidentStorage } from './incident-file.ts';

/** An incident whose last failure is older does not go on: what fails now has begun anew. */
const continuedMs = 600_000;

/**
 * Incidents of earlier processes, by the file that they share. One that was open when its process ended, or is open in a process that this one
 * replaces, goes on here if requests of its upstream fail in the same way: with its number and its key, so that no one is told of it twice.
 */
export class EarlierIncidents {
  readonly #storage: IncidentStorage | null;
  readonly #epoch: string;
  /** The latest first. */
  #listed: readonly KeptIncident[] = [];
  /** Open when their process ended: whether they go on is not known yet. Null: an earlier process may still run. */
  #undecided: readonly KeptIncident[] | null = null;
  /** Of several upstreams, and going on at one of them already: the others may follow until `decide`. */
  #shared: readonly KeptIncident[] = [];
  /** By the number that they go on with. */
  readonly #continued = new Map<number, KeptIncident>();

  constructor(storage: IncidentStorage | null, epoch: string) {
    this.#storage = storage;
    this.#epoch = epoch;
  }

  /** Those that do not go on. One of which that is not known yet is listed as interrupted. */
  get list(): readonly KeptIncident[] {
    return this.#listed;
  }

  /** No earlier process runs any more. Returns those that were interrupted: the others may go on until `decide`. */
  read(wallMs: number): readonly KeptIncident[] {
    const found = this.#others().filter(({ key }) => !this.#continues(key));
    const open = found.filter(({ resolvedAt }) => resolvedAt === null);
    this.#undecided = open.filter(({ lastAt }) => wallMs - lastAt < continuedMs);
    this.#listed = found.map((one) => (one.resolvedAt === null ? interrupted(one, wallMs) : one)).reverse();
    const recent = new Set(this.#undecided.map(({ key }) => key));
    return this.#interruptedOf(open.filter(({ key }) => !recent.has(key)));
  }

  /** From now on none goes on that has not. Returns those that were interrupted. */
  decide(): readonly KeptIncident[] {
    const rest = this.#undecided ?? [];
    this.#undecided = [];
    this.#shared = [];
    return this.#interruptedOf(rest);
  }

  /** The incident that goes on with failures of this family, the same for each of its upstreams; null: a new one begins. */
  continue(upstream: string, family: FailureFamily): KeptIncident | null {
    const open =
      this.#undecided ?? this.#others().filter((one) => one.resolvedAt === null && !this.#continues(one.key));
    const isOf = (one: KeptIncident): boolean => isAt(one, upstream) && isRelated(one.family, family);
    const found = open.findLast(isOf) ?? null;
    if (found === null) return this.#shared.find(isOf) ?? null;
    if (found.upstreams.length > 1) this.#shared = [...this.#shared, found];
    this.#continued.set(found.id, found);
    this.#listed = this.#listed.filter(({ key }) => key !== found.key);
    if (this.#undecided !== null) this.#undecided = this.#undecided.filter((one) => one !== found);
    return found;
  }

  /** The incident of an earlier process that goes on with this number; null: it is one of this process. */
  continuedWith(id: number): KeptIncident | null {
    return this.#continued.get(id) ?? null;
  }

  /** During an upgrade the other process counts too. */
  lastNumber(): number {
    return (this.#storage?.read() ?? []).reduce((last, { id }) => Math.max(last, id), 0);
  }

  #continues(key: string): boolean {
    return [...this.#continued.values()].some((one) => one.key === key);
  }

  #others(): readonly KeptIncident[] {
    return (this.#storage?.read() ?? []).filter(({ key }) => !key.startsWith(`${this.#epoch}-`));
  }

  #interruptedOf(some: readonly KeptIncident[]): readonly KeptIncident[] {
    const keys = new Set(some.map(({ key }) => key));
    return this.#listed.filter(({ key }) => keys.has(key));
  }
}

function interrupted(incident: KeptIncident, wallMs: number): KeptIncident {
  return { ...incident, resolvedAt: wallMs, interrupted: true, additions: endedAdditions(incident) };
}

/** No process follows them any more. */
function endedAdditions({ additions, lastAt }: KeptIncident): readonly IncidentAddition[] {
  return additions.map((one) => ({ ...one, until: one.until ?? lastAt }));
}

const isAt = (incident: KeptIncident, upstream: string): boolean =>
  incident.upstream === upstream || incident.upstreams.some((one) => one.upstream === upstream);

/** After a restart the endpoints may be known to be out, so that the consequence is met first, or the other way round. */
function isRelated(before: FailureFamily, now: FailureFamily): boolean {
  return before === now || isConsequenceOf(before, now) || isConsequenceOf(now, before);
}

/** What this process knows of an incident, and what an earlier one has known of it. */
export function joinedIncident(now: LiveIncident, before: KeptIncident): LiveIncident {
  const known = new Set(before.suspects.map(({ name }) => name));
  const suspects = [...before.suspects, ...now.suspects.filter(({ name }) => !known.has(name))];
  const { family, cause, shape, whose } = isConsequenceOf(now.family, before.family) ? before : now;
  const upstreams = joinedUpstreams(before.upstreams, now.upstreams);
  return {
    ...now,
    ...{ family, cause, shape, whose, upstreams },
    causes: joinedCounts(before.causes, now.causes, (one) => one.cause, ['count', 'failed', 'attemptsFailed']).toSorted(
      (a, b) => b.count - a.count,
    ),
    routes: joinedCounts(before.routes, now.routes, ({ route }) => route, ['failed']).toSorted(byFailed),
    endpoints: joinedCounts(before.endpoints, now.endpoints, ({ endpoint }) => endpoint, [
      'attempts',
      'failed',
    ]).toSorted(byFailed),
    upstream: upstreams.length > 1 ? '' : now.upstream,
    additions: [...endedAdditions(before), ...now.additions],
    startedAt: before.startedAt,
    firstRequestAt: Math.min(before.firstRequestAt, now.firstRequestAt),
    openedAt: before.openedAt,
    requests: before.requests + now.requests,
    failed: before.failed + now.failed,
    attemptsFailed: before.attemptsFailed + now.attemptsFailed,
    rate: { before: before.rate.before, during: now.rate.during },
    suspects: suspects.toSorted((a, b) => b.fit - a.fit),
  };
}

function joinedUpstreams(
  before: readonly CountedUpstream[],
  now: readonly CountedUpstream[],
): readonly CountedUpstream[] {
  return joinedCounts(before, now, ({ upstream }) => upstream, ['failed', 'attemptsFailed']).toSorted(byFailed);
}

const byFailed = (a: { readonly failed: number }, b: { readonly failed: number }): number => b.failed - a.failed;

/** Sums of what both have counted under the same name, with what only one has. */
function joinedCounts<T extends object>(
  before: readonly T[],
  now: readonly T[],
  nameOf: (one: T) => string,
  keys: readonly (keyof T)[],
): readonly T[] {
  const joined = new Map(before.map((one) => [nameOf(one), one]));
  for (const one of now) {
    const known = joined.get(nameOf(one));
    joined.set(nameOf(one), known === undefined ? one : { ...one, ...sums(known, one, keys) });
  }
  return [...joined.values()];
}

function sums<T extends object>(one: T, other: T, keys: readonly (keyof T)[]): Partial<T> {
  const pairs = keys.map((key) => {
    const [a, b] = [one[key], other[key]];
    return [key, typeof a === 'number' && typeof b === 'number' ? a + b : undefined];
  });
  return Object.fromEntries(pairs) as Partial<T>;
}
