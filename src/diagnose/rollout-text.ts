import { digits, elapsedText, memoryText } from '#failures/quantity-text.ts';
import type { Judgement, RolloutState } from '../core/release.ts';

/** What a sentence says of a rollout. */
interface DescribedRollout {
  readonly state: RolloutState;
  readonly from: string;
  readonly share: number;
  readonly reason: string | null;
  readonly leftMs: number | null;
  /** Why its next step could not be written; null or absent: nothing keeps it. */
  readonly trouble?: string | null;
  readonly judgement: Pick<Judgement, 'verdict' | 'reason'> | null;
}

/** What the new release of a rollout does now, without its name: 'gets 5 % of the requests, for 42 s'. */
export function rolloutText({ trouble = null, ...rollout }: DescribedRollout): string {
  const text = stateText(rollout);
  return trouble === null ? text : `${text}; its next step waits: ${trouble}`;
}

function stateText({ state, from, share, reason, leftMs, judgement }: DescribedRollout): string {
  const left = leftMs === null ? '' : `, for ${leftText(leftMs)}`;
  switch (state) {
    case 'preparing':
      return 'waits for what runs before it';
    case 'starting':
      return `starts beside ${from}`;
    case 'shifting':
      return `gets ${share === 0 ? 'the requests of `canary_for`' : `${Math.round(100 * share)} % of the requests`}${left}`;
    case 'comparing':
      return `looks worse than before: three quarters of the requests go to ${from}, to compare them${left}`;
    case 'baking':
      return leftMs === 0 ? 'gets all requests' : `gets all requests, and is watched${left}`;
    case 'promoted':
      return judgement?.verdict === 'inconclusive' && judgement.reason === reason
        ? `is in force; inconclusive: ${reason}`
        : `is in force: ${reason}`;
    case 'interrupted':
      return `was interrupted: ${reason}. \`candor releases\` shows which release serves.`;
    case 'refused':
      return `was refused: ${reason}. ${from} serves, and nothing has changed for visitors.`;
    default:
      return `was taken back: ${reason}. ${from} serves.`;
  }
}

export function leftText(leftMs: number): string {
  const seconds = Math.ceil(leftMs / 1000);
  return seconds < 120 ? `${seconds} s` : elapsedText(seconds);
}

interface DescribedMaking {
  readonly files: number;
  readonly filesTotal: number;
  readonly bytes: number;
  readonly bytesTotal: number;
  readonly build: { readonly forMs: number; readonly lastLine: string | null } | null;
}

/** How much of a release is copied, or what its build has printed last. */
export function makingText({ files, filesTotal, bytes, bytesTotal, build }: DescribedMaking): string {
  if (build !== null) return `build: ${build.lastLine ?? `for ${elapsedText(build.forMs / 1000)}`}`;
  if (filesTotal === 0) return 'reading the files';
  return `copying: ${digits(files)} of ${digits(filesTotal)} files, ${memoryText(bytes)} of ${memoryText(bytesTotal)}`;
}
