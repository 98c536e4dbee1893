import type { EndedJob } from '../../deploy/release-job.ts';
import type { EventSink } from '../../core/event.ts';
import { after, type Clock, type Instant, type Timer } from '../../core/time.ts';
import { dueTicks, lateMs, oneTick, type Ticks } from './main-due.ts';
import { type JobEnd, type JobFact, type JobHistory, type MissedTicks, newHistory } from './main-history.ts';
import { JobReports } from './main-reports.ts';
import type { CronSchedule } from '../cron-schedule.ts';
import type { JobSpec, JobStarter } from './settings.ts';

/** The wall clock may be set at any moment: so often it is looked at again. */
const lookEveryMs = 30_000;

/** A clock that was set back further has shown times that never came: the ticks of those are no ticks. */
const setBackMaxMs = 3 * 3_600_000;

/** With `overlap: allow`. */
const atOnceMax = 10;

/** Lines of a run that its journal keeps, and of each so many characters. */
const keptLines = 20;
const keptCharacters = 400;

/** What a job needs of its surroundings. */
export interface JobSurroundings {
  readonly clock: Clock;
  readonly events: EventSink;
  /** A text: why there is none, a clause; then nothing is run. It may be another one later. */
  readonly journal: JobJournalPort | string;
  /** In force; null: its application was never deployed; undefined: the configuration does not have it. */
  readonly releaseOf: (application: string) => string | null | undefined;
  run(order: RunOrder, signal: AbortSignal, onLine: (line: string) => void): Promise<EndedJob>;
  readonly redact: (text: string) => string;
}

export interface JobJournalPort {
  readonly unknownTo: number;
  readonly histories: ReadonlyMap<string, JobHistory>;
  append(...facts: readonly JobFact[]): Promise<void>;
  /** What nothing waits for: it is written as soon as that is possible. Never rejects. */
  note(...facts: readonly JobFact[]): Promise<void>;
}

interface JobOrder {
  readonly application: string;
  /** What its output is shown under: 'shop.report'. */
  readonly id: string;
  readonly spec: JobSpec;
}

interface RunOrder extends JobOrder {
  readonly run: number;
  /** When it was due; null: at no time. */
  readonly tick: number | null;
}

interface PresentRun {
  readonly run: number;
  readonly startedAt: number;
  readonly since: Instant;
  readonly ending: AbortController;
  readonly ended: Promise<JobEnd>;
}

/** How a run by hand has begun. */
export type HandStart =
  | { readonly ok: true; readonly run: number; readonly ended: Promise<JobEnd> }
  | { readonly ok: false; readonly why: string };

/** A job of an application: starts its runs when they are due, and tells of each how it ended. */
export class Job {
  readonly id: string;
  readonly application: string;
  #spec: JobSpec;
  #schedule: CronSchedule | null;
  /** Pattern and zone: what the journal knows of the schedule. */
  #scheduleText: string | null;
  readonly #parts: JobSurroundings;
  readonly #running = new Map<number, PresentRun>();
  /** The journal is about to have them. */
  #starting = 0;
  #lastRun = 0;
  /** Runs of the process before this one that go on. */
  #before: readonly number[] = [];
  /** One that is due and waits for the present run. */
  #waiting: { readonly tick: number | null; readonly by: JobStarter } | null = null;
  /** The journal may not know of it: it could not be written. */
  #decidedTo = Number.NEGATIVE_INFINITY;
  #timer: Timer | null = null;
  #isPaused = false;
  #isRemoved = false;
  #isLooking = false;
  #looksAgain = false;
  readonly #reports: JobReports;
  #isFirstLook = true;
  #onEnd: ((run: number, end: JobEnd) => Promise<void>) | null = null;

  constructor(
    order: JobOrder,
    schedule: { readonly schedule: CronSchedule | null; readonly text: string | null },
    parts: JobSurroundings,
  ) {
    this.id = order.id;
    this.application = order.application;
    this.#spec = order.spec;
    this.#schedule = schedule.schedule;
    this.#scheduleText = schedule.text;
    this.#parts = parts;
    this.#reports = new JobReports(order, parts);
  }

  get spec(): JobSpec {
    return this.#spec;
  }

  get history(): JobHistory {
    const { journal } = this.#parts;
    return (typeof journal === 'string' ? undefined : journal.histories.get(this.id)) ?? newHistory();
  }

  /** Runs that go on here. */
  get running(): readonly PresentRun[] {
    return [...this.#running.values()];
  }

  get failing(): { readonly since: Instant; readonly reason: string } | null {
    return this.#reports.failing;
  }

  get isWaiting(): boolean {
    return this.#waiting !== null;
  }

  /** When it is due next; null: never, or not by time. */
  get nextTick(): number | null {
    return this.#schedule?.next(Math.max(this.#lastDecided, this.#parts.clock.wallTime())) ?? null;
  }

  get #lastDecided(): number {
    return Math.max(this.history.decidedTo, this.#decidedTo);
  }

  /** The configuration says something else of it. */
  change(spec: JobSpec, schedule: { readonly schedule: CronSchedule | null; readonly text: string | null }): void {
    this.#spec = spec;
    this.#schedule = schedule.schedule;
    this.#scheduleText = schedule.text;
    void this.look();
  }

  /** Its runs of the process before this one, as the journal has them. `failing`: its last run had failed. */
  begin(before: readonly number[]): void {
    this.#before = before;
    const last = this.history.runs.findLast(({ end }) => end !== null);
    if (last?.end != null) this.#reports.begin(last.run, last.end);
    void this.look();
  }

  /** Those have ended. */
  beforeEnded(run: number, end: JobEnd): void {
    this.#before = this.#before.filter((one) => one !== run);
    this.#reports.ended(run, end, this.#isRemoved);
    this.#goOn();
  }

  /** Looks whether it is due, and sets the timer for the next time. */
  async look(): Promise<void> {
    this.#looksAgain = true;
    if (this.#isLooking) return;
    this.#isLooking = true;
    while (this.#looksAgain) {
      this.#looksAgain = false;
      await this.#look();
    }
    this.#isLooking = false;
    this.#setTimer();
  }

  async #look(): Promise<void> {
    if (this.#isPaused) return;
    const { journal, clock } = this.#parts;
    if (typeof journal === 'string') return this.#lookWithoutJournal(journal);
    await this.#noteSchedule(journal);
    if (this.#spec.schedule === 'once') await this.#lookForRelease();
    if (this.#schedule === null) return;
    const now = clock.wallTime();
    if (this.#lastDecided > now + setBackMaxMs) {
      this.#decidedTo = Number.NEGATIVE_INFINITY;
      const schedule = this.#scheduleText;
      await this.#note({ kind: 'scheduled', job: this.id, schedule, after: now });
    }
    const due = dueTicks(this.#schedule, this.#lastDecided, now);
    const wasFirst = this.#isFirstLook;
    this.#isFirstLook = false;
    if (due === null) return;
    const isLate = now - due.last > lateMs;
    const runs = !isLate || this.#spec.catchesUp;
    const missed = runs ? due.earlier : due.all;
    if (missed !== null) await this.#miss({ ...missed, reason: wasFirst ? notRunning : clockMoved(now - due.last) });
    if (!runs || this.#isPaused) return;
    await this.#tick(due.last, isLate ? 'catch_up' : 'schedule');
  }

  async #noteSchedule({ unknownTo }: JobJournalPort): Promise<void> {
    const { history } = this;
    if (history.schedule === this.#scheduleText && !history.isGone) return;
    const now = this.#parts.clock.wallTime();
    // A job that comes back may not run its ticks again.
    const known = Math.max(unknownTo, history.decidedTo <= now + setBackMaxMs ? history.decidedTo : now);
    this.#isFirstLook = false;
    const facts: JobFact[] = [
      { kind: 'scheduled', job: this.id, schedule: this.#scheduleText, after: Math.max(now, known) },
    ];
    const isOnce = this.#spec.schedule === 'once' && history.schedule === undefined && unknownTo > 0;
    // What it has run for is not known.
    if (isOnce) facts.push({ kind: 'earlier', job: this.id, runs: 0, onceFor: this.#releaseNow });
    await this.#note(...facts);
  }

  get #releaseNow(): string | null {
    return this.#parts.releaseOf(this.application) ?? null;
  }

  async #lookForRelease(): Promise<void> {
    const release = this.#parts.releaseOf(this.application);
    if (release === undefined || this.history.onceFor === release || this.#isPaused) return;
    if (this.#isBusy) this.#waiting = { tick: null, by: 'once' };
    else await this.#start(null, 'once', null);
  }

  /** What is due is told, and not run. */
  #lookWithoutJournal(why: string): void {
    const now = this.#parts.clock.wallTime();
    if (this.#decidedTo === Number.NEGATIVE_INFINITY) this.#decidedTo = now;
    const due = this.#schedule === null ? null : dueTicks(this.#schedule, this.#lastDecided, now);
    if (due === null) return;
    this.#decidedTo = due.last;
    this.#unclaimed(due.all, why);
  }

  async #tick(tick: number, by: JobStarter): Promise<void> {
    if (!this.#isBusy || this.#mayRunBeside) return void (await this.#start(tick, by, null));
    if (this.#spec.overlap === 'wait' && this.#waiting === null) {
      this.#waiting = { tick, by };
      // The journal learns of it when it starts: until then a start of the gateway finds it due.
      this.#decidedTo = Math.max(this.#decidedTo, tick);
      return;
    }
    const reason =
      this.#spec.overlap === 'wait'
        ? 'a run that was due before waits already'
        : this.#spec.overlap === 'allow'
          ? `${this.#runs} runs of it go on, as many as may`
          : 'its last run goes on';
    this.#decidedTo = Math.max(this.#decidedTo, tick);
    await this.#note({ kind: 'skipped', job: this.id, tick, reason });
    this.#reports.skipped(tick, reason);
  }

  /** That go on, or are about to begin. */
  get #runs(): number {
    return this.#running.size + this.#before.length + this.#starting;
  }

  get #isBusy(): boolean {
    return this.#runs > 0;
  }

  get #mayRunBeside(): boolean {
    return this.#spec.overlap === 'allow' && this.#runs < atOnceMax;
  }

  async #miss(missed: MissedTicks): Promise<void> {
    this.#decidedTo = Math.max(this.#decidedTo, missed.last);
    await this.#note({ kind: 'missed', job: this.id, ...missed });
    this.#reports.missed(missed, missed.reason);
  }

  /** Starts a run by hand. */
  async startByHand(actor: string, onLine: (line: string) => void): Promise<HandStart> {
    if (this.#isPaused) return { ok: false, why: 'the gateway is stopping, or another process has taken over' };
    const { journal } = this.#parts;
    if (typeof journal === 'string') return { ok: false, why: journal };
    if (this.#isBusy && !this.#mayRunBeside) return { ok: false, why: 'its last run goes on' };
    const started = await this.#start(null, 'hand', actor, onLine);
    return typeof started === 'string'
      ? { ok: false, why: started }
      : { ok: true, run: started.run, ended: started.ended };
  }

  /** The journal has the run before its program starts. A text: why it has not. */
  async #start(
    tick: number | null,
    by: JobStarter,
    actor: string | null,
    onLine: (line: string) => void = () => undefined,
  ): Promise<PresentRun | string> {
    const { clock, journal } = this.#parts;
    const startedAt = clock.wallTime();
    const run = Math.max(this.history.runsTotal, this.#lastRun) + 1;
    this.#lastRun = run;
    const release = this.#releaseNow;
    this.#starting += 1;
    if (tick !== null) this.#decidedTo = Math.max(this.#decidedTo, tick);
    try {
      if (typeof journal === 'string') throw new Error(`cannot be used: ${journal}`);
      await journal.append({ kind: 'started', job: this.id, ...{ run, tick, by, actor, release, startedAt } });
    } catch (error) {
      this.#starting -= 1;
      const why = `the journal of jobs ${(error as Error).message}`;
      if (by !== 'hand' && !this.#isPaused) this.#unclaimed(oneTick(tick ?? startedAt), why);
      this.#goOn();
      return why;
    }
    this.#starting -= 1;
    const ending = new AbortController();
    const order = { application: this.application, id: this.id, spec: this.#spec, run, tick };
    const since = clock.now();
    const ended = this.#parts
      .run(order, ending.signal, (line) => onLine(this.#parts.redact(line)))
      .then((how) => this.#ended(run, since, how));
    const present = { run, startedAt, since, ending, ended };
    this.#running.set(run, present);
    this.#reports.started({ run, tick, by, actor, release });
    return present;
  }

  async #ended(run: number, since: Instant, { failure, code, signal, lines }: EndedJob): Promise<JobEnd> {
    const { clock, redact } = this.#parts;
    const end: JobEnd = {
      ...{ endedAt: clock.wallTime(), code, signal, ms: Math.round(clock.now() - since) },
      failure: failure === null ? null : redact(failure),
      lines: lines.slice(-keptLines).map((line) => redact(line).slice(0, keptCharacters)),
    };
    if (this.#onEnd !== null) await this.#onEnd(run, end);
    else await this.#note({ kind: 'ended', job: this.id, run, ...end });
    this.#running.delete(run);
    this.#reports.ended(run, end, this.#isRemoved);
    this.#goOn();
    return end;
  }

  /** A tick was not run, since the journal cannot say that it was. */
  #unclaimed(missed: Ticks, why: string): void {
    void this.#note({ kind: 'missed', job: this.id, ...missed, reason: why });
    this.#reports.unclaimed(missed, why);
  }

  #goOn(): void {
    const waiting = this.#waiting;
    if (waiting === null || this.#isBusy || this.#isPaused) return;
    this.#waiting = null;
    void this.#start(waiting.tick, waiting.by, null);
  }

  async #note(...facts: readonly JobFact[]): Promise<void> {
    const { journal } = this.#parts;
    if (typeof journal !== 'string') await journal.note(...facts);
  }

  #setTimer(): void {
    this.#timer?.cancel();
    this.#timer = null;
    if (this.#isPaused || this.#schedule === null) return;
    const { clock } = this.#parts;
    const next = this.#schedule.next(this.#lastDecided);
    if (next === null) return;
    const inMs = Math.min(lookEveryMs, Math.max(0, next - clock.wallTime()));
    this.#timer = clock.schedule(after(clock.now(), inMs), (job: Job) => void job.look(), this as Job);
  }

  /** Begins nothing any more. Its runs go on; `onEnd` is told of their ends in place of the journal. */
  pause(onEnd: ((run: number, end: JobEnd) => Promise<void>) | null): void {
    this.#isPaused = true;
    this.#onEnd = onEnd;
    this.#timer?.cancel();
    this.#timer = null;
    // The journal does not know of it: the next process finds it due.
    this.#waiting = null;
  }

  resume(): void {
    this.#isPaused = false;
    this.#onEnd = null;
    this.#decidedTo = Number.NEGATIVE_INFINITY;
    void this.look();
  }

  /** Ends its runs early, and resolves when they have ended. */
  async end(reason: string): Promise<void> {
    for (const { ending } of this.#running.values()) ending.abort(reason);
    await this.idle;
  }

  get idle(): Promise<unknown> {
    return Promise.all([...this.#running.values()].map(({ ended }) => ended));
  }

  /** The configuration does not have it any more. Its present run goes on to its end. */
  async remove(): Promise<void> {
    this.pause(null);
    this.#isRemoved = true;
    this.#reports.removed();
    await this.#note({ kind: 'removed', job: this.id });
  }

  /** The configuration has it again while its run goes on. */
  comeBack(...changed: Parameters<Job['change']>): void {
    this.#isPaused = false;
    this.#isRemoved = false;
    this.change(...changed);
  }
}

const notRunning = 'the gateway was not running';

const clockMoved = (lateBy: number): string =>
  lateBy > lateMs ? 'the machine slept, or its clock was set forward' : 'more than one was due at the same time';
