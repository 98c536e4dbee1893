import type { EventSink } from '../core/event.ts';
import type { WorkerExit } from './worker-exit.ts';
import type { RestartPause } from './supervised-worker.ts';
import { silentMs } from './worker-pings.ts';
import { hostPort } from '../core/endpoint.ts';
import type { OpenListener } from '../core/worker-messages.ts';

/** The properties of a worker that its events carry. */
interface WorkerFacts {
  readonly id: number;
  readonly threadId: number;
  readonly exchangesActive: number;
}

/** Emits the events of workers. */
export class WorkerEvents {
  readonly #events: EventSink;

  constructor(events: EventSink) {
    this.#events = events;
  }

  started({ id, threadId }: Pick<WorkerFacts, 'id' | 'threadId'>): void {
    const reason = 'the worker starts';
    this.#events.emit({ kind: 'worker_started', subject: `worker:${id}`, reason, worker: id, evidence: { threadId } });
  }

  lost({ id, exchangesActive }: WorkerFacts, { why, threw, code }: WorkerExit, unread: number | null): void {
    this.#events.emit({
      kind: 'worker_lost',
      subject: `worker:${id}`,
      reason: `worker ${id} is lost: ${why}`,
      worker: id,
      evidence: { reason: why, exchangesLost: exchangesActive, unreadConnections: unread, error: threw, code },
    });
  }

  /** `serving`: how many of the wanted workers serve, such as '1 of 2'. */
  restarting(id: number, why: string, { afterMs, failures }: RestartPause, serving: string): void {
    this.#events.emit({
      kind: 'worker_restarting',
      subject: `worker:${id}`,
      reason: `${why}; ${serving} serve, and the next worker is started in ${afterMs / 1000} s`,
      evidence: { afterMs, failures },
    });
  }

  /** Worker `standIn` accepts the new connections of worker `id`. */
  silent(id: number, standIn: number): void {
    const reason = `worker ${id} has not answered for ${silentMs} ms; worker ${standIn} accepts its new connections`;
    const evidence = { silentMs, standIn };
    this.#events.emit({ kind: 'worker_silent', subject: `worker:${id}`, reason, worker: id, evidence });
  }

  retired(id: number, afterMs: number): void {
    this.#events.emit({
      kind: 'worker_retired',
      subject: `worker:${id}`,
      reason: 'the other workers serve without it',
      worker: id,
      evidence: { afterMs },
    });
  }
}

/** Emits an event for each listener that was opened or closed between `before` and `now`. */
export function reportListeners(
  events: EventSink,
  before: readonly OpenListener[],
  now: readonly OpenListener[],
): void {
  const [known, open] = [new Set(before.map(text)), new Set(now.map(text))];
  for (const listener of now.filter((one) => !known.has(text(one)))) {
    const reason = `listening on ${text(listener)}`;
    const evidence = { listener: listener.id, address: text(listener) };
    events.emit({ kind: 'listener_opened', subject: `listener:${listener.id}`, reason, evidence });
  }
  for (const listener of before.filter((one) => !open.has(text(one)))) {
    const reason = 'the configuration no longer has it';
    const evidence = { listener: listener.id, address: text(listener) };
    events.emit({ kind: 'listener_closed', subject: `listener:${listener.id}`, reason, evidence });
  }
}

function text({ host, port }: OpenListener): string {
  return hostPort(host, port);
}
