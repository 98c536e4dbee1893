import type { Release } from '../core/release.ts';
import { after, type Instant } from '../core/time.ts';
import type { ReleaseHistory } from '../deploy/release-history.ts';
import { resumedRollout, type RolloutPlan } from '../deploy/rollout.ts';
import type { ReleaseSettings } from '../features/releases/settings.ts';
import type { ComparedHow, RolloutComparison, SavedComparison } from './rollout-comparison.ts';
import { type KeptRollout, planOf, type PresentRollout } from './running-rollout.ts';

type Compare = (from: Release, to: Release, how: ComparedHow, saved?: SavedComparison | null) => RolloutComparison;

/** The rollout of an earlier process goes on with the same share. `kept`: null: that process has said nothing of it. */
export function takenOverRollout(
  kept: KeptRollout | null,
  { open, inForce, releases }: Pick<ReleaseHistory, 'open' | 'inForce' | 'releases'>,
  settings: ReleaseSettings,
  now: Instant,
  compare: Compare,
): PresentRollout {
  const releaseOf = (number: number | null): Release | null =>
    releases.find(({ release }) => release.number === number)?.release ?? null;
  const before = releaseOf(kept?.warm?.number ?? null);
  const warm = before === null || kept?.warm == null ? null : { release: before, until: after(now, kept.warm.leftMs) };
  const watched =
    before === null || inForce === null || kept?.watched == null
      ? null
      : {
          ...{ from: before, to: inForce, strategy: kept.watched },
          comparison: compare(before, inForce, { isChosen: false }, kept.comparison),
        };
  const [from, to] = [releaseOf(open?.from ?? null), releaseOf(open?.to ?? null)];
  const isRunning = open !== null && open.state !== 'preparing';
  if (!isRunning || from === null || to === null || inForce === null) return { warm, watched, running: null };
  const plan: RolloutPlan = { ...planOf(open.strategy, settings), isJudged: kept?.isJudged ?? true, reason: null };
  const running = {
    ...{ id: open.rollout, from, to, plan, actor: open.actor, beganAt: open.beganAt },
    job: new AbortController(),
    rollout: resumedRollout(open.state, open.share, plan, after(now, -(kept?.sinceMs ?? 0))),
    comparison: compare(from, to, plan, kept?.comparison),
  };
  return { warm, watched, running };
}
