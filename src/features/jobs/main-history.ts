import type { JobStarter } from './settings.ts';

/** Runs of a job that are remembered. */
export const runsMax = 20;

/** Jobs that the configuration does not have any more, and that are remembered: their ticks must not run again where they come back. */
const goneMax = 100;

/** What a line of the journal says. Times are milliseconds since the Unix epoch. */
export type JobFact =
  /** Ticks of the schedule count that are later than `after`. */
  | { readonly kind: 'scheduled'; readonly job: string; readonly schedule: string | null; readonly after: number }
  | {
      readonly kind: 'started';
      readonly job: string;
      readonly run: number;
      /** Null: no time was due. */
      readonly tick: number | null;
      readonly by: JobStarter;
      /** Who has started it by hand. */
      readonly actor: string | null;
      /** Null: its application was never deployed. */
      readonly release: string | null;
      readonly startedAt: number;
    }
  | ({ readonly kind: 'ended'; readonly job: string; readonly run: number } & JobEnd)
  /** Of runs that are forgotten: how many there were, and for which release it has run once; absent: for none. */
  | { readonly kind: 'earlier'; readonly job: string; readonly runs: number; readonly onceFor?: string | null }
  /** A tick that was not run, since the job still ran. */
  | { readonly kind: 'skipped'; readonly job: string; readonly tick: number; readonly reason: string }
  | ({ readonly kind: 'missed'; readonly job: string } & MissedTicks)
  /** The configuration does not have it any more. */
  | { readonly kind: 'removed'; readonly job: string };

export interface JobEnd {
  readonly endedAt: number;
  /** Null: it has none: a signal has ended it, or its end was not seen. */
  readonly code: number | null;
  readonly signal: string | null;
  /** Null: its end was not seen. */
  readonly ms: number | null;
  /** Why it has failed, one clause; null: it ended with 0. */
  readonly failure: string | null;
  /** The last lines that it has printed. */
  readonly lines: readonly string[];
}

/** Ticks at which the job was not run. */
export interface MissedTicks {
  readonly first: number;
  readonly last: number;
  /** `isMore`: there were more; only as many were counted. */
  readonly count: number;
  readonly isMore: boolean;
  readonly reason: string;
}

export interface JobRun extends Omit<Extract<JobFact, { kind: 'started' }>, 'kind' | 'job'> {
  /** Null: it goes on, as far as the journal knows. */
  readonly end: JobEnd | null;
}

/** What the journal knows of one job. */
export interface JobHistory {
  /** Cron's words and the zone, by which its ticks were found; undefined: none was looked for yet. */
  schedule: string | null | undefined;
  /** All ticks up to this one are decided: started, skipped or missed. */
  decidedTo: number;
  /** The latest last, at most `runsMax`. */
  runs: readonly JobRun[];
  runsTotal: number;
  /** The release for which it has run `once`; undefined: none yet. */
  onceFor: string | null | undefined;
  skipped: { readonly tick: number; readonly reason: string } | null;
  missed: MissedTicks | null;
  isGone: boolean;
}

export type JobHistories = ReadonlyMap<string, JobHistory>;

export function newHistory(): JobHistory {
  return {
    ...{ schedule: undefined, decidedTo: Number.NEGATIVE_INFINITY, runs: [], runsTotal: 0, onceFor: undefined },
    ...{ skipped: null, missed: null, isGone: false },
  };
}

/** Takes a fact into the histories. */
export function addFact(histories: Map<string, JobHistory>, fact: JobFact): void {
  const known = histories.get(fact.job) ?? newHistory();
  histories.set(fact.job, known);
  // The end of its last run may come later.
  if (fact.kind !== 'ended') known.isGone = fact.kind === 'removed';
  switch (fact.kind) {
    case 'scheduled':
      known.schedule = fact.schedule;
      known.decidedTo = fact.after;
      break;
    case 'started': {
      const { kind: _kind, job: _job, ...run } = fact;
      known.runs = [...known.runs, { ...run, end: null }].slice(-runsMax);
      known.runsTotal = Math.max(known.runsTotal, fact.run);
      if (fact.by === 'once') known.onceFor = fact.release;
      if (fact.tick !== null) known.decidedTo = Math.max(known.decidedTo, fact.tick);
      break;
    }
    case 'ended': {
      const { kind: _kind, job: _job, run, ...end } = fact;
      known.runs = known.runs.map((one) => (one.run === run && one.end === null ? { ...one, end } : one));
      break;
    }
    case 'earlier':
      known.runsTotal = Math.max(known.runsTotal, fact.runs);
      if (fact.onceFor !== undefined) known.onceFor = fact.onceFor;
      break;
    case 'skipped':
      known.skipped = { tick: fact.tick, reason: fact.reason };
      known.decidedTo = Math.max(known.decidedTo, fact.tick);
      break;
    case 'missed': {
      const { kind: _kind, job: _job, ...missed } = fact;
      known.missed = missed;
      known.decidedTo = Math.max(known.decidedTo, fact.last);
      break;
    }
    case 'removed':
      // What comes later is the youngest.
      histories.delete(fact.job);
      histories.set(fact.job, known);
  }
}

/** As few facts as give these histories again. */
export function factsOf(histories: JobHistories): readonly JobFact[] {
  const gone = [...histories].filter(([, { isGone }]) => isGone).map(([job]) => job);
  const forgotten = new Set(gone.slice(0, Math.max(0, gone.length - goneMax)));
  return [...histories].flatMap(([job, history]) => (forgotten.has(job) ? [] : factsOfJob(job, history)));
}

function factsOfJob(
  job: string,
  { schedule, decidedTo, runs, runsTotal, onceFor, skipped, missed, isGone }: JobHistory,
): JobFact[] {
  const kept = isGone ? runs.slice(-1) : runs;
  return [
    { kind: 'earlier', job, runs: runsTotal, ...(onceFor === undefined ? {} : { onceFor }) },
    ...kept.flatMap(({ end, ...run }): JobFact[] => [
      { kind: 'started', job, ...run },
      ...(end === null ? [] : [{ kind: 'ended' as const, job, run: run.run, ...end }]),
    ]),
    ...(skipped === null ? [] : [{ kind: 'skipped' as const, job, ...skipped }]),
    ...(missed === null ? [] : [{ kind: 'missed' as const, job, ...missed }]),
    ...(schedule === undefined ? [] : [{ kind: 'scheduled' as const, job, schedule, after: decidedTo }]),
    ...(isGone ? [{ kind: 'removed' as const, job }] : []),
  ];
}
