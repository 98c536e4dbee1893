import type { DrainSpec } from '../core/configuration.ts';
import { lastRequestMs } from '../core/drain.ts';
import type { EventSink } from '../core/event.ts';
import { after, type Clock, type Instant } from '../core/time.ts';
import type { DrainPlan } from '../core/worker-messages.ts';
import { withTimeout } from '../core/condition.ts';

/** To answer and record what is cut takes milliseconds; a client that does not take its answer gets no more than this. */
export const forceCloseMs = 2000;

/** What a client sent before it could know that nobody listens any more arrives within a round trip. */
const inFlightMs = 250;

/** What an end needs of a worker. */
export interface DrainingWorker {
  /** At this moment. */
  readonly exchangesActive: number;
  /** As it last reported. */
  readonly counts: { readonly tunnelsActive: number; readonly clientConnections: number } | null;
  announceClose(): void;
  /** Resolves when nothing is left, or the worker is lost. */
  drain(plan: DrainPlan): Promise<void>;
  /** `atOnce`: somebody asked for it before the time to finish was over. */
  forceClose(atOnce: boolean): void;
  terminate(): Promise<void>;
}

/** Phases of an end, in their order; the first is left out without a lame-duck time, the third where nothing is left. */
export type ShutdownPhase = 'lame_duck' | 'draining' | 'force_closing' | 'drained';

/** How far an end has come, and what it waits for. */
export interface ShutdownProgress {
  readonly phase: ShutdownPhase;
  /** Until the phase is over in any case. */
  readonly leftMs: number;
  /** Under way, tunnels apart. */
  readonly exchanges: number;
  readonly tunnels: number;
  readonly connections: number;
}

export interface ShutdownParts {
  readonly clock: Clock;
  readonly events: EventSink;
  readonly drain: DrainSpec;
  /** Another process listens on the same ports: there is no lame-duck time, and connections may send a last request. */
  readonly hasSuccessor: boolean;
  /** Resolves when the end is wanted at once. */
  readonly atOnce: Promise<void>;
  /** Closes the listening sockets that are not the workers': called when the workers close theirs. */
  readonly closeListeners?: () => void;
}

/**
 * The end of the workers, all together:
 *
 *     lame_duck ──lame_duck over──▶ draining ──nothing left──────────────────▶ drained
 *         └──────at once──────────▶    └──timeout, or at once──▶ force_closing ──▶
 *
 * In the first everything is served, but not ready any more, and each response says `Connection: close`. In the second
 * the listeners are closed, and what is under way goes on. In the third what has no answer gets a 503 (`drained`), and
 * what has one is cut short; both are recorded.
 */
export class Shutdown {
  readonly #workers: readonly DrainingWorker[];
  readonly #parts: ShutdownParts;
  #phase: ShutdownPhase | null = null;
  #isDrained = false;
  #isAtOnce = false;
  #until: Instant;

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

  /** Resolves when the workers are gone. */
  async run(): Promise<void> {
    const { clock, drain, hasSuccessor, atOnce } = this.#parts;
    void atOnce.then(() => {
      this.#isAtOnce = true;
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
    await Promise.all(this.#workers.map((worker) => worker.terminate()));
    this.#enter('drained', 0);
  }

  async #forceClose(drained: Promise<unknown>): Promise<void> {
    this.#enter('force_closing', forceCloseMs);
    for (const worker of this.#workers) worker.forceClose(this.#isAtOnce);
    await withTimeout(this.#parts.clock, forceCloseMs, drained);
  }

  #enter(phase: ShutdownPhase, limitMs: number): void {
    const { clock, events } = this.#parts;
    const from = this.#phase ?? 'serving';
    this.#phase = phase;
    this.#until = after(clock.now(), limitMs);
    const { exchanges, tunnels, connections } = this.progress;
    const evidence = { exchanges, tunnels, connections, limitMs };
    const reason = phase === 'force_closing' && this.#isAtOnce ? atOnceReason : reasons[phase];
    events.emit({ kind: 'drain_phase', subject: 'gateway', from, to: phase, reason, evidence });
  }

  #sum(of: (worker: DrainingWorker) => number): number {
    return this.#workers.reduce((sum, worker) => sum + of(worker), 0);
  }
}

const atOnceReason = 'it was told to end at once: what is left is answered 503, or cut short';

const reasons: Readonly<Record<ShutdownPhase, string>> = {
  lame_duck: 'it is not ready any more, and serves on until load balancers have turned elsewhere',
  draining: 'it accepts nothing new, and lets what is under way finish',
  force_closing: 'the time to finish is over: what is left is answered 503, or cut short',
  drained: 'nothing is under way any more',
};
