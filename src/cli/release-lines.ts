import { digits } from '#failures/quantity-text.ts';
import type { RolloutState } from '../core/release.ts';
import type { RolloutStatus } from '../core/schemas/releases.ts';
import { leftText, rolloutText } from '../diagnose/rollout-text.ts';
import { harmless, wrapAfter } from './layout.ts';
import { statusMark, type Style } from './style.ts';

/** Whether another line would say the same. */
export function sameStep(one: RolloutStatus, other: RolloutStatus): boolean {
  const isSame = one.state === other.state && one.share === other.share && one.reason === other.reason;
  return isSame && one.trouble === other.trouble;
}

/** What a rollout does now, in one sentence. */
export function rolloutLine(rollout: RolloutStatus, style: Style): readonly string[] {
  const { state, to } = rollout;
  return wrapAfter(markOf(state, style), `${harmless(to)} ${harmless(rolloutText(rollout))}`, 2);
}

export function markOf(state: RolloutState, style: Style): string {
  const isBad = state === 'refused' || state === 'aborted' || state === 'interrupted';
  return statusMark(isBad ? 'bad' : state === 'promoted' ? 'good' : 'dim', style);
}

/** What changes within a step: '5 % · requests: 12 of r13, 230 of r12 · 41 s left · evidence 3 of 100'. */
export function liveText({ state, from, to, share, leftMs, judgement }: RolloutStatus): string {
  const isStarting = state === 'starting' || state === 'preparing';
  const counts =
    judgement === null || isStarting
      ? []
      : [`requests: ${digits(judgement.fresh.requests)} of ${to}, ${digits(judgement.old.requests)} of ${from}`];
  const evidence =
    judgement === null || isStarting || judgement.limit === 0
      ? []
      : [`evidence ${digits(Math.round(judgement.evidence))} of ${digits(judgement.limit)}`];
  const left = leftMs === null ? [] : [`${leftText(leftMs)} left`];
  const isChosen = state === 'shifting' && share === 0;
  const what = isStarting ? 'starting' : isChosen ? 'canary_for' : `${Math.round(100 * share)} %`;
  return `  ${harmless([what, ...counts, ...left, ...evidence].join(' · '))}`;
}
