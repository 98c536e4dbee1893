import { elapsedText } from '#failures/quantity-text.ts';
import type { RolloutState } from '../core/release.ts';

/** What a sentence says of a rollout. */
interface DescribedRollout {
  readonly state: RolloutState;
  readonly from: string;
  readonly share: number;
  readonly reason: string | null;
  readonly leftMs: number | null;
}

/** What the new release of a rollout does now, without its name: 'gets 5 % of the requests, for 42 s'. */
export function rolloutText({ state, from, share, reason, leftMs }: DescribedRollout): string {
  const left = leftMs === null ? '' : `, for ${elapsedText(leftMs / 1000)}`;
  switch (state) {
    case 'preparing':
    case 'starting':
      return `starts beside ${from}`;
    case 'shifting':
      return `gets ${Math.round(100 * share)} % of the requests${left}`;
    case 'comparing':
      return `looks worse than before: three quarters of the requests go to ${from}, to compare them${left}`;
    case 'baking':
      return `gets all requests, and is watched${left}`;
    case 'promoted':
      return `is in force: ${reason}`;
    case 'refused':
      return `was refused: ${reason}. ${from} serves, and nothing has changed for visitors.`;
    default:
      return `was taken back: ${reason}. ${from} serves.`;
  }
}
