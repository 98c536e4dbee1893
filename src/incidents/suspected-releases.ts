import type { LiveIncident, SuspectKind } from '../core/live-incident.ts';
import { specOfCause } from '#failures/failure-texts.ts';
import { wasStopped } from '../core/recorded-exit.ts';
import { explainedMin, explainedShare, explainedText, mostlyExplained } from './evidence-lines.ts';
import { outputStepOf } from './step-target.ts';
import { instanceOf, type SeenInstance, type SeenRevision } from './seen-releases.ts';
import {
  type Rule,
  type SeenOf,
  type SuspectContext,
  type SuspectFinding,
  beforeText,
  changeMs,
  concerns,
  failedBefore,
  isOf,
  lateMs,
  listOf,
  namesPart,
  nearness,
  seen,
  shownMax,
} from './suspect-facts.ts';

type Applied = SeenOf<'configuration_applied'>;

/** Instances of an application that is new start before its configuration is active. */
const preparedMs = 10_000;

/** Where so much of what fails is older than a release, the release is not what fails. */
const olderShareMin = 0.9;

/** An earlier configuration did better if so many failures were to be expected with it, and there were none. */
const expectedMin = 5;

/** Of the failures, those of requests that had not come before a release. */
const unseenShareMin = 0.9;

/** What is not the reason, but a reader may take for it. */
export const noReasonFit = 0.3;

/** A new configuration, and what it does to an application. */
export const releases = {
  release: (context) => {
    const { application } = context.watched;
    if (application === null || isOf(context.incident, 'dns', 'full')) return null;
    const concernsIt = (part: string): boolean => namesPart(part, 'applications', application);
    const all = appliedBefore(context, concernsIt);
    const releases = all.map((one) => new Release(context, application, one));
    const returns = all.map((one) => returnOf(context, one, concernsIt));
    const found = releases.findLastIndex((one, index) => {
      if (returns[index] !== null || one.failsBefore) return false;
      // What was taken back fails only where its instances still run.
      return one.failsItself || returns.slice(index).every((revision) => revision === null);
    });
    const applied = all[found];
    if (applied !== undefined) return releases[found]?.finding(laterReturn(context, applied, concernsIt)) ?? null;
    const [last, revision = null] = [all.at(-1), returns.at(-1)];
    if (last === undefined) return null;
    return revision === null ? (releases.at(-1)?.olderFail() ?? null) : returned(last, application, revision);
  },
  configuration_change: (context) => {
    const { upstream } = context.incident;
    const routes = context.incident.routes.map(({ route }) => route);
    const concernsIt = (part: string): boolean =>
      concerns(part, upstream, routes) || (isRefused(context.incident) && refusing.test(part));
    const found = appliedBefore(context, concernsIt).at(-1);
    if (found === undefined || beginsApplication(context, found)) return null;
    const revision = returnOf(context, found, concernsIt);
    if (revision !== null) return returned(found, 'the configuration', revision);
    const later = laterReturn(context, found, concernsIt);
    return {
      fit: nearness(found.afterMs, 0.93) * shareOf(context, found),
      sentence: `The configuration was changed ${beforeText(found.afterMs)} the first failure${explainedText(context, found.afterMs)}.`,
      evidence: [changedText(found)],
      nextStep:
        later === null
          ? restoreStep(context, found, concernsIt)
          : `Revision ${later} has the earlier settings again: see in \`candor incidents\` whether requests still fail.`,
    };
  },
} satisfies Partial<Record<SuspectKind, Rule>>;

/** Its upstream and its routes are new with it: the release says more. */
function beginsApplication(context: SuspectContext, applied: Applied): boolean {
  const { application } = context.watched;
  if (
    application === null ||
    !applied.event.evidence.changed.some((one) => namesPart(one, 'applications', application))
  )
    return false;
  return new Release(context, application, applied).isFirst;
}

/** The gateway refuses requests as they are, by a limit of what clients may send, or because no route is for them. */
const isRefused = ({ cause, family }: LiveIncident): boolean =>
  family === 'gateway' && cause !== null && specOfCause(cause).whose === 'client';
/** Parts of a configuration that say what is refused. */
const refusing = /^(?:everything|client|listeners|routes|trusted_peers)(?:$|[: ])/;

type ConcernsPart = (part: string) => boolean;

/** The changes that may have caused the incident, the latest last. */
function appliedBefore(context: SuspectContext, concernsIt: ConcernsPart): readonly Applied[] {
  const found = seen(context, 'configuration_applied', ({ evidence }) => evidence.changed.some(concernsIt), changeMs);
  const all = found.filter(
    (one) =>
      (one.afterMs <= lateMs
        ? shareOf(context, one) >= explainedMin
        : one.afterMs <= changeMs && context.failedAt.size > 0 && shareOf(context, one) >= mostlyExplained) &&
      (!failedBefore(context, one.afterMs) || bringsBackFailures(context, one, concernsIt)),
  );
  // A few failures before a change are no reason to suspect an earlier change instead.
  const least = Math.min(mostlyExplained, Math.max(...all.map((one) => shareOf(context, one))));
  return all.filter((one) => shareOf(context, one) >= least);
}

/** Of the failures that a change explains. */
const shareOf = (context: SuspectContext, { afterMs }: Applied): number => explainedShare(context, afterMs, 0);

/** Whether requests have failed in the same way with the settings that a change brings back. */
function bringsBackFailures(
  { failedRevisions }: SuspectContext,
  { event }: Applied,
  concernsIt: ConcernsPart,
): boolean {
  const { returned: parts = [] } = event.evidence;
  return parts.some(
    ({ part, revision }) => (part === 'everything' || concernsIt(part)) && failedRevisions.has(revision),
  );
}

/** The earlier revision whose settings a change brings back, where many requests did not fail so; null: it brings new ones, or few were made with them. */
function returnOf(context: SuspectContext, { event }: Applied, concernsIt: ConcernsPart): number | null {
  const { changed, returned: parts = [] } = event.evidence;
  const whole = parts.find(({ part }) => part === 'everything');
  const own = parts.filter(({ part }) => concernsIt(part));
  const isPartly = changed.some((part) => concernsIt(part) && !own.some((one) => isAllOf(part, one.part)));
  const revision = whole?.revision ?? (isPartly ? undefined : own[0]?.revision);
  return revision !== undefined && didWell(context, revision, concernsIt) ? revision : null;
}

function didWell(context: SuspectContext, revision: number, concernsIt: ConcernsPart): boolean {
  const { requests, failed, attemptsFailed, upstreams } = context.incident;
  const same = sameSettings(context.revisions, revision, concernsIt);
  if (context.failedRevisions.has(revision) || same.some((one) => context.failedRevisions.has(one.revision)))
    return false;
  const share = Math.min(1, Math.max(failed, attemptsFailed) / Math.max(1, requests));
  return attemptsWith(same, upstreams).all * share >= expectedMin;
}

function attemptsWith(revisions: readonly SeenRevision[], upstreams: LiveIncident['upstreams']): Attempts {
  const sum = (counts: (one: SeenRevision) => ReadonlyMap<string, number>): number =>
    revisions.reduce(
      (all, one) => upstreams.reduce((some, { upstream }) => some + (counts(one).get(upstream) ?? 0), all),
      0,
    );
  return { all: sum(({ attempts }) => attempts), failed: sum(({ failed }) => failed) };
}

/** So many times less of the attempts failed with a configuration in which requests succeeded. */
const betterTimes = 4;

/** The last revision before this one with whose settings requests succeeded that would fail now; null: none is known. */
function lastGood(context: SuspectContext, { event }: Applied, concernsIt: ConcernsPart): number | null {
  const { requests, failed, attemptsFailed, upstreams } = context.incident;
  const share = Math.min(1, Math.max(failed, attemptsFailed) / Math.max(1, requests));
  const found = context.revisions.findLast(({ revision }) => {
    if (revision >= event.revision) return false;
    const earlier = attemptsWith(sameSettings(context.revisions, revision, concernsIt), upstreams);
    return earlier.all * share >= expectedMin && earlier.failed * betterTimes <= earlier.all * share;
  });
  return found?.revision ?? null;
}

/** Whether only one earlier configuration is known that has other settings. */
function isOnlyChange({ revisions }: SuspectContext, { event }: Applied, concernsIt: ConcernsPart): boolean {
  return !revisions.some(({ revision, changed }) => revision < event.revision && changed.some(concernsIt));
}

function restoreStep(context: SuspectContext, found: Applied, concernsIt: ConcernsPart): string {
  const good = lastGood(context, found, concernsIt);
  if (good !== null)
    return `Compare it with revision ${good}, the last with which requests succeeded; restore that one and run \`candor reload\` if in doubt.`;
  return isOnlyChange(context, found, concernsIt)
    ? 'Compare the two configurations; restore the earlier one and run `candor reload` if in doubt.'
    : 'Compare it with the earlier configurations; restore one with which requests succeeded and run `candor reload` if in doubt.';
}

/** This revision and those right before it that have the same settings. */
function sameSettings(
  revisions: readonly SeenRevision[],
  revision: number,
  concernsIt: ConcernsPart,
): readonly SeenRevision[] {
  const until = revisions.filter((one) => one.revision <= revision);
  const first = until.findLastIndex(({ changed }) => changed.some((part) => part === 'everything' || concernsIt(part)));
  return until.slice(Math.max(0, first));
}

/** 'applications: web, worker' has more than 'applications: web'; what of it does not concern the incident does not count. */
function isAllOf(changed: string, part: string): boolean {
  const [key, name] = part.split(': ');
  return name !== undefined && namesPart(changed, key as string, name);
}

/** The revision that has brought back what this one changed; null: none. */
function laterReturn({ events }: SuspectContext, { event }: Applied, concernsIt: ConcernsPart): number | null {
  const found = events.findLast(
    ({ event: later }) =>
      later.kind === 'configuration_applied' &&
      later.revision > event.revision &&
      (later.evidence.returned ?? []).some(
        ({ part, revision }) => revision < event.revision && (part === 'everything' || concernsIt(part)),
      ),
  );
  return found?.event.revision ?? null;
}

export const changedText = ({ event }: Applied): string =>
  `revision ${event.revision}, requested by ${event.actor}, changed ${listOf(event.evidence.changed)}`;

function returned(found: Applied, what: string, revision: number): SuspectFinding {
  return {
    fit: noReasonFit,
    sentence: `A rollback: ${what} got the settings of revision ${revision} again ${beforeText(found.afterMs)} the first failure; no request failed so while revision ${revision} was active.`,
    evidence: [changedText(found)],
    nextStep: `Keep revision ${found.event.revision}; look for what the revision before it has left behind, such as a migrated database, and run \`candor status\` to see whether all instances are ready.`,
  };
}

interface NamedInstance extends SeenInstance {
  readonly name: string;
}

interface Attempts {
  readonly all: number;
  readonly failed: number;
}

/** A new configuration of an application, and what is known of the instances that it has started. */
class Release {
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
