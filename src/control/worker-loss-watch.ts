import type { EventFacts, EventSink } from '../core/event.ts';
import { after, type Clock, type Instant, type Timer } from '../core/time.ts';

/** So many replacements within this time are no accident. */
const lossesMin = 3;
const windowMs = 600_000;

/** When no worker had to be replaced for so long, it is over. The longest pause before a replacement is 30 s. */
const calmMs = 300_000;

/** How many of the wanted workers serve. */
interface ServingWorkers {
  readonly serving: number;
  readonly wanted: number;
}

/** How often workers had to be replaced, and how many serve, at the event or at present. */
export function workersFailingText(
  { lost, lastedMs, why }: Pick<EventFacts['workers_failing'], 'lost' | 'lastedMs' | 'why'>,
  { serving, wanted }: ServingWorkers,
  serve: 'served then' | 'serve now',
): string {
  const minutes = Math.max(1, Math.ceil(lastedMs / 60_000));
  return `${lost} workers had to be replaced within ${minutes} min; ${serving} of ${wanted} ${serve}; the last one: ${why}`;
}

/** Reports that workers have to be replaced again and again, that twice as many had to be since the last report, and that it is over. */
export class WorkerLossWatch {
  readonly #clock: Clock;
  readonly #events: EventSink;
  /** The last ones, as long as they are no more than `lossesMin`. */
  #recent: readonly Instant[] = [];
  /** Since `began`; 0: they do not end again and again. */
  #lost = 0;
  #began: Instant | null = null;
  #reported = 0;
  #timer: Timer | null = null;

  constructor(clock: Clock, events: EventSink) {
    this.#clock = clock;
    this.#events = events;
  }

  /** A worker has ended that was wanted, or a replacement did not come to serve. `why`: a clause. */
  lost(why: string, serving: ServingWorkers): void {
    const now = this.#clock.now();
    this.#recent = [...this.#recent, now].slice(-lossesMin);
    const [first = now] = this.#recent;
    if (this.#began === null && (this.#recent.length < lossesMin || now - first > windowMs)) return;
    this.#lost = this.#began === null ? lossesMin : this.#lost + 1;
    this.#began ??= first;
    this.#timer?.cancel();
    this.#timer = this.#clock.schedule(
      after(now, calmMs),
      (watch: WorkerLossWatch) => watch.#end(),
      this as WorkerLossWatch,
    );
    if (this.#lost < 2 * this.#reported) return;
    const isFirst = this.#reported === 0;
    this.#reported = this.#lost;
    const lastedMs = now - this.#began;
    const facts = { lost: this.#lost, lastedMs, why };
    this.#events.emit({
      kind: 'workers_failing',
      subject: 'gateway',
      from: isFirst ? 'stable' : 'failing',
      to: 'failing',
      reason: workersFailingText(facts, serving, 'served then'),
      evidence: { ...facts, ...serving },
    });
  }

  stop(): void {
    this.#timer?.cancel();
  }

  #end(): void {
    const lost = this.#lost;
    const lastedMs = this.#clock.now() - (this.#began ?? this.#clock.now());
    this.#recent = [];
    this.#lost = 0;
    this.#reported = 0;
    this.#began = null;
    this.#events.emit({
      kind: 'workers_failing',
      subject: 'gateway',
      from: 'failing',
      to: 'stable',
      reason: `no worker had to be replaced for ${calmMs / 60_000} min`,
      evidence: { lost, lastedMs, serving: null, wanted: null, why: null },
    });
  }
}
