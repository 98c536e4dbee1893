import { join } from 'node:path';
import type {
  CountedUpstream,
  FailureFamily,
  IncidentAddition,
  KeptIncident,
  LiveIncident,
} from '../core/live-incident.ts';
import { ApplicationWords } from './application-words.ts';
import { isConsequenceOf } from './failure-family.ts';
import { makePrivateFolder } from '../deploy/private-folder.ts';
import { readOwnFile, writeWholeLater } from '../deploy/own-file.ts';
import type { Event } from '../core/event.ts';
import { mayBeCausedByExit } from '#failures/process-note.ts';
import type { Cause } from '#failures/failure.ts';
import type { ExchangeRecord } from '../core/schemas/record.ts';
import { instanceOf } from '../core/endpoint.ts';
import type { SearchResult } from '../core/store-messages.ts';
import { after, type Clock, type Instant, type Timer } from '../core/time.ts';
import { wasStopped } from '../core/recorded-exit.ts';

interface OpenAtExitParts {
  readonly clock: Clock;
  /** Searches stored records; without a store it finds nothing. */
  readonly search: (query: string, limit: number) => Promise<SearchResult>;
}

/** The store has a record a moment after its end. */
const storedAfterMs = 1500;

/** A connection breaks before or after the exit is reported, by as much as this. */
const nearMs = 1000;

/** In a crash loop these exits say enough. */
const everyMs = 5000;

const recordsMax = 50;
const templatesMax = 50;
const instancesMax = 200;
const shownMax = 3;
const keptMs = 900_000;

/** What an instance had when it ended: method and path without what varies, and in how many exits. */
interface KnownExits {
  lookedAt: Instant;
  exits: number;
  readonly templates: Map<string, number>;
}

/** Requests that instances had when their processes ended by themselves: one of them may have ended it. */
export class OpenAtExit {
  readonly #parts: OpenAtExitParts;
  readonly #known = new Map<string, KnownExits>();
  readonly #timers = new Set<Timer>();

  constructor(parts: OpenAtExitParts) {
    this.#parts = parts;
  }

  onEvent(event: Event): void {
    if (event.kind !== 'instance_exited' || wasStopped(event)) return;
    const { clock } = this.#parts;
    const now = clock.now();
    const instance = event.subject.slice('instance:'.length);
    const known = this.#known.get(instance);
    if (known !== undefined && now - known.lookedAt < everyMs) return;
    const isOld = known === undefined || now - known.lookedAt > keptMs;
    if (isOld && this.#known.size >= instancesMax) this.#known.clear();
    if (isOld) this.#known.set(instance, { lookedAt: now, exits: 0, templates: new Map() });
    else known.lookedAt = now;
    const timer = clock.schedule(
      after(now, storedAfterMs),
      (all: OpenAtExit) => {
        all.#timers.delete(timer);
        void all.#look(instance, event.at);
      },
      this as OpenAtExit,
    );
    this.#timers.add(timer);
  }

  /** At most three, those of the most exits first: 'GET /orders/{id} (4 of 4 exits)'. */
  of(instance: string): readonly string[] {
    const { exits = 0, templates = new Map<string, number>() } = this.#known.get(instance) ?? {};
    return [...templates]
      .toSorted(([, a], [, b]) => b - a)
      .slice(0, shownMax)
      .map(([template, count]) => (exits === 1 ? template : `${template} (${count} of ${exits} exits)`));
  }

  close(): void {
    for (const timer of this.#timers) timer.cancel();
    this.#timers.clear();
  }

  async #look(instance: string, exitedAt: number): Promise<void> {
    const [since, until] = [exitedAt - 60_000, exitedAt + storedAfterMs].map((ms) => new Date(ms).toISOString());
    const query = `-shape:none -shape:app_error -shape:client_abort since:${since} until:${until}`;
    const result = await this.#parts.search(query, recordsMax);
    const known = this.#known.get(instance);
    if (result.kind !== 'page' || known === undefined) return;
    const found = new Set(
      result.exchanges.flatMap(({ record }) => (hadIt(record, instance, exitedAt) ? [templateOf(record)] : [])),
    );
    if (found.size === 0) return;
    known.exits += 1;
    for (const template of found)
      if (known.templates.has(template) || known.templates.size < templatesMax)
        known.templates.set(template, (known.templates.get(template) ?? 0) + 1);
  }
}

/** Whether an attempt at the instance broke when it ended. A connection that was refused came later. */
function hadIt({ at, attempts }: ExchangeRecord, instance: string, exitedAt: number): boolean {
  return attempts.some(
    ({ endpoint, address, cause, stage, ended_ms: endedMs }) =>
      cause !== null &&
      stage !== 'connect' &&
      mayBeCausedByExit(cause as Cause) &&
      instanceOf(endpoint, address) === instance &&
      Math.abs(Date.parse(at) + endedMs - exitedAt) <= nearMs,
  );
}

/** Numbers and identifiers are what varies. */
const varies = /^(?:\d+|[0-9a-f]{16,}|[0-9a-f]{8}-[0-9a-f-]{27}|[\w-]*\d[\w-]{20,})$/i;
const charactersMax = 100;

function templateOf({ method, path }: ExchangeRecord): string {
  const parts = path.split('/').map((part) => (varies.test(part) ? '{id}' : part));
  const text = `${method} ${parts.join('/')}`;
  return text.length <= charactersMax ? text : `${text.slice(0, charactersMax - 1)}…`;
}

const version = 1;

/** A hundred incidents with all their names have about a tenth of it. */
const bytesMax = 8 * 1024 * 1024;

/** The newest are kept. */
const keptMax = 100;

/** Keeps incidents beyond the end of the process. */
export interface IncidentStorage {
  /** The oldest first. Never throws: a file that cannot be used is as none. */
  read(): readonly KeptIncident[];
  /** Adds incidents, or replaces those with the same key; those of other processes stay. Never rejects; resolves when the disk has all that came before, too. */
  write(incidents: readonly KeptIncident[]): Promise<void>;
}

/** A file in the state folder. During an upgrade two processes write it, seldom: each reads it again before it writes. */
export class IncidentFile implements IncidentStorage {
  readonly #folder: string;
  #writing: Promise<void> = Promise.resolve();

  constructor(folder: string) {
    this.#folder = folder;
  }

  get #path(): string {
    return join(this.#folder, 'incidents.json');
  }

  read(): readonly KeptIncident[] {
    const found = readOwnFile(this.#path, bytesMax);
    if (found.kind !== 'text') return [];
    try {
      const content = JSON.parse(found.text) as { version?: unknown; incidents?: unknown };
      const isUsable = content.version === version && Array.isArray(content.incidents);
      return isUsable ? (content.incidents as readonly unknown[]).filter(isKept) : [];
    } catch {
      return [];
    }
  }

  write(incidents: readonly KeptIncident[]): Promise<void> {
    this.#writing = this.#writing.then(() => (incidents.length === 0 ? undefined : this.#write(incidents)));
    return this.#writing;
  }

  async #write(incidents: readonly KeptIncident[]): Promise<void> {
    const byKey = new Map(this.read().map((incident) => [incident.key, incident]));
    for (const incident of incidents) byKey.set(incident.key, incident);
    const kept = [...byKey.values()].sort((a, b) => a.openedAt - b.openedAt).slice(-keptMax);
    try {
      if (makePrivateFolder(this.#folder) !== null) return;
      await writeWholeLater(this.#path, `${JSON.stringify({ version, incidents: kept })}\n`);
    } catch {
      // The next change writes them all again.
    }
  }
}

const texts = ['key', 'upstream', 'family', 'shape', 'whose'] as const;
const numbers = [
  'id',
  'startedAt',
  'firstRequestAt',
  'openedAt',
  'lastAt',
  'requests',
  'failed',
  'attemptsFailed',
] as const;
const lists = ['upstreams', 'causes', 'routes', 'endpoints', 'suspects', 'additions'] as const;

function isKept(value: unknown): value is KeptIncident {
  if (typeof value !== 'object' || value === null) return false;
  const incident = value as Record<string, unknown>;
  return (
    texts.every((name) => typeof incident[name] === 'string') &&
    numbers.every((name) => Number.isFinite(incident[name])) &&
    lists.every((name) => Array.isArray(incident[name]) && incident[name].every(isObject)) &&
    Array.isArray(incident['findings']) &&
    isObject(incident['rate'])
  );
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;

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
  const most = joinedMost(before, now);
  const upstreams = joinedUpstreams(before.upstreams, now.upstreams);
  const words = new ApplicationWords();
  for (const excerpt of [...(before.excerpts ?? []), ...(now.excerpts ?? [])]) words.add(excerpt);
  return {
    ...now,
    ...(words.all.length === 0 ? {} : { excerpts: words.all }),
    ...(most === undefined ? {} : { most }),
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

/** Of different requests, those of which more have failed. */
function joinedMost({ most: one }: LiveIncident, { most: other }: LiveIncident): LiveIncident['most'] {
  if (one === undefined || other === undefined) return one ?? other;
  const isSame = (['route', 'method', 'status', 'isOfApplication'] as const).every((key) => one[key] === other[key]);
  if (!isSame) return one.failed > other.failed ? one : other;
  const path = one.path === other.path ? one.path : null;
  return { ...other, path, failed: one.failed + other.failed };
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
