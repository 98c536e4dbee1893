import type { Event, EventFacts } from '../core/event.ts';
import { nextStepAfterExit, notStartedText, stepAfterNoStart } from '#failures/failure-texts.ts';
import { type Clock, type Instant, never } from '../core/time.ts';
import { wordsAfterExit } from '#failures/last-words.ts';
import { wasStopped } from '../core/recorded-exit.ts';
import type { ApplicationStatus, InstanceStatus, StatusProblem } from '../core/schemas/status.ts';
import { instancesText } from './replacements.ts';

/** Ends of this time are counted. */
const windowMs = 10 * 60_000;

/** More ends than this within the window are a crash loop, however long the runs between them were. */
const endsMax = 3;

/** So many ends in a row are one too: no run between them lasted for `restart.reset_after`. */
const failuresMin = 3;

/** No more are kept of an instance. */
const keptMax = 100;

/** So many names of applications are kept. Then all are forgotten, and with them only the advice to restore the earlier configuration. */
const applicationsMax = 1024;

/** An instance that has been ready for so long runs well; where the longest time between two of its ends is longer, for that time. */
const wellMsMin = 60_000;

interface Exit extends Pick<EventFacts['instance_exited'], 'code' | 'signal' | 'outOfMemory'> {
  readonly lastLine: string | null;
  readonly isSilent: boolean;
}

interface End {
  readonly at: Instant;
  /** Null: the program could not be started. */
  readonly exit: Exit | null;
  /** How it ended, one clause. */
  readonly reason: string;
}

/** What is known of the ends of one instance. */
interface InstanceEnds {
  /** Those of the window, oldest first. */
  ends: readonly End[];
  /** Exits in a row. */
  failures: number;
  /** Exits before it was ready for the first time, which do not count: nothing had served. 0 once the row has ended. */
  failuresBefore: number;
  wasReady: boolean;
  /** `never`: it is not ready now. */
  readySince: Instant;
  /** It has run well since its last end. It no longer loops until it ends again, even if its checks fail. */
  hasRecovered: boolean;
  /** When the first end of the loop came, which may be longer ago than the window; `never`: it does not loop. */
  loopingSince: Instant;
}

/** An application whose instances end again and again. */
export interface CrashLoop extends Pick<StatusProblem, 'reason' | 'nextStep'> {
  readonly application: string;
  /** The one that has ended most often. */
  readonly instance: string;
  /** Its ends of the last ten minutes. */
  readonly ends: number;
  /** Others of the application that are ready and do not end. */
  readonly serving: readonly string[];
  /** One that ends again and again has been ready before. */
  readonly wasReady: boolean;
  readonly since: Instant;
}

/**
 * Finds instances that end again and again. One that was never ready while instances of an earlier configuration serve belongs to a new release, of
 * which `failedReplacements` tells.
 */
export class CrashLoops {
  readonly #clock: Clock;
  readonly #instances = new Map<string, InstanceEnds>();
  /** Applications of which an instance has been ready. */
  readonly #wereReady = new Set<string>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  onEvent(event: Event): void {
    const now = this.#clock.now();
    if (event.kind === 'instance_ready') this.#serves(event, now);
    else if (event.kind === 'instance_adopted') {
      if (event.to === 'ready') this.#serves(event, now);
    } else if (event.kind === 'instance_not_ready') endReadiness(this.#of(event), now);
    else if (event.kind === 'instance_restarting') {
      const known = this.#of(event);
      endReadiness(known, now);
      const { failures } = event.evidence;
      // Fewer than before: a run that went well has ended the row.
      if (failures <= known.failuresBefore) known.failuresBefore = 0;
      known.failures = failures - known.failuresBefore;
      noteLoop(known, now);
    } else if (event.kind === 'instance_not_started') this.#noteEnd(event, null, now);
    else if (event.kind === 'instance_exited') this.#ended(event, now);
  }

  /** The instances, whenever one of them has changed: of those that are gone nothing is kept. */
  use(instances: readonly Pick<InstanceStatus, 'id'>[]): void {
    const subjects = new Set(instances.map(({ id }) => `instance:${id}`));
    for (const subject of this.#instances.keys()) if (!subjects.has(subject)) this.#instances.delete(subject);
  }

  #serves(event: Event, now: Instant): void {
    const known = this.#of(event);
    if (!known.wasReady) {
      known.ends = [];
      known.failuresBefore += known.failures;
      known.failures = 0;
      known.loopingSince = never;
    }
    known.wasReady = true;
    known.readySince = now;
    if (this.#wereReady.size >= applicationsMax) this.#wereReady.clear();
    this.#wereReady.add(applicationOf(event.subject));
  }

  #ended(event: Extract<Event, { kind: 'instance_exited' }>, now: Instant): void {
    // It does not start again: Candor has stopped it, or was about to.
    if (wasStopped(event) || event.from === 'draining') {
      this.#instances.delete(event.subject);
      return;
    }
    const { code, signal, outOfMemory, output } = event.evidence;
    const lastLine = wordsAfterExit(output, { code })?.error ?? null;
    this.#noteEnd(event, { code, signal, outOfMemory, lastLine, isSilent: lastLine === null }, now);
  }

  #noteEnd(event: Event, exit: Exit | null, now: Instant): void {
    const known = this.#of(event);
    const reason = event.reason.replace(/\.$/, '');
    endReadiness(known, now);
    known.hasRecovered = false;
    known.ends = [...recent(known.ends, now), { at: now, reason, exit }].slice(-keptMax);
    noteLoop(known, now);
  }

  #of({ subject }: Event): InstanceEnds {
    const known = this.#instances.get(subject);
    if (known !== undefined) return known;
    const first: InstanceEnds = {
      ends: [],
      failures: 0,
      failuresBefore: 0,
      wasReady: false,
      readySince: never,
      hasRecovered: false,
      loopingSince: never,
    };
    this.#instances.set(subject, first);
    return first;
  }

  /** One of each application. */
  list(applications: readonly ApplicationStatus[]): readonly CrashLoop[] {
    return applications.flatMap((application) => {
      const earlierServes = application.instances.some(
        ({ phase, earlierCommand }) => earlierCommand !== null && (phase === 'ready' || phase === 'failing'),
      );
      const wanted = application.instances.filter(({ phase }) => phase !== 'stopping' && phase !== 'stopped');
      const looping = wanted.flatMap(({ id }) => this.#loopOf(id, earlierServes) ?? []);
      const [worst] = looping.sort((a, b) => b.ends.length - a.ends.length);
      return worst === undefined ? [] : [this.#problem(application, worst, looping)];
    });
  }

  #loopOf(id: string, earlierServes: boolean): LoopingInstance | null {
    const known = this.#instances.get(`instance:${id}`);
    const now = this.#clock.now();
    if (known === undefined || (earlierServes && !known.wasReady) || known.hasRecovered || runsWell(known, now))
      return null;
    const ends = recent(known.ends, now);
    const last = ends.at(-1);
    if (last === undefined || !isMany(ends, known.failures)) return null;
    return { ...known, id, ends, last };
  }

  #problem(
    { id: application, of, instances }: ApplicationStatus,
    worst: LoopingInstance,
    looping: readonly LoopingInstance[],
  ): CrashLoop {
    const others = looping.filter((one) => one !== worst).map(({ id }) => id);
    const serving = instances
      .filter(({ id, phase }) => phase === 'ready' && !looping.some((one) => one.id === id))
      .map(({ id }) => id);
    const wasReady = looping.some((one) => one.wasReady);
    const { id, ends, last, loopingSince: since } = worst;
    const too = others.length === 0 ? '' : `; ${others.length} more of ${application} end again and again too`;
    const meanwhile =
      serving.length > 0
        ? instancesText(serving)
        : of !== undefined
          ? `no instance of ${application} works ${wasReady ? 'between its runs' : 'now'}`
          : wasReady
            ? `between ${others.length === 0 ? 'its' : 'their'} runs requests wait, or get a 503`
            : `no instance of ${application} is ready, and requests get a 503`;
    const often = oftenText(worst, this.#clock.now() - (ends[0]?.at ?? last.at));
    const what =
      last.exit === null
        ? notStartedText(id, often, last.reason)
        : `${id} has ended ${often}, the last time: ${last.reason}`;
    const reason = `${what}${too}; ${meanwhile}.`;
    const step = last.exit === null ? stepAfterNoStart : nextStepAfterExit(last.exit);
    // Another instance was ready before, and none is: with a fixed port that was most often one of an earlier configuration.
    const isRelease = !wasReady && serving.length === 0 && this.#wereReady.has(application);
    const nextStep = isRelease
      ? `${step.replace(/\.$/, '')}; or restore its earlier configuration and run \`candor reload\`.`
      : step;
    return { application, instance: id, ends: ends.length, serving, wasReady, since, reason, nextStep };
  }
}

interface LoopingInstance extends Pick<InstanceEnds, 'ends' | 'failures' | 'wasReady' | 'loopingSince'> {
  readonly id: string;
  readonly last: End;
}

function isMany(ends: readonly End[], failures: number): boolean {
  return ends.length > endsMax || failures >= failuresMin;
}

function noteLoop(known: InstanceEnds, now: Instant): void {
  const ends = recent(known.ends, now);
  if (!isMany(ends, known.failures)) known.loopingSince = never;
  else if (known.loopingSince === never) known.loopingSince = ends[0]?.at ?? now;
}

function recent(ends: readonly End[], now: Instant): readonly End[] {
  return ends.filter(({ at }) => now - at < windowMs);
}

/** The number of its exits in a row begins anew after a run that went well; `instance_restarting` has the exact one. */
function endReadiness(known: InstanceEnds, now: Instant): void {
  if (runsWell(known, now)) {
    known.hasRecovered = true;
    known.failures = 0;
    known.loopingSince = never;
  }
  known.readySince = never;
}

function runsWell({ ends, readySince }: InstanceEnds, now: Instant): boolean {
  return now - readySince >= wellMs(recent(ends, now));
}

/** An instance that ends every two minutes does not run well after one. */
function wellMs(ends: readonly End[]): number {
  const betweenMs = ends.slice(1).map(({ at }, index) => at - (ends[index]?.at ?? at));
  return Math.max(wellMsMin, ...betweenMs);
}

/** '4 times in 3 minutes'; an earlier process may have seen the first ones. */
function oftenText({ ends, failures }: Pick<InstanceEnds, 'ends' | 'failures'>, sinceMs: number): string {
  if (failures > ends.length) return `${failures} times in a row`;
  const seconds = Math.max(1, Math.ceil(sinceMs / 1000));
  const span = seconds < 120 ? `${seconds} s` : `${Math.ceil(seconds / 60)} minutes`;
  return `${ends.length} times in ${span}`;
}

const applicationOf = (subject: string): string => subject.slice('instance:'.length, subject.lastIndexOf('/'));
