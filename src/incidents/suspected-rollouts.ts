import { explainedMin, explainedShare, explainedText } from './evidence-lines.ts';
import { instanceOf, type SeenRollout } from './seen-releases.ts';
import { beforeText, changeMs, failedBefore, isOf, lateMs, nearness, percent } from './suspect-facts.ts';
import { shownMax, type SuspectContext, type SuspectFinding } from './suspect-facts.ts';
import { noReasonFit } from './suspected-release.ts';

/** Attempts at the instances of one release, from the first failure of the incident on. */
interface Arm {
  readonly all: number;
  readonly failed: number;
}

/** So many times less of the attempts fail at the other release. */
const betterTimes = 4;

/** By chance alone so many standard deviations come in one of two hundred incidents. */
const deviationsMin = 2.6;

/**
 * The release of an application that `candor deploy` has rolled out last before the incident. Both releases get requests by chance, so that what fails at one
 * of them alone is its own doing, however long ago it was deployed. Null: none is known whose instances fail.
 */
export function suspectedRollout(context: SuspectContext): SuspectFinding | null {
  const { application } = context.watched;
  const known = application === null ? [] : (context.rollouts?.get(application) ?? []);
  const freshOf = ({ release }: SeenRollout): Arm => armOf(context, (one) => one === release);
  // Another one may have begun already, such as a rollback.
  const rollout = known.findLast((one) => one.beganMs - context.startedMs <= lateMs && freshOf(one).failed > 0);
  if (application === null || rollout === undefined) return null;
  const { release, before } = rollout;
  const fresh = freshOf(rollout);
  const old = armOf(context, (one) => one === before || one === null);
  const afterMs = rollout.beganMs - context.startedMs;
  const said = `Release ${release} of ${application}, deployed ${beforeText(afterMs)} the first failure`;
  const failures = `${fresh.failed} of its ${fresh.all} requests`;
  const evidence = evidenceOf(context, rollout);
  const compared = `; of ${before} ${old.failed} of ${old.all}`;
  if (old.all > 0 && !isMuchWorse(fresh, old))
    return {
      fit: noReasonFit,
      sentence: `${said}, does about as well as ${before}: ${failures} fail${compared}.`,
      evidence,
      nextStep: `Look at what both releases need, such as a database; a rollback to ${before} would not help.`,
    };
  // Of a release that got nearly all requests at once, too few went to the other one to compare them.
  const byTime = old.failed === 0 ? fitAlone(context, rollout) : null;
  const fit = old.all === 0 ? byTime : isByChance(fresh, old) ? Math.max(byTime ?? 0, 0.6) : 0.99;
  if (fit === null) return null;
  const later = successorOf(rollout, known);
  return {
    fit,
    sentence: `${said}: ${failures} fail${old.all > 0 ? compared : explainedText(context, afterMs)}.`,
    evidence,
    nextStep:
      later !== null
        ? `${later} gets the requests now: see in \`candor incidents\` whether they still fail, and correct ${release} before you deploy it again.`
        : `Run \`candor rollback ${application}\`: ${before} gets all requests again.`,
  };
}

/** By the time of its first requests alone, which may come long after it was deployed. Null: the time speaks against it. */
function fitAlone(context: SuspectContext, { beganMs, servedMs }: SeenRollout): number | null {
  const afterMs = beganMs - context.startedMs;
  const servedAfterMs = (servedMs ?? beganMs) - context.startedMs;
  const share = explainedShare(context, afterMs, 0);
  if (servedAfterMs < -changeMs || share < explainedMin || failedBefore(context, afterMs)) return null;
  return isOf(context.incident, 'dns', 'full') ? null : nearness(servedAfterMs, 0.97) * share;
}

/** The release that has its requests now; null: it has them. */
function successorOf(rollout: SeenRollout, known: readonly SeenRollout[]): string | null {
  const last = known.at(-1);
  if (last !== undefined && last !== rollout && last.share > 0) return last.release;
  return ['aborted', 'refused', 'interrupted'].includes(rollout.state ?? '') ? rollout.before : null;
}

const isMuchWorse = (fresh: Arm, old: Arm): boolean => fresh.failed * old.all >= betterTimes * old.failed * fresh.all;

/** Whether chance may have sent so many of the failures there. */
function isByChance(fresh: Arm, old: Arm): boolean {
  const failed = fresh.failed + old.failed;
  const share = fresh.all / (fresh.all + old.all);
  return fresh.failed - failed * share < deviationsMin * Math.sqrt(failed * share * (1 - share));
}

function armOf({ incident, instances }: SuspectContext, isOfArm: (release: string | null) => boolean): Arm {
  const own = incident.endpoints.filter(({ endpoint }) => {
    const upstream = endpoint.slice(0, endpoint.indexOf('/'));
    const instance = instances.get(instanceOf(upstream, endpoint));
    return instance !== undefined && isOfArm(instance.release ?? null);
  });
  return {
    all: own.reduce((sum, { attempts }) => sum + attempts, 0),
    failed: own.reduce((sum, { failed }) => sum + failed, 0),
  };
}

function evidenceOf({ instances, startedMs }: SuspectContext, rollout: SeenRollout): readonly string[] {
  const { release, before, actor, share } = rollout;
  const ready = [...instances].flatMap(([name, one]) =>
    one.release === release && one.readyMs !== null
      ? [`${name} runs it, and was ready ${beforeText(one.readyMs - startedMs)} the first failure`]
      : [],
  );
  return [
    `${actor} has deployed ${release} in place of ${before}; it gets ${percent(share)} of the requests`,
    ...ready.slice(0, shownMax - 1),
  ];
}
