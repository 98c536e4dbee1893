import type { EventSink } from '../../core/event.ts';
import type { Clock, Instant } from '../../core/time.ts';
import type { Ticks } from './main-due.ts';
import type { JobEnd } from './main-history.ts';
import type { JobStarter } from './settings.ts';

interface FailingFacts {
  readonly run: number | null;
  readonly code: number | null;
  readonly signal: string | null;
  readonly fix: string | null;
}

interface StartedRun {
  readonly run: number;
  readonly tick: number | null;
  readonly by: JobStarter;
  /** Null: no person has started it. */
  readonly actor: string | null;
  readonly release: string | null;
}

/** Tells what becomes of the runs of a job, and whether it is failing. */
export class JobReports {
  readonly #id: string;
  readonly #application: string;
  readonly #clock: Clock;
  readonly #events: EventSink;
  #failing: { readonly since: Instant; readonly reason: string } | null = null;

  constructor(
    { id, application }: { readonly id: string; readonly application: string },
    { clock, events }: { readonly clock: Clock; readonly events: EventSink },
  ) {
    this.#id = id;
    this.#application = application;
    this.#clock = clock;
    this.#events = events;
  }

  /** Why it is failing, a clause, and since when; null: its last run was good. */
  get failing(): { readonly since: Instant; readonly reason: string } | null {
    return this.#failing;
  }

  get #evidence(): { readonly application: string; readonly job: string } {
    return { application: this.#application, job: this.#id };
  }

  get #subject(): string {
    return `job:${this.#id}`;
  }

  /** Its last run, before this process has begun. */
  begin(run: number, end: JobEnd): void {
    if (end.failure !== null) this.#fails(end.failure, run, end);
  }

  started({ run, tick, by, actor, release }: StartedRun): void {
    const at = tick === null ? null : timeText(tick);
    this.#events.emit({
      ...{ kind: 'job_started', subject: this.#subject, actor: actor ?? 'gateway' },
      reason: `${this.#id} has started ${starterTexts[by]}${at === null ? '' : ` ${at}`}`,
      evidence: { ...this.#evidence, run, release, by, at },
    });
  }

  skipped(tick: number, why: string): void {
    const at = timeText(tick);
    this.#events.emit({
      ...{ kind: 'job_skipped', subject: this.#subject },
      reason: `${this.#id} was not run at ${at}: ${why}`,
      evidence: { ...this.#evidence, at, why },
    });
  }

  missed({ first, last, count, isMore }: Ticks, why: string): void {
    const often = count === 1 ? `at ${timeText(first)}` : `${isMore ? 'more than ' : ''}${count} times`;
    const span = count === 1 ? '' : `, from ${timeText(first)} to ${timeText(last)}`;
    this.#events.emit({
      ...{ kind: 'job_missed', subject: this.#subject },
      reason: `${this.#id} was not run ${often}${span}: ${why}`,
      evidence: { ...this.#evidence, count, isMore, first: timeText(first), last: timeText(last), why },
    });
  }

  /** Times at which it was not run, since the journal cannot say that it was. */
  unclaimed(missed: Ticks, why: string): void {
    this.missed(missed, why);
    const fix =
      'Look at the space and the owner of the state folder (`df -h`, `ls -ld`): a run that the journal does not have is not started.';
    const facts = { run: null, code: null, signal: null, fix };
    this.#tellFailing(`it was not run at ${timeText(missed.last)}: ${why}`, facts);
  }

  ended(run: number, end: JobEnd, isRemoved: boolean): void {
    const { code, signal, ms, failure } = end;
    const took = ms === null ? '' : ` after ${ms < 10_000 ? `${ms} ms` : `${Math.round(ms / 1000)} s`}`;
    this.#events.emit({
      ...{ kind: 'job_ended', subject: this.#subject, to: failure === null ? 'succeeded' : 'failed' },
      reason: failure === null ? `${this.#id} has succeeded${took}` : `${this.#id} has failed${took}: ${failure}`,
      evidence: { ...this.#evidence, run, code, signal, ms, output: end.lines },
    });
    if (failure === null) this.#recovers('succeeded', `${this.#id} has succeeded again`);
    else if (!isRemoved) this.#fails(failure, run, end);
  }

  /** The configuration does not have it any more. */
  removed(): void {
    this.#recovers('removed', `${this.#id} is no job any more`);
  }

  #fails(reason: string, run: number, { code, signal }: JobEnd): void {
    const fix = `See what it printed with \`candor jobs ${this.#id}\`; run it again with \`candor jobs run ${this.#id}\`.`;
    this.#tellFailing(reason, { run, code, signal, fix });
  }

  #tellFailing(reason: string, facts: FailingFacts): void {
    this.#failing = { since: this.#failing?.since ?? this.#clock.now(), reason };
    this.#emitFailing('failing', `the job ${this.#id} fails: ${reason}`, facts);
  }

  #recovers(to: 'succeeded' | 'removed', reason: string): void {
    if (this.#failing === null) return;
    this.#failing = null;
    this.#emitFailing(to, reason, { run: null, code: null, signal: null, fix: null });
  }

  #emitFailing(to: 'failing' | 'succeeded' | 'removed', reason: string, facts: FailingFacts): void {
    const evidence = { ...this.#evidence, ...facts };
    this.#events.emit({ kind: 'job_failing', subject: this.#subject, to, reason, evidence });
  }
}

const starterTexts: Readonly<Record<JobStarter, string>> = {
  schedule: 'as its schedule says, for',
  catch_up: 'late, for',
  once: 'for the release',
  hand: 'by hand',
};

/** RFC 3339, without fractions. */
export function timeText(wallTime: number): string {
  return new Date(wallTime).toISOString().replace(/\.\d+Z$/, 'Z');
}
