import { shapeOfType, specOfCause } from '#failures/failure-texts.ts';
import type { Cause } from '#failures/failure.ts';
import type { Shape, Whose } from '#failures/shape.ts';
import { type CountedCause, type FailureFamily, isOfChecksAlone, type LiveIncident } from '../core/live-incident.ts';
import { isCause, isLoop, isWithoutFailure } from './failure-family.ts';
import { withAskingRoutes } from './asked-service.ts';
import { countOf } from './failure-kinds.ts';
import { endedS } from './incident-additions.ts';
import { partyOf } from './incident-party.ts';
import type { OpenIncident } from './open-incident.ts';
import type { CountedFailure } from './upstream-failures.ts';

/** Of each list, the largest are shown. */
const shownMax = 20;

/** A smaller share of the failures is not what it is called by. */
const fewShare = 0.1;

/** Of families without a failure. */
const shapesWithoutCause: Readonly<Partial<Record<FailureFamily, Shape>>> = { slower: 'too_slow', changed: 'none' };

/** Requests find an endpoint again once none has failed to for so long while others reach one. */
const readyAgainS = 1;

/** `beganAt`: wall time of second 0. */
export function incidentFacts(
  open: OpenIncident,
  now: number,
  beganAt: number,
  resolvedAt: number | null,
): LiveIncident {
  const root = rootCauseOf(open);
  const spec = isCause(root) ? specOfCause(root) : null;
  const isUnusual = isWithoutFailure(open.root);
  const isSlower = open.root === 'slower';
  const failed = open.requestsFailed;
  const seconds = Math.max(1, open.lastSecond + 1 - open.startMs / 1000);
  const excerpts = open.words.all;
  const facts: LiveIncident = {
    id: open.id,
    upstream: open.upstream,
    upstreams: largest([...open.upstreamCounts].map(([upstream, counts]) => ({ upstream, ...counts }))),
    family: open.root,
    cause: isCause(root) ? root : null,
    shape: spec === null ? (shapesWithoutCause[open.root] ?? 'app_error') : shapeOfType(spec.type),
    whose: partyOfIncident(open, root),
    startedAt: Math.floor(beganAt + open.startMs),
    firstRequestAt: Math.floor(Math.min(open.firstRequestWall, beganAt + open.startMs)),
    openedAt: open.openedAt,
    lastAt: Math.min(now, beganAt + open.lastSecond * 1000 + 999),
    resolvedAt,
    requests: Math.max(open.requests.all, failed),
    failed,
    attemptsFailed: open.counts.attemptsFailed,
    causes: open.kinds.causes(shownMax, (family) => open.isEffect(family)),
    routes: largest([...open.routes].map(([route, failed]) => ({ route, failed }))),
    endpoints: largest(
      [...open.requests.endpoints].map(([endpoint, counted]) => ({
        ...{ endpoint, attempts: counted.attempts },
        failed: Math.min(counted.attempts, isSlower ? counted.late : isUnusual ? counted.changed : counted.failed),
      })),
    ),
    rate: { before: open.rateBefore, during: Math.max(open.requests.all, failed) / seconds },
    suspects: open.suspects,
    additions: open.additions.all(beganAt, resolvedAt !== null),
    ...(open.root === 'changed' && open.answers !== null ? { answers: open.answers } : {}),
    ...(isSlower && open.lateness !== null ? { lateness: open.lateness } : {}),
    ...open.alike.most(),
    ...(excerpts.length === 0 ? {} : { excerpts }),
    ...(open.rarer === null || resolvedAt !== null ? {} : { rarer: open.rarer }),
    ...(open.reportedCause.correction === null ? {} : { corrected: open.reportedCause.correction }),
    ...firstUntil(open, now, beganAt),
  };
  const asking = [...open.asking].map((one) => incidentFacts(one, now, beganAt, resolvedAt));
  return withAskingRoutes(facts, asking);
}

/** A consequence of them, such as that no endpoint is ready, may also be one of what has begun later. */
function firstUntil(open: OpenIncident, now: number, beganAt: number): { readonly firstUntil?: number } {
  const lastSecond = open.kinds.lastSecondOf(open.root);
  const until = beganAt + (lastSecond ?? 0) * 1000 + 999;
  // Requests are sent again, and fail in another way.
  const isReadyAgain = open.root === 'not_ready' && open.additions.laterCauses.size > 0;
  const quietS = isReadyAgain ? readyAgainS : endedS;
  return lastSecond !== null && now - until > quietS * 1000 ? { firstUntil: until } : {};
}

/** What its own suspects are looked for in: failures of a later cause have suspects of their own. */
export function ownFacts(open: OpenIncident, now: number, beganAt: number): LiveIncident {
  const { laterCauses } = open.additions;
  const facts = incidentFacts(open, now, beganAt, null);
  if (laterCauses.size === 0) return facts;
  const isOwn = ({ cause }: CountedCause): boolean => !laterCauses.has(open.kinds.get(cause)?.family ?? open.root);
  const causes = facts.causes.filter(isOwn);
  const failed = causes.reduce((sum, one) => sum + one.failed, 0);
  const attemptsFailed = causes.reduce((sum, one) => sum + one.attemptsFailed, 0);
  // Requests that were not sent have met no endpoint.
  return { ...facts, causes, failed, attemptsFailed, endpoints: [] };
}

/** Requests were answered until checks took the endpoints out: that the application is at fault is not known. */
function isSeenByChecksAlone(open: OpenIncident, root: CountedFailure): boolean {
  const wereAnswered = open.counts.attemptsFailed === 0 && (open.rateBefore ?? 0) > 0;
  return wereAnswered && isOfChecksAlone({ cause: isCause(root) ? root : null, suspects: open.suspects });
}

/** Requests of a loop that only they themselves tell of; 0 where the incident is about something else. */
export function claimedLoops(open: OpenIncident): number {
  const root = rootCauseOf(open);
  const parties = open.kinds.get(root)?.parties;
  return isLoop(root) && parties?.size === 1 ? (parties.get('client') ?? 0) : 0;
}

function partyOfIncident(open: OpenIncident, root: CountedFailure): Whose {
  if (isSeenByChecksAlone(open, root)) return 'gateway';
  if (open.isTakenOut && open.root === 'not_ready') return 'operator';
  return partyOf({
    root,
    parties: open.kinds.get(root)?.parties ?? new Map(),
    suspects: open.suspects,
    answersInHttp: open.requests.answeredBetween('notHttp') !== null,
    haveMoved: open.answers?.missing !== undefined,
    areLate: open.lateness != null && open.lateness.left === undefined,
    application: open.application,
  });
}

/** Of the family that began. */
function rootCauseOf(open: OpenIncident): CountedFailure {
  const commonest = open.kinds.commonest(open.root) ?? ('no_endpoint_ready' satisfies Cause);
  const counted = open.kinds.get(commonest);
  const isFew = counted !== null && countOf(counted) < fewShare * open.size;
  return isFew && open.root === 'gone' && open.checkCause !== null ? open.checkCause : commonest;
}

function largest<T extends { readonly failed: number; readonly attemptsFailed?: number }>(
  all: readonly T[],
): readonly T[] {
  return all
    .toSorted((a, b) => b.failed - a.failed || (b.attemptsFailed ?? 0) - (a.attemptsFailed ?? 0))
    .slice(0, shownMax);
}
