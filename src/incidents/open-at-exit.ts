import type { Event } from '../core/event.ts';
import { mayBeCausedByExit } from '#failures/exit-causes.ts';
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
