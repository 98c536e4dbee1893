import type { Judgement, RolloutState, RolloutStrategy } from '../core/release.ts';
import { after, type Instant, never } from '../core/time.ts';

/** A share of requests, and for how long the new release has it at least. */
interface RolloutStep {
  /** From 0 to 1. */
  readonly share: number;
  readonly forMs: number;
}

export interface RolloutPlan {
  readonly strategy: RolloutStrategy;
  /** Of a canary, before the new release gets all requests; none with another strategy. */
  readonly steps: readonly RolloutStep[];
  /** During the steps the new release gets those requests that are chosen for it, and none by chance. */
  readonly isChosen: boolean;
  /** In which the new release must be ready. */
  readonly readyMs: number;
  /** How long it is watched when it has all requests. */
  readonly bakeMs: number;
  /** Whether it is compared with the old one. A rollback is not: an operator, or the judge, has decided on it. */
  readonly isJudged: boolean;
  /** Why it was begun, where it is a rollback; null: it is none. */
  readonly reason: string | null;
}

/**
 * A rollout, as a value and a function of what has happened. Only an operator or the judge takes a release back; a rollout of which neither says anything
 * goes on. `deploy/release-journal.ts` writes each state down before it is acted upon.
 *
 *     preparing ── its job has ended with 0 ──▶ starting
 *
 *     starting ── all instances are ready ──▶ shifting ── last step is over ──▶ baking ── watched long enough ──▶ promoted
 *        │ one ends, is wrong, or is late        │                                │
 *        ▼                                       ▼  bad, or an operator           ▼
 *     refused                                 aborted                          aborted: the old release gets all requests
 */
export type Rollout =
  /** Its job runs. */
  | { readonly state: 'preparing'; readonly since: Instant }
  | { readonly state: 'starting'; readonly since: Instant }
  | { readonly state: 'shifting'; readonly step: number; readonly since: Instant }
  /** Requests are split again, since what is known of the time before makes the release look bad. */
  | { readonly state: 'comparing'; readonly since: Instant; readonly bakedMs: number }
  | { readonly state: 'baking'; readonly since: Instant; readonly bakedMs: number }
  | { readonly state: 'promoted' | 'refused' | 'aborted'; readonly since: Instant; readonly reason: string };

/** The instances of the new release. */
export interface FreshInstances {
  readonly wanted: number;
  readonly ready: number;
  /** Why it will not be ready, one clause; null: it may be. */
  readonly hopeless: string | null;
  /** What is known of one that is not ready yet. */
  readonly waiting: string | null;
}

export type RolloutEvent =
  | {
      readonly kind: 'looked';
      readonly instances: FreshInstances;
      readonly judgement: Judgement | null;
      /** Why the release looks worse than the one before did, while it has all requests; null: it does not. */
      readonly suspicion: string | null;
      /** Why one of its endpoints gets no requests any more although its checks pass; null: none is so. */
      readonly ejected: string | null;
    }
  /** Null: the job has ended well. */
  | { readonly kind: 'prepared'; readonly failure: string | null }
  | { readonly kind: 'promote' }
  | { readonly kind: 'abort'; readonly reason: string };

/** A suspicion is decided in this time, or is none. A quarter of the requests harms fewer visitors than half of them, and takes hardly longer. */
const comparingMs = 60_000;
export const comparingShare = 0.25;

export function isOver(rollout: Rollout): rollout is Extract<Rollout, { readonly reason: string }> {
  return 'reason' in rollout;
}

/** The share of requests that the new release is to have. */
export function shareOf(rollout: Rollout, { steps }: RolloutPlan): number {
  switch (rollout.state) {
    case 'shifting':
      return steps[rollout.step]?.share ?? 1;
    case 'comparing':
      return comparingShare;
    case 'baking':
    case 'promoted':
      return 1;
    default:
      return 0;
  }
}

/** The chance with which a request is drawn to it; null: requests are chosen. */
export function drawnShareOf(rollout: Rollout, plan: RolloutPlan): number | null {
  return plan.isChosen && rollout.state === 'shifting' ? null : shareOf(rollout, plan);
}

/** For how long responses come to requests that were drawn with the share before: to all of them where the new release had all requests. */
const settlingMs = 500;
const settlingOfAllMs = 2000;

/** What is counted now says nothing of the present share. */
export function isSettling(rollout: Rollout, now: Instant): boolean {
  return now - rollout.since < (rollout.state === 'comparing' ? settlingOfAllMs : settlingMs);
}

/** When the rollout goes on by itself; never: it does not. */
export function goesOnAt(rollout: Rollout, plan: RolloutPlan): Instant {
  switch (rollout.state) {
    case 'starting':
      return after(rollout.since, plan.readyMs);
    case 'shifting':
      return after(rollout.since, plan.steps[rollout.step]?.forMs ?? 0);
    case 'comparing':
      return after(rollout.since, comparingMs);
    case 'baking':
      return after(rollout.since, plan.bakeMs - rollout.bakedMs);
    default:
      return never;
  }
}

export function nextRollout(rollout: Rollout, event: RolloutEvent, plan: RolloutPlan, now: Instant): Rollout {
  if (isOver(rollout)) return rollout;
  const isBefore = rollout.state === 'starting' || rollout.state === 'preparing';
  if (event.kind === 'abort') return ended(isBefore ? 'refused' : 'aborted', event.reason, now);
  if (event.kind === 'promote') return isBefore ? rollout : promotedEarly(rollout, now);
  if (rollout.state === 'preparing') {
    if (event.kind !== 'prepared') return rollout;
    if (event.failure !== null) return ended('refused', `what runs before it has failed: ${event.failure}`, now);
    return { state: 'starting', since: now };
  }
  if (event.kind === 'prepared') return rollout;
  const { instances, judgement, suspicion, ejected } = event;
  if (rollout.state === 'starting') return started(rollout, instances, plan, now);
  if (plan.isJudged && judgement?.verdict === 'bad') return ended('aborted', judgement.reason, now);
  if (instances.ready === 0 && instances.wanted > 0)
    return ended('aborted', instances.hopeless ?? noneReadyText(instances), now);
  if (plan.isJudged && ejected !== null) return ended('aborted', ejected, now);
  const isDue = now >= goesOnAt(rollout, plan);
  switch (rollout.state) {
    case 'shifting':
      return isDue ? shifted(rollout.step + 1, plan, now) : rollout;
    case 'comparing':
      return isDue || judgement?.verdict === 'good'
        ? { state: 'baking', since: now, bakedMs: rollout.bakedMs }
        : rollout;
    case 'baking': {
      const bakedMs = rollout.bakedMs + (now - rollout.since);
      if (plan.isJudged && suspicion !== null) return { state: 'comparing', since: now, bakedMs };
      return isDue ? ended('promoted', plan.reason ?? verdictText(judgement), now) : rollout;
    }
  }
}

/** A rollout that another process has begun: `state` and `share` stand in the journal. */
export function resumedRollout(state: RolloutState, share: number, { steps }: RolloutPlan, since: Instant): Rollout {
  if (state === 'starting') return { state: 'starting', since };
  const step = steps.findIndex((one) => one.share === share);
  if (state === 'shifting' && step !== -1) return { state, step, since };
  return { state: 'baking', since, bakedMs: 0 };
}

function started(
  rollout: Rollout,
  { ready, wanted, hopeless, waiting }: FreshInstances,
  plan: RolloutPlan,
  now: Instant,
): Rollout {
  if (ready >= wanted) return shifted(0, plan, now);
  if (hopeless !== null) return ended('refused', hopeless, now);
  if (now < goesOnAt(rollout, plan)) return rollout;
  const why = waiting === null ? '' : `: ${waiting}`;
  return ended('refused', `it was not ready within ${plan.readyMs / 1000} s${why}`, now);
}

const shifted = (step: number, { steps }: RolloutPlan, now: Instant): Rollout =>
  step < steps.length ? { state: 'shifting', step, since: now } : { state: 'baking', since: now, bakedMs: 0 };

const promotedEarly = (rollout: Rollout, now: Instant): Rollout =>
  rollout.state === 'shifting'
    ? { state: 'baking', since: now, bakedMs: 0 }
    : ended('promoted', 'an operator has ended its watch', now);

const noneReadyText = ({ waiting }: FreshInstances): string =>
  `none of its instances is ready any more${waiting === null ? '' : ` (${waiting})`}`;

const ended = (state: 'promoted' | 'refused' | 'aborted', reason: string, now: Instant): Rollout => ({
  ...{ state, reason, since: now },
});

const verdictText = (judgement: Judgement | null): string => judgement?.reason ?? 'it was not compared';
