import { explainedMin, explainedShare, explainedText } from './evidence-lines.ts';
import {
  beforeText,
  changeMs,
  failedBefore,
  isOf,
  lateMs,
  nearness,
  seen,
  type SeenOf,
  soonMs,
  type SuspectContext,
  type SuspectFinding,
} from './suspect-facts.ts';
import { applicationsOf } from './watched-upstream.ts';

/** The gateway has seen it itself: surer than an exit of the application, which may follow from it. */
const downFit = 0.97;
const degradedFit = 0.86;
/** What may be wrong in the settings of the check alone. */
const settingsFit = 0.8;
const ofSettings: ReadonlySet<string | null> = new Set(['login', 'denied', 'absent', 'garbage', 'tls', 'name']);

/** Checks are not as exact as requests: one that was under way at the first failure may still find it up. */
const overlapMs = 500;

type StateEvent = SeenOf<'dependency_state'>;

/** A dependency in trouble from one event to the next. */
interface Trouble {
  readonly seen: StateEvent;
  /** Relative to the first failure: when a check began that found it so, and the last one that found it otherwise (null: none has). */
  readonly beganMs: number;
  readonly otherBeforeMs: number | null;
  /** When it worked again; null: it has not. */
  readonly upAgainMs: number | null;
}

/** The service or provider by which routes authenticate. Where its requests fail, the incident is that of its upstream (`asked-service.ts`). */
export function authenticationService({ incident }: SuspectContext): SuspectFinding | null {
  const { cause, causes, routes } = incident;
  if (cause !== 'authentication_unavailable') return null;
  const count = causes.find((one) => one.cause === cause)?.count ?? 0;
  return {
    fit: 0.7,
    sentence: 'The service or provider that `authentication` asks gives no usable answer: nothing was passed on.',
    evidence: [`${cause}: ${count} ${count === 1 ? 'request' : 'requests'}`],
    nextStep: `Look at the upstream of that service, whose requests may well succeed; \`candor logs route:"authentication of ${routes[0]?.route ?? '/'}"\` shows what it was asked and what it answered (for the keys of tokens \`route:"keys of UPSTREAM"\`).`,
  };
}

/** What the application depends on (`depends_on`) stopped working shortly before it failed, or with it. */
export function changedDependency(context: SuspectContext): SuspectFinding | null {
  if (isOf(context.incident, 'dns', 'tls', 'garbage', 'gateway', 'network')) return null;
  const found = troublesOf(context).flatMap((trouble) => findingOf(trouble, context) ?? []);
  // The latest of those that are as likely: it has failed otherwise before.
  return found.toReversed().toSorted((a, b) => b.fit - a.fit)[0] ?? null;
}

function troublesOf(context: SuspectContext): readonly Trouble[] {
  const applications = new Set(applicationsOf(context.watched));
  const events = seen(context, 'dependency_state', () => true, changeMs);
  return events.flatMap((one, at) => {
    const { to, subject, evidence } = one.event;
    if ((to !== 'down' && to !== 'degraded') || !evidence.dependents.some((name) => applications.has(name))) return [];
    const next = events.slice(at + 1).find(({ event }) => event.subject === subject && event.to === 'up');
    return {
      seen: one,
      beganMs: one.afterMs - evidence.sinceMs,
      otherBeforeMs: evidence.otherMs === null ? null : one.afterMs - evidence.otherMs,
      upAgainMs: next?.afterMs ?? null,
    };
  });
}

function fitOf({ to, evidence }: StateEvent['event']): number {
  if (to === 'degraded') return degradedFit;
  return ofSettings.has(evidence.fault) ? settingsFit : downFit;
}

function findingOf(trouble: Trouble, context: SuspectContext): SuspectFinding | null {
  const { seen: one, beganMs, otherBeforeMs, upAgainMs } = trouble;
  const { from, reason, evidence } = one.event;
  // Found up after the first failure, it has not caused it; and what was over long before has not either.
  if (beganMs > lateMs || (otherBeforeMs ?? -Infinity) > overlapMs || (upAgainMs ?? 0) < -soonMs) return null;
  if (failedBefore(context, beganMs)) return null;
  // It failed at some moment between the two checks.
  const at = Math.min(beganMs, Math.max(otherBeforeMs ?? beganMs, 0));
  const share = explainedShare(context, at, lateMs);
  if (share < explainedMin) return null;
  const name = `${evidence.dependency} (${evidence.address})`;
  return {
    fit: nearness(at, fitOf(one.event)) * share,
    sentence: `${name} ${evidence.then} ${beforeText(at)} the first failure${explainedText(context, at)}.`,
    evidence: [
      `${reason}: the gateway's own check, ${beforeText(beganMs)} the first failure`,
      ...(otherBeforeMs === null
        ? []
        : [
            `the last check that found it ${from === 'down' ? 'otherwise' : 'up'} began ${beforeText(otherBeforeMs)} the first failure`,
          ]),
      ...(upAgainMs === null ? [] : [`it worked again ${beforeText(upAgainMs)} the first failure`]),
    ],
    nextStep: evidence.fix ?? `Look at ${evidence.dependency}; the application fails because of it.`,
  };
}
