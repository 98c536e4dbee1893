import type { LiveIncident, SuspectKind } from '../core/live-incident.ts';
import { specOfCause } from '#failures/failure-texts.ts';
import {
  type Applied,
  bringsBackFailures,
  changedText,
  type ConcernsPart,
  isOnlyChange,
  lastGood,
  laterReturn,
  returnOf,
} from './earlier-revisions.ts';
import { explainedMin, explainedText, mostlyExplained } from './evidence-lines.ts';
import {
  type Rule,
  type SuspectContext,
  type SuspectFinding,
  beforeText,
  changeMs,
  concerns,
  failedBefore,
  isOf,
  lateMs,
  namesPart,
  nearness,
  seen,
} from './suspect-facts.ts';
import { noReasonFit, shareOf, SuspectedRelease } from './suspected-release.ts';

/** A new configuration, and what it does to an application. */
export const releases = {
  release: (context) => {
    const { application } = context.watched;
    if (application === null || isOf(context.incident, 'dns', 'full')) return null;
    const concernsIt = (part: string): boolean => namesPart(part, 'applications', application);
    const all = appliedBefore(context, concernsIt);
    const releases = all.map((one) => new SuspectedRelease(context, application, one));
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
      concerns(part, upstream, routes) ||
      changesInstances(part, context.watched.application) ||
      (isRefused(context.incident) && refusing.test(part));
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
  return new SuspectedRelease(context, application, applied).isFirst;
}

/** How many processes it has: 'applications: shop (instances)'. */
function changesInstances(part: string, application: string | null): boolean {
  const [, changed = ''] = part.startsWith('applications: ') ? part.split(`${application} (`) : [];
  return application !== null && /\binstances\b/.test(changed.split(')', 1)[0] ?? '');
}

/** The gateway refuses requests as they are, by a limit of what clients may send, or because no route is for them. */
const isRefused = ({ cause, family }: LiveIncident): boolean =>
  family === 'gateway' && cause !== null && specOfCause(cause).whose === 'client';
/** Parts of a configuration that say what is refused. */
const refusing = /^(?:everything|client|listeners|routes|trusted_peers)(?:$|[: ])/;

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

function restoreStep(context: SuspectContext, found: Applied, concernsIt: ConcernsPart): string {
  const good = lastGood(context, found, concernsIt);
  if (good !== null)
    return `Compare it with revision ${good}, the last with which requests succeeded; restore that one and run \`candor reload\` if in doubt.`;
  return isOnlyChange(context, found, concernsIt)
    ? 'Compare the two configurations; restore the earlier one and run `candor reload` if in doubt.'
    : 'Compare it with the earlier configurations; restore one with which requests succeeded and run `candor reload` if in doubt.';
}

function returned(found: Applied, what: string, revision: number): SuspectFinding {
  return {
    fit: noReasonFit,
    sentence: `A rollback: ${what} got the settings of revision ${revision} again ${beforeText(found.afterMs)} the first failure; no request failed so while revision ${revision} was active.`,
    evidence: [changedText(found)],
    nextStep: `Keep revision ${found.event.revision}; look for what the revision before it has left behind, such as a migrated database, and run \`candor status\` to see whether all instances are ready.`,
  };
}
