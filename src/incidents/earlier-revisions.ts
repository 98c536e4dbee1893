import type { LiveIncident } from '../core/live-incident.ts';
import type { SeenRevision } from './seen-releases.ts';
import { listOf, namesPart, type SeenOf, type SuspectContext } from './suspect-facts.ts';

export type Applied = SeenOf<'configuration_applied'>;

/** An earlier configuration did better if so many failures were to be expected with it, and there were none. */
const expectedMin = 5;

export type ConcernsPart = (part: string) => boolean;

export interface Attempts {
  readonly all: number;
  readonly failed: number;
}

/** Whether requests have failed in the same way with the settings that a change brings back. */
export function bringsBackFailures(
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
export function returnOf(context: SuspectContext, { event }: Applied, concernsIt: ConcernsPart): number | null {
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
export function lastGood(context: SuspectContext, { event }: Applied, concernsIt: ConcernsPart): number | null {
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
export function isOnlyChange({ revisions }: SuspectContext, { event }: Applied, concernsIt: ConcernsPart): boolean {
  return !revisions.some(({ revision, changed }) => revision < event.revision && changed.some(concernsIt));
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
export function laterReturn({ events }: SuspectContext, { event }: Applied, concernsIt: ConcernsPart): number | null {
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
