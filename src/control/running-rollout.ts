import type { EventSink } from '../core/event.ts';
import type { LiveInstance } from '../core/live-instance.ts';
import type { Judgement, Release, RolloutStrategy } from '../core/release.ts';
import type { RolloutStatus } from '../core/schemas/releases.ts';
import { after, type Clock, type Instant } from '../core/time.ts';
import { goesOnAt, isOver, type Rollout, type RolloutEvent, type RolloutPlan, shareOf } from '../deploy/rollout.ts';
import type { ReleaseSettings } from '../features/releases/settings.ts';
import type { SavedUsual } from '../policy/usual-answers.ts';
import type { ReleasedApplication } from './released-application.ts';
import type { RolloutComparison, SavedComparison, SavedTrafficBefore } from './rollout-comparison.ts';
import { hopelessText, isEjected, sameReason } from './rollout-words.ts';

export interface Watched extends Compared {
  readonly strategy: RolloutStrategy;
}

/** Both releases, while one is rolled out, and while the one before stays warm. */
export interface Compared {
  readonly from: Release;
  readonly to: Release;
  readonly comparison: RolloutComparison;
}

export interface RunningRollout extends Compared {
  readonly id: number;
  readonly plan: RolloutPlan;
  readonly beganAt: string;
  readonly actor: string;
  /** Ends what runs before its instances. */
  readonly job: AbortController;
  readonly remarks?: readonly string[];
  rollout: Rollout;
  /** Why its next step could not be written; null or absent: nothing keeps it. */
  trouble?: string | null;
}

/** What is known of the releases of one application, besides what the journal says. */
export interface PresentRollout {
  readonly running: RunningRollout | null;
  /** The release in force, which is watched as long as the one before is warm. */
  readonly watched: Watched | null;
  readonly warm: { readonly release: Release; readonly until: Instant } | null;
}

/** What a process that takes over goes on with besides the journal. */
export interface KeptRollout {
  readonly warm: { readonly number: number; readonly leftMs: number } | null;
  /** For how long the rollout is in its state. */
  readonly sinceMs: number;
  readonly isJudged: boolean;
  /** Null: nothing is compared. */
  readonly comparison: SavedComparison | null;
  /** How the release in force came, which is watched while the one before is warm; null: none is watched. */
  readonly watched: RolloutStrategy | null;
  readonly before: SavedTrafficBefore;
  /** Absent: a predecessor compared none. */
  readonly answers?: SavedUsual;
}

export function keptRollout(
  { warm, running, watched }: PresentRollout,
  before: SavedTrafficBefore,
  now: Instant,
): KeptRollout {
  return {
    warm: warm === null ? null : { number: warm.release.number, leftMs: Math.max(0, warm.until - now) },
    sinceMs: running === null ? 0 : now - running.rollout.since,
    isJudged: running?.plan.isJudged ?? true,
    comparison: (running ?? watched)?.comparison.saved() ?? null,
    watched: watched?.strategy ?? null,
    before,
  };
}

/** Instances, endpoints and verdicts that change are looked at when they do; where nothing is known to have changed, so often. */
export const lookEveryMs = 1000;
/** While instances start, time alone may make one hopeless, and a step that could not be written is to be tried again. */
const lookAgainMs = 100;

/** Null: nothing changes with time alone. */
export function nextLookAt({ running, watched, warm }: PresentRollout, now: Instant): Instant | null {
  if (running === null) return watched === null ? (warm?.until ?? null) : after(now, lookEveryMs);
  const { rollout, plan, trouble } = running;
  const dueAt = goesOnAt(rollout, plan);
  // What was due, and could not be written, is tried at the next look, not at once.
  const isPending = rollout.state === 'starting' || trouble != null || dueAt <= now;
  const lookAt = after(now, isPending ? lookAgainMs : lookEveryMs);
  return dueAt > now && dueAt < lookAt ? dueAt : lookAt;
}

export function planOf(
  strategy: RolloutStrategy,
  { steps, canaryFor, readyMs, bakeMs }: ReleaseSettings,
): Omit<RolloutPlan, 'isJudged' | 'reason'> {
  const isCanary = strategy === 'canary';
  return { strategy, steps: isCanary ? steps : [], isChosen: isCanary && canaryFor !== null, readyMs, bakeMs };
}

interface BeginningRollout extends Compared, Pick<RunningRollout, 'id' | 'actor' | 'remarks' | 'rollout'> {
  readonly plan: Omit<RolloutPlan, 'isJudged' | 'reason'>;
  /** Of a rollback, which nobody judges; null: it is none. */
  readonly rollbackFor: string | null;
}

export function begunRollout({ plan, rollbackFor, ...begun }: BeginningRollout, clock: Clock): RunningRollout {
  const isJudged = rollbackFor === null;
  return {
    ...begun,
    plan: { ...plan, isJudged, reason: rollbackFor, bakeMs: isJudged ? plan.bakeMs : 0 },
    job: new AbortController(),
    beganAt: new Date(clock.wallTime()).toISOString(),
  };
}

/** Null: the release is not compared. */
export const judgementOf = ({ comparison, plan }: RunningRollout): Judgement | null =>
  plan.isJudged ? comparison.judgement() : null;

/** Whether what was counted speaks so much against the release that it cannot wait for the next look. */
export const isDecided = ({ comparison }: Compared, running: RunningRollout | null): boolean =>
  (running !== null && judgementOf(running)?.verdict === 'bad') || comparison.isSuspicious;

export function statusOf(running: RunningRollout, now: Instant): RolloutStatus {
  const { id, from, to, plan, rollout, beganAt, actor, remarks = [], trouble = null } = running;
  const at = goesOnAt(rollout, plan);
  return {
    ...{ id, from: from.name, to: to.name, strategy: plan.strategy, state: rollout.state, beganAt, actor },
    share: shareOf(rollout, plan),
    shares: [...plan.steps.map(({ share }) => share), 1],
    leftMs: Number.isFinite(at) ? Math.max(0, Math.round(at - now)) : null,
    reason: isOver(rollout) ? rollout.reason : null,
    judgement: judgementOf(running),
    trouble,
    remarks,
  };
}

/** The same content deployed again, as when a pipeline runs once more, is done. */
export function alreadyInForce(
  { name }: Release,
  order: Pick<RolloutStatus, 'id' | 'strategy' | 'actor' | 'remarks' | 'beganAt'>,
): RolloutStatus {
  return {
    ...{ ...order, from: name, to: name, state: 'promoted', reason: sameReason },
    ...{ share: 1, shares: [1], leftMs: null, judgement: null, trouble: null },
  };
}

type SeenApplication = Pick<ReleasedApplication, 'spec' | 'instances' | 'endpoints'>;

type RolloutFacts = Omit<Extract<RolloutEvent, { kind: 'looked' }>, 'kind'>;

/** What a look at the application shows of the new release. */
export function factsOf(running: RunningRollout, application: SeenApplication, now: Instant): RolloutFacts {
  const { to, rollout, comparison } = running;
  const instances = application.instances.filter(({ release }) => release === to.name);
  const isReady = ({ state }: LiveInstance): boolean => state === 'healthy';
  const ejected = application.endpoints.find((one) => one.release === to.name && isEjected(one));
  const waiting = instances.find((one) => !isReady(one)) ?? null;
  return {
    instances: {
      wanted: application.spec?.instances ?? 1,
      ready: instances.filter(isReady).length,
      hopeless: instances.map((one) => hopelessText(one, now)).find((text) => text !== null) ?? null,
      waiting: waiting === null ? null : `${waiting.id}: ${waiting.reason}`,
    },
    judgement: judgementOf(running),
    suspicion: rollout.state === 'baking' ? comparison.takeSuspicion() : null,
    ejected: ejected === undefined ? null : `${ejected.instance ?? ejected.id} was ejected: ${ejected.reason}`,
  };
}

/** `before`: the state that it leaves; null: it begins. `ordered`: by an operator. */
export function eventOf(
  application: string,
  { id, from, to, plan, rollout, actor }: RunningRollout,
  { reason, before, ordered }: { reason: string; before: string | null; ordered: boolean },
): Parameters<EventSink['emit']>[0] {
  const share = shareOf(rollout, plan);
  return {
    ...{ kind: 'rollout', subject: `application:${application}`, from: before, to: rollout.state, reason },
    ...(before === null ? { actor } : {}),
    evidence: { application, rollout: id, release: to.name, before: from.name, share, ordered },
  };
}
