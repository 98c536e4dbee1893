import type { InstanceExit } from '#failures/instance-exit.ts';
import { exitExplains, explainExit } from '#failures/failure-texts.ts';
import type { ExchangeRecord } from '../core/schemas/record.ts';
import { stoppedJson } from '../core/recorded-exit.ts';
import type { EndpointSnapshot } from '../core/snapshot.ts';
import type { Clock } from '../core/time.ts';
import { mayBeCausedByExit } from '#failures/process-note.ts';

/** How many exits are kept, of all instances: in a crash loop the last ones matter. */
const exitsMax = 256;

/** A connection breaks before the system reports the exit of its process; on a busy machine by this much (see `exit-news.ts`). */
const noticedWithinMs = 1000;

/** An exit, and when the main thread received it, in milliseconds since the Unix epoch. */
interface KnownExit {
  readonly endpoint: string;
  readonly exit: InstanceExit;
  readonly receivedWall: number;
}

/**
 * Exits of instances, as the main thread receives them. A response cannot wait long for an exit; a later query of
 * its record shows the exit that came after it.
 */
export class LateExits {
  readonly #clock: Clock;
  #known: KnownExit[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Notes the exits of an application's endpoints. */
  note(endpoints: Iterable<Pick<EndpointSnapshot, 'id' | 'exit'>>): void {
    for (const { id, exit } of endpoints) if (exit !== null) this.#noteOne(id, exit);
  }

  #noteOne(endpoint: string, exit: InstanceExit): void {
    const same = (known: KnownExit): boolean => known.endpoint === endpoint && known.exit.atInstant === exit.atInstant;
    const index = this.#known.findIndex(same);
    const { now, wall } = { now: this.#clock.now(), wall: this.#clock.wallTime() };
    const known = { endpoint, exit, receivedWall: wall - (now - exit.atInstant) };
    // The last line often comes after the exit.
    if (index >= 0) this.#known[index] = known;
    else this.#known = [...this.#known.slice(1 - exitsMax), known];
  }

  /** Adds an exit that was not known when the response was sent; returns the same record if there is none. */
  complete(record: ExchangeRecord): ExchangeRecord {
    const last = record.attempts.at(-1);
    if (record.end !== 'generated' || last === undefined || last.exit !== null) return record;
    if (last.cause === null || !exitExplains(last.cause, record.cause) || !mayBeCausedByExit(last.cause)) return record;
    const failedWall = Date.parse(record.at) + last.ended_ms;
    const known = this.#known.find(
      ({ endpoint, receivedWall }) =>
        endpoint === last.endpoint && Math.abs(receivedWall - failedWall) <= noticedWithinMs,
    );
    return known === undefined ? record : withExit(record, last, known, failedWall);
  }
}

function withExit(
  record: ExchangeRecord,
  last: ExchangeRecord['attempts'][number],
  { exit, receivedWall }: KnownExit,
  failedWall: number,
): ExchangeRecord {
  const { code, signal, outOfMemory, lastLine } = exit;
  const answeredWall = Date.parse(record.at) + record.duration_ms;
  const beforeMs = Math.round(failedWall - receivedWall);
  const afterAnswerMs = Math.max(0, Math.round(receivedWall - answeredWall));
  const known = { code, signal, oom: outOfMemory, before_ms: beforeMs, last_line: lastLine, ...stoppedJson(exit) };
  const attempt = { ...last, exit: { ...known, after_answer_ms: afterAnswerMs } };
  const detail = `${record.detail ?? ''} ${explainExit(exit, beforeMs, afterAnswerMs)}`.trimStart();
  return { ...record, attempts: [...record.attempts.slice(0, -1), attempt], detail };
}
