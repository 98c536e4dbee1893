import { wasStopped } from '../core/recorded-exit.ts';
import { type Applied, type Attempts, changedText, isOnlyChange, lastGood } from './earlier-revisions.ts';
import { explainedShare, explainedText } from './evidence-lines.ts';
import { outputStepOf } from './step-target.ts';
import { instanceOf, type SeenInstance } from './seen-releases.ts';
import {
  beforeText,
  listOf,
  namesPart,
  nearness,
  seen,
  shownMax,
  type SuspectContext,
  type SuspectFinding,
} from './suspect-facts.ts';

/** Instances of an application that is new start before its configuration is active. */
const preparedMs = 10_000;

/** Where so much of what fails is older than a release, the release is not what fails. */
const olderShareMin = 0.9;

/** Of the failures, those of requests that had not come before a release. */
const unseenShareMin = 0.9;

/** Of the failures that a change explains. */
export const shareOf = (context: SuspectContext, { afterMs }: Applied): number => explainedShare(context, afterMs, 0);

/** What is not the reason, but a reader may take for it. */
export const noReasonFit = 0.3;

interface NamedInstance extends SeenInstance {
  readonly name: string;
}

/** A new configuration of an application, and what is known of the instances that it has started. */
export class SuspectedRelease {
  readonly #context: SuspectContext;
  readonly #application: string;
  readonly #applied: Applied;
  readonly #own: readonly NamedInstance[];
  /** No earlier configuration had the application. */
  readonly isFirst: boolean;
  readonly #all: Attempts;
  readonly #ofOwn: Attempts;
  readonly #ofOlder: Attempts;
  /** At instances that a later release has started. */
  readonly #ofNewer: Attempts;

  constructor(context: SuspectContext, application: string, applied: Applied) {
    this.#context = context;
    this.#application = application;
    this.#applied = applied;
    const known = [...context.instances]
      .filter(([name]) => name.startsWith(`${application}/`))
      .map(([name, instance]) => ({ ...instance, name }));
    const began = applied.afterMs + context.startedMs - preparedMs;
    const before = known.filter(({ revision }) => revision < applied.event.revision);
    const isNew = before.every(({ startedMs }) => startedMs >= began);
    const older = isNew ? [] : before;
    const next = nextRelease(context, application, applied);
    const newer = known.filter(({ revision }) => revision >= next);
    this.#own = known.filter((one) => !older.includes(one) && one.revision < next);
    const attempts = attemptsOf(context, application);
    this.#all = sumOf(attempts, null);
    this.#ofOwn = sumOf(attempts, this.#own);
    this.#ofOlder = sumOf(attempts, older);
    this.#ofNewer = sumOf(attempts, newer);
    const { revision, evidence } = applied.event;
    this.isFirst =
      (evidence.returned ?? []).length === 0 &&
      this.#own.length > 0 &&
      this.#ofOwn.all + this.#ofNewer.all === this.#all.all &&
      older.length === 0 &&
      before.every((one) => one.revision === revision - 1) &&
      !context.revisions.some(
        (one) => one.revision < revision && one.changed.some((part) => namesPart(part, 'applications', application)),
      );
  }

  /** What fails ran before it. */
  get failsBefore(): boolean {
    return this.#all.failed > 0 && this.#ofOlder.failed >= olderShareMin * this.#all.failed;
  }

  get failsItself(): boolean {
    return this.#ofOwn.failed > 0;
  }

  get #isReady(): boolean {
    return this.#own.some(({ readyMs }) => readyMs !== null);
  }

  get #begun(): string {
    return `A new release of ${this.#application} began ${beforeText(this.#applied.afterMs)} the first failure`;
  }

  /** `later`: the revision that has taken it back; null: none. */
  finding(later: number | null): SuspectFinding {
    if (this.isFirst && later === null) return this.#firstFinding;
    const unseen = this.#unseenMethods;
    if (unseen.length > 0) return this.#incomparable(unseen);
    return {
      fit: nearness(this.#applied.afterMs, 0.97) * shareOf(this.#context, this.#applied),
      sentence: `${this.#begun}${this.#own.length === 0 || this.#isReady ? '' : ', and is not ready'}${explainedText(this.#context, this.#applied.afterMs)}.`,
      evidence: this.#facts,
      nextStep:
        later === null
          ? this.#restore
          : `Revision ${later} has the earlier settings again: run \`candor status\` to see whether its instances are ready, and do not restore revision ${this.#applied.event.revision}.`,
    };
  }

  /** The methods of nearly all requests that failed, where none of them had come before it while others had; empty: they had. */
  get #unseenMethods(): readonly string[] {
    const { incident, methods = new Map() } = this.#context;
    const isNew = ([, { afterMs }]: readonly [string, { readonly afterMs: number }]): boolean =>
      afterMs > this.#applied.afterMs;
    const unseen = [...methods].filter((one) => isNew(one) && one[1].failed > 0);
    const failed = unseen.reduce((sum, [, one]) => sum + one.failed, 0);
    const all = Math.max(incident.failed, incident.attemptsFailed);
    return [...methods].every(isNew) || failed < unseenShareMin * all ? [] : unseen.map(([method]) => method);
  }

  /** Such requests may have failed with the earlier configuration as well. */
  #incomparable(methods: readonly string[]): SuspectFinding {
    return {
      fit: noReasonFit,
      sentence: `${this.#begun}, but no ${listOf(methods)} request had come before it: they may have failed before as well.`,
      evidence: this.#facts,
      nextStep: `Look at why requests with ${listOf(methods)} fail; with the earlier configuration of ${this.#application} they may fail too.`,
    };
  }

  /** Of several bad releases in a row, the one before this one may be bad too. */
  get #restore(): string {
    const name = this.#application;
    const concernsIt = (part: string): boolean => namesPart(part, 'applications', name);
    const good = lastGood(this.#context, this.#applied, concernsIt);
    const which =
      good !== null
        ? `the configuration of ${name} of revision ${good}, the last with which requests succeeded,`
        : isOnlyChange(this.#context, this.#applied, concernsIt)
          ? `the earlier configuration of ${name}`
          : `a configuration of ${name} with which requests succeeded`;
    return `Restore ${which} and run \`candor reload\`; its release is started again.`;
  }

  /** Why its processes end says more. */
  get #firstFinding(): SuspectFinding {
    const name = this.#application;
    const { afterMs } = this.#applied;
    return {
      fit: nearness(afterMs, 0.9) * shareOf(this.#context, this.#applied),
      sentence: `${name} is new: its first release began ${beforeText(afterMs)} the first failure${this.#isReady ? '' : ', and is not ready'}${explainedText(this.#context, afterMs)}.`,
      evidence: this.#facts,
      nextStep: `${(outputStepOf(this.#context) ?? '').replace(/\.$/, '')}; or take ${name} out of the configuration again and run \`candor reload\`.`,
    };
  }

  /** It has come before the incident, and is not its reason. */
  olderFail(): SuspectFinding {
    return {
      fit: noReasonFit,
      sentence: this.#isReady
        ? `${this.#begun}, but instances that are older than it fail.`
        : `${this.#begun}, but it is not ready: the requests are still sent to older instances, which fail.`,
      evidence: this.#facts,
      nextStep: `Look at the older instances of ${this.#application} first; \`candor status\` shows how far the release is.`,
    };
  }

  get #facts(): readonly string[] {
    const state = this.#own.slice(0, shownMax).map(({ name, readyMs }) => {
      if (readyMs === null) return `${name}, which it started, has not become ready`;
      return `${name}, which it started, was ready ${beforeText(readyMs - this.#context.startedMs)} the first failure`;
    });
    const [own, older, newer] = [this.#ofOwn, this.#ofOlder, this.#ofNewer];
    const isCompared = this.#isReady && own.all + older.all > 0;
    const ofNewer = newer.all === 0 ? '' : `; at newer ones: ${newer.failed} of ${newer.all}`;
    const compared = `failed there: ${own.failed} of ${own.all} attempts; at older instances: ${older.failed} of ${older.all}${ofNewer}`;
    return [changedText(this.#applied), ...state, ...(isCompared ? [compared] : [])];
  }
}

/** The next revision that changed the application, whether or not it is suspected too; Infinity: none. */
function nextRelease({ events, revisions }: SuspectContext, application: string, { event }: Applied): number {
  const changes = [
    ...revisions,
    ...events.flatMap(({ event: other }) =>
      other.kind === 'configuration_applied' ? [{ revision: other.revision, changed: other.evidence.changed }] : [],
    ),
  ];
  const later = changes.filter(
    ({ revision, changed }) =>
      revision > event.revision && changed.some((part) => namesPart(part, 'applications', application)),
  );
  return Math.min(Infinity, ...later.map(({ revision }) => revision));
}

type NamedAttempts = Attempts & { readonly name: string };

/** At each instance; where none failed there, the exits that nobody asked for. */
function attemptsOf(context: SuspectContext, application: string): readonly NamedAttempts[] {
  const { upstream, endpoints } = context.incident;
  const attempts = endpoints.map(({ endpoint, attempts: all, failed }) => ({
    name: instanceOf(upstream, endpoint),
    all,
    failed,
  }));
  if (attempts.some(({ failed }) => failed > 0)) return attempts;
  const prefix = `instance:${application}/`;
  const exits = seen(context, 'instance_exited', (event) => event.subject.startsWith(prefix) && !wasStopped(event));
  return exits.map(({ event }) => ({ name: event.subject.slice('instance:'.length), all: 1, failed: 1 }));
}

/** `instances`: null: all. */
function sumOf(attempts: readonly NamedAttempts[], instances: readonly NamedInstance[] | null): Attempts {
  const own = attempts.filter(({ name }) => instances === null || instances.some((one) => one.name === name));
  return {
    all: own.reduce((sum, { all }) => sum + all, 0),
    failed: own.reduce((sum, { failed }) => sum + failed, 0),
  };
}
