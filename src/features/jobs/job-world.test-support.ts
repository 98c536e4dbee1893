import type { Event, NewEvent } from '../../core/event.ts';
import type { EndedJob } from '../../deploy/release-job.ts';
import { SimulatedClock } from '../../testing/simulated-clock.ts';
import { addFact, type JobFact, type JobHistory } from './main-history.ts';
import { Job, type JobJournalPort } from './main-job.ts';
import { type CronSchedule, scheduleOf } from '../cron-schedule.ts';
import type { JobSpec } from './settings.ts';

const usualJob: JobSpec = {
  name: 'report',
  command: ['report'],
  schedule: '0 * * * *',
  timeZone: 'UTC',
  overlap: 'skip',
  catchesUp: false,
  timeoutMs: 3_600_000,
  environment: {},
};

/** A program that was started. */
interface StartedProgram {
  readonly tick: number | null;
  end(how?: Partial<EndedJob>): void;
}

const good: EndedJob = { failure: null, lines: [], code: 0, signal: null };

/** A journal in memory: what it has outlives the process. */
class MemoryJournal implements JobJournalPort {
  readonly unknownTo = Number.NEGATIVE_INFINITY;
  readonly facts: JobFact[] = [];
  readonly #owed: JobFact[] = [];
  /** What the process knows: that of the facts that it has appended or read. */
  histories = new Map<string, JobHistory>();
  /** The disk is full. */
  isFull = false;
  /** The process is killed within that many further appends: before the disk has it, or after. */
  killIn: { count: number; readonly persists: boolean } | null = null;
  isDead = false;

  async append(...facts: readonly JobFact[]): Promise<void> {
    if (this.isDead) return new Promise(() => undefined);
    if (this.killIn !== null && --this.killIn.count <= 0) {
      this.isDead = true;
      if (this.killIn.persists) this.facts.push(...facts);
      return new Promise(() => undefined);
    }
    await Promise.resolve();
    if (this.isFull) throw new Error('cannot be written: the disk is full (ENOSPC)');
    this.facts.push(...this.#owed.splice(0), ...facts);
    for (const fact of facts) addFact(this.histories, fact);
  }

  note(...facts: readonly JobFact[]): Promise<void> {
    return this.append(...facts).catch(() => {
      this.#owed.push(...facts);
      for (const fact of facts) addFact(this.histories, fact);
    });
  }

  /** A new process has read it. */
  read(): void {
    this.#owed.length = 0;
    this.isDead = false;
    this.killIn = null;
    this.histories = new Map();
    for (const fact of this.facts) addFact(this.histories, fact);
  }
}

const schedules = new Map<string, CronSchedule>();

/** The schedule of a pattern without seconds. All times of a minute have the same next tick, which the runs of a property ask for again and again. */
function keptSchedule(pattern: string, timeZone: string): CronSchedule {
  const key = `${pattern} ${timeZone}`;
  const known = schedules.get(key);
  if (known !== undefined) return known;
  const { next } = scheduleOf(pattern, timeZone);
  const ticks = new Map<number, number | null>();
  const kept: CronSchedule = {
    next: (wallTime) => {
      const minute = Math.floor(wallTime / 60_000);
      const found = ticks.get(minute);
      if (found !== undefined) return found;
      const tick = next(minute * 60_000);
      ticks.set(minute, tick);
      return tick;
    },
  };
  schedules.set(key, kept);
  return kept;
}

/** One job, in simulated time, in processes that are killed and started. */
export class JobWorld {
  readonly clock: SimulatedClock;
  readonly journal = new MemoryJournal();
  readonly events: Event[] = [];
  readonly started: StartedProgram[] = [];
  release: string | null = null;
  spec: JobSpec;
  job: Job;
  #process = 0;

  constructor(spec: Partial<JobSpec> = {}, epochMs?: number) {
    this.clock = new SimulatedClock(epochMs);
    this.spec = { ...usualJob, ...spec };
    this.job = this.#newJob();
    this.job.begin([]);
  }

  get schedule() {
    const { schedule, timeZone } = this.spec;
    const isTimed = schedule !== null && schedule !== 'once';
    return {
      schedule: isTimed ? keptSchedule(schedule, timeZone ?? 'UTC') : null,
      text: isTimed ? `${schedule} ${timeZone}` : schedule,
    };
  }

  #newJob(): Job {
    const order = { application: 'shop', id: 'shop.report', spec: this.spec };
    const process = ++this.#process;
    const emit = (event: NewEvent): void => {
      if (process === this.#process && !this.journal.isDead)
        this.events.push({ from: null, to: null, ...event, at: this.clock.wallTime() } as Event);
    };
    return new Job(order, this.schedule, {
      clock: this.clock,
      events: { emit },
      journal: this.journal,
      releaseOf: () => this.release,
      redact: (text) => text.replaceAll('hunter2', '***'),
      run: ({ tick }, signal) =>
        new Promise((resolve) => {
          const end = (how: Partial<EndedJob> = {}): void => resolve({ ...good, ...how });
          this.started.push({ tick, end });
          signal.addEventListener('abort', () =>
            end({ failure: String(signal.reason), code: null, signal: 'SIGTERM' }),
          );
        }),
    });
  }

  /** The process is killed, and what it ran with it. */
  kill(): void {
    this.job.pause(null);
    this.#process += 1;
    this.journal.isDead = true;
  }

  /** Another process starts. */
  start(): void {
    this.journal.read();
    for (const [job, { runs }] of this.journal.histories)
      for (const { run, end } of runs)
        if (end === null) {
          const fact = { kind: 'ended', job, run, endedAt: 0, code: null, signal: null, ms: null } as const;
          this.journal.facts.push({ ...fact, failure: 'its end was not seen', lines: [] });
        }
    this.journal.read();
    this.job = this.#newJob();
    this.job.begin([]);
  }

  ofKind<K extends Event['kind']>(kind: K): readonly Extract<Event, { kind: K }>[] {
    return this.events.filter((event): event is Extract<Event, { kind: K }> => event.kind === kind);
  }

  /** Times at which it was started by schedule, such as '03:00'. */
  get startedAt(): readonly string[] {
    return this.started.map(({ tick }) => (tick === null ? '-' : new Date(tick).toISOString().slice(11, 16)));
  }
}
