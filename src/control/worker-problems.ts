import { sentenceOf } from '#failures/first-letter.ts';
import { countText } from '#failures/quantity-text.ts';
import { agoText } from '../core/ago-text.ts';
import type { WorkerCounts } from '../core/counters.ts';
import type { Event, EventFacts } from '../core/event.ts';
import type { StatusProblem } from '../core/schemas/status.ts';
import type { Clock, Instant } from '../core/time.ts';
import { workersStep } from '../core/workers-step.ts';
import type { NewProblem } from './client-problems.ts';
import { RecentCount } from './recent-count.ts';
import { workersFailingText } from './worker-loss-watch.ts';

/** A lost worker is a problem for this long. */
const recentMs = 60_000;

/** The workers, and how many are wanted. */
export interface WorkerContext {
  readonly wanted: number;
  readonly workers: readonly { readonly id: number; readonly state: string; readonly isSilent?: boolean }[];
}

/** The problems of the serving workers, from events and from what they count. */
export class WorkerProblems {
  readonly #clock: Clock;
  readonly #problem: NewProblem;
  readonly #shedding = new Map<number, { readonly since: Instant; readonly isLate: boolean }>();
  #lostAt: Instant | null = null;
  readonly #lostWorkers: RecentCount;
  readonly #lostRequests: RecentCount;
  #lostWhy = '';
  /** When it was reported last that a worker does not answer, by its id; of current workers alone. */
  readonly #silentSince = new Map<number, Instant>();
  #whyFailing: { readonly since: Instant; readonly facts: EventFacts['workers_failing'] } | null = null;

  constructor(clock: Clock, problem: NewProblem) {
    this.#clock = clock;
    this.#problem = problem;
    this.#lostWorkers = new RecentCount(clock);
    this.#lostRequests = new RecentCount(clock);
  }

  onEvent(event: Event): void {
    const now = this.#clock.now();
    if (event.kind === 'worker_lost') {
      this.#lostAt = now;
      this.#lostWhy = event.evidence.reason;
      this.#lostWorkers.add(1);
      if (event.evidence.exchangesLost > 0) this.#lostRequests.add(event.evidence.exchangesLost);
    } else if (event.kind === 'workers_failing')
      this.#whyFailing =
        event.to === 'failing' ? { since: this.#whyFailing?.since ?? now, facts: event.evidence } : null;
    else if (event.kind === 'worker_silent' && typeof event.worker === 'number' && !this.#silentSince.has(event.worker))
      this.#silentSince.set(event.worker, now);
  }

  /** Counts that a worker reports several times a second. */
  onCounts({ worker, shedding }: Pick<WorkerCounts, 'worker' | 'shedding'>): void {
    for (const count of [this.#lostWorkers, this.#lostRequests]) count.sample();
    if (shedding === 0) this.#shedding.delete(worker);
    else if (this.#shedding.get(worker)?.isLate !== (shedding === 2))
      this.#shedding.set(worker, { since: this.#clock.now(), isLate: shedding === 2 });
  }

  /** Worst first: those that are missing, fail again and again, were lost, or do not answer. */
  list(context: WorkerContext): readonly StatusProblem[] {
    return [...this.#missing(context), ...this.#failing(context), ...this.#lost(context), ...this.#silent(context)];
  }

  #missing({ wanted, workers }: WorkerContext): readonly StatusProblem[] {
    const serving = servingOf(workers);
    if (this.#lostAt === null || serving >= wanted) return [];
    const who = serving === 0 ? 'No worker serves' : `${serving} of ${wanted} workers serve`;
    const reason = `${who}: a worker was lost, and its replacement has not started yet.`;
    const nextStep = 'Run `candor events` to see why; the gateway starts the replacement by itself.';
    return [this.#problem('workers_missing', this.#lostAt, reason, nextStep)];
  }

  #failing({ wanted, workers }: WorkerContext): readonly StatusProblem[] {
    if (this.#whyFailing === null) return [];
    const { since, facts } = this.#whyFailing;
    const reason = workersFailingText(facts, { serving: servingOf(workers), wanted }, 'serve now');
    return [this.#problem('workers_failing', since, sentenceOf(reason), workersStep)];
  }

  #lost({ wanted }: WorkerContext): readonly StatusProblem[] {
    const { since, lastAt, lastMinute: count } = this.#lostWorkers;
    // Where workers are lost while the gateway stops, people wait for its end.
    if (this.#lostAt === null || wanted === 0 || this.#clock.now() - lastAt >= recentMs) return [];
    const ago = agoText(this.#clock.now() - lastAt);
    const requests = this.#lostRequests.lastMinute;
    const failed = requests === 0 ? 'no request' : `${countText(requests, 'request')}, which failed without a record`;
    const what =
      count === 1
        ? `A worker was lost${ago || ' a moment ago'}`
        : `${count} workers were lost in the last minute, the last one${ago || ' a moment ago'}`;
    const reason = `${what}, with ${failed}: ${this.#lostWhy}.`;
    return [this.#problem('worker_lost', since, reason, workersStep)];
  }

  #silent({ workers }: WorkerContext): readonly StatusProblem[] {
    const now = this.#clock.now();
    const silent = workers.filter(({ state, isSilent }) => state === 'serving' && isSilent === true);
    for (const id of this.#silentSince.keys()) if (!silent.some((one) => one.id === id)) this.#silentSince.delete(id);
    return silent.map(({ id }) => {
      const reason = `Worker ${id} does not answer: its requests wait.`;
      const nextStep =
        'Wait: the gateway replaces a worker that does not answer for long. If it comes again, look at modules of your own (`filters`), and at the load of the machine.';
      return this.#problem('worker_silent', this.#silentSince.get(id) ?? now, reason, nextStep);
    });
  }

  /** Those that refuse requests, for want of memory or time. */
  shedding({ workers }: WorkerContext): readonly StatusProblem[] {
    return [...this.#shedding].flatMap(([id, { since, isLate }]) => {
      if (!workers.some((worker) => worker.id === id && worker.state !== 'lost')) return [];
      if (isLate) {
        const late = `Worker ${id} has more requests than it can serve in time: it refuses those that wait too long with 503 (shed).`;
        const step =
          'See with `candor top` which route gets them, and with `top` whether the gateway has its cores; `workers.delay_max` is the limit.';
        return [this.#problem('worker_sheds', since, late, step)];
      }
      const reason = `Worker ${id} has hardly any memory left: it refuses new connections, and requests with 503 (shed).`;
      const nextStep =
        'Raise `workers.memory_max`, or compare the metric `candor_client_connections` with its usual value.';
      return [this.#problem('worker_sheds', since, reason, nextStep)];
    });
  }

  /** Why clients are refused now, one clause; null: none is for want of workers. */
  refusal({ wanted, workers }: WorkerContext): string | null {
    const isRefused = wanted > 0 && this.#lostAt !== null && servingOf(workers) === 0;
    return isRefused ? 'no worker serves: a worker was lost, and its replacement has not started yet' : null;
  }
}

function servingOf(workers: WorkerContext['workers']): number {
  return workers.filter(({ state }) => state === 'serving').length;
}
