import type { DrainSpec } from '../core/configuration.ts';
import { lastRequestMs } from '../core/drain.ts';
import type { EventSink } from '../core/event.ts';
import { after, type Clock, type Instant } from '../core/time.ts';
import type { DrainPlan } from '../core/worker-messages.ts';
import { withTimeout } from '../core/condition.ts';

/**
 * Responding to and recording force-closed requests takes milliseconds; a client that does not read its response
 * gets no more time than this.
 */
export const forceCloseMs = 2000;

/** So long WebSockets have for their close frames before the applications behind them are stopped. */
export const tunnelsCloseMs = 1000;

/** Requests that a client sent before it could know that the listeners are closed arrive within a round trip. */
const inFlightMs = 250;

/** The part of a worker that a shutdown uses. */
export interface DrainingWorker {
  /** Current. */
  readonly exchangesActive: number;
  /** As last reported. */
  readonly counts: { readonly tunnelsActive: number; readonly clientConnections: number } | null;
  announceClose(): void;
  /** Resolves when no request or connection is left, or the worker is lost. */
  drain(plan: DrainPlan): Promise<void>;
  /** `atOnce`: before the drain time is over. */
  forceClose(atOnce: boolean): void;
  terminate(): Promise<void>;
}

/**
 * Phases of a shutdown, in order. The first is skipped without a lame-duck time, the third when no request is
 * left.
 */
type ShutdownPhase = 'lame_duck' | 'draining' | 'force_closing' | 'drained';

/** The phase of a shutdown, and what it waits for. */
interface ShutdownProgress {
  readonly phase: ShutdownPhase;
  /** Until the phase ends in any case. */
  readonly leftMs: number;
  /** Active, without tunnels. */
  readonly exchanges: number;
  readonly tunnels: number;
  readonly connections: number;
}

interface ShutdownParts {
  readonly clock: Clock;
  readonly events: EventSink;
  readonly drain: DrainSpec;
  /** Another process listens on the same ports: there is no lame-duck time, and connections may send a last request. */
  readonly hasSuccessor: boolean;
  /** Resolves when the shutdown must end at once, with the beginning of the event's reason: 'the gateway ends at once (a second signal, SIGTERM)'. */
  readonly atOnce: Promise<string>;
  /** Closes the listening sockets of the main thread: called when the workers close theirs. */
  readonly closeListeners?: () => void;
}

/**
 * The shutdown of all workers together:
 *
 *     lame_duck ──lame_duck over──▶ draining ──nothing left──────────────────▶ drained
 *         └──────at once──────────▶    └──timeout, or at once──▶ force_closing ──▶
 *
 * In the first phase the workers go on serving, but readiness fails, and each response says `Connection: close`. In the second
 * the listeners are closed, and requests in flight finish. In the third requests without a response get a 503 (`drained`), and
 * responses that have begun are truncated; both are recorded.
 */
export class Shutdown {
  readonly #workers: readonly DrainingWorker[];
  readonly #parts: ShutdownParts;
  #phase: ShutdownPhase | null = null;
  #isDrained = false;
  /** Why it ends at once; null: it does not. */
  #atOnceWhy: string | null = null;
  #until: Instant;
  readonly #tunnelsClosed = Promise.withResolvers<void>();

  constructor(workers: readonly DrainingWorker[], parts: ShutdownParts) {
    this.#workers = workers;
    this.#parts = parts;
    this.#until = parts.clock.now();
  }

  get progress(): ShutdownProgress {
    const all = this.#sum(({ exchangesActive }) => exchangesActive);
    const tunnels = Math.min(
      all,
      this.#sum(({ counts }) => counts?.tunnelsActive ?? 0),
    );
    return {
      phase: this.#phase ?? 'draining',
      leftMs: Math.max(0, this.#until - this.#parts.clock.now()),
      exchanges: all - tunnels,
      tunnels,
      connections: this.#sum(({ counts }) => counts?.clientConnections ?? 0),
    };
  }

  /**
   * Resolves when no tunnel is open, or has had its time to end. An application that is stopped before breaks its WebSockets,
   * and would be said to have done it.
   */
  get tunnelsClosed(): Promise<void> {
    return this.#tunnelsClosed.promise;
  }

  /** Resolves when the workers are gone. */
  async run(): Promise<void> {
    const { clock, drain, hasSuccessor, atOnce } = this.#parts;
    void atOnce.then((why) => {
      this.#atOnceWhy = why;
    });
    if (drain.lameDuckMs > 0 && !hasSuccessor) {
      this.#enter('lame_duck', drain.lameDuckMs);
      for (const worker of this.#workers) worker.announceClose();
      await withTimeout(clock, drain.lameDuckMs, atOnce);
    }
    this.#enter('draining', drain.timeoutMs);
    const idleMs = Math.min(drain.timeoutMs, hasSuccessor ? lastRequestMs : inFlightMs);
    const why = hasSuccessor ? 'gateway_replaced' : 'gateway_stopping';
    const plan: DrainPlan = { why, tunnels: drain.tunnels, idleMs, hasSuccessor };
    const drained = Promise.all(this.#workers.map((worker) => worker.drain(plan)));
    this.#parts.closeListeners?.();
    void drained.then(() => {
      this.#isDrained = true;
    });
    await withTimeout(clock, drain.timeoutMs, drained, atOnce);
    if (!this.#isDrained) await this.#forceClose(drained);
    this.#tunnelsClosed.resolve();
    await Promise.all(this.#workers.map((worker) => worker.terminate()));
    this.#enter('drained', 0);
  }

  async #forceClose(drained: Promise<unknown>): Promise<void> {
    this.#enter('force_closing', forceCloseMs);
    for (const worker of this.#workers) worker.forceClose(this.#atOnceWhy !== null);
    void withTimeout(this.#parts.clock, tunnelsCloseMs, drained).then(() => this.#tunnelsClosed.resolve());
    await withTimeout(this.#parts.clock, forceCloseMs, drained);
  }

  #enter(phase: ShutdownPhase, limitMs: number): void {
    const { clock, events } = this.#parts;
    const from = this.#phase ?? 'serving';
    this.#phase = phase;
    this.#until = after(clock.now(), limitMs);
    const { exchanges, tunnels, connections } = this.progress;
    const evidence = { exchanges, tunnels, connections, limitMs };
    const reason =
      phase === 'force_closing' ? `${this.#atOnceWhy ?? 'the drain time is over'}: ${forceClosed}` : reasons[phase];
    events.emit({ kind: 'drain_phase', subject: 'gateway', from, to: phase, reason, evidence });
  }

  #sum(of: (worker: DrainingWorker) => number): number {
    return this.#workers.reduce((sum, worker) => sum + of(worker), 0);
  }
}

const forceClosed = 'requests without a response get a 503, other responses are truncated';

const reasons: Readonly<Record<Exclude<ShutdownPhase, 'force_closing'>, string>> = {
  lame_duck: 'readiness fails, and requests are still served until load balancers have stopped sending them',
  draining: 'listeners are closed, and requests in flight finish',
  drained: 'no request is in flight any more',
};
