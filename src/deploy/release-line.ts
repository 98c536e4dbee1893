import {
  type Release,
  type ReleaseVerdict,
  type RolloutState,
  type RolloutStrategy,
  rolloutStates,
  rolloutStrategies,
} from '../core/release.ts';

interface Numbered {
  readonly v: 1;
  /** Grows with each line. */
  readonly seq: number;
  /** RFC 3339. */
  readonly at: string;
}

/** How a rollout has ended. */
type RolloutEnd = Extract<RolloutState, 'promoted' | 'aborted' | 'refused' | 'interrupted'>;

/** What a line of the journal says. Releases and rollouts stand in it by their numbers. */
export type ReleaseFact =
  /** `bytes`: of its tree; 0 without one. */
  | { readonly kind: 'created'; readonly release: Release; readonly bytes: number }
  | {
      readonly kind: 'began';
      readonly rollout: number;
      /** Null: there was no release before. */
      readonly from: number | null;
      readonly to: number;
      readonly strategy: RolloutStrategy;
      readonly actor: string;
    }
  /** `share`: of the new release, 0 to 1. */
  | { readonly kind: 'step'; readonly rollout: number; readonly state: RolloutState; readonly share: number }
  /** The release is in force from here on. */
  | { readonly kind: 'promoted'; readonly rollout: number; readonly release: number }
  | {
      readonly kind: 'ended';
      readonly rollout: number;
      readonly state: RolloutEnd;
      readonly verdict: ReleaseVerdict | null;
      readonly reason: string;
    }
  /** Its tree may be gone. */
  | { readonly kind: 'removed'; readonly release: number };

/** A later version of Candor writes kinds that this one does not know. They are kept, and mean nothing here. */
export type ReleaseLine = Numbered & (ReleaseFact | { readonly kind: 'unknown'; readonly written: string });

interface ReadReleaseLines {
  readonly lines: readonly ReleaseLine[];
  /** Bytes of the lines; what follows was torn by a crash. */
  readonly bytes: number;
  readonly tornBytes: number;
}

/** Line `line`, the first one is 1, cannot be read; `why`: a sentence whose subject is the line. */
interface DamagedLine {
  readonly line: number;
  readonly why: string;
}

export function lineText(line: ReleaseLine): string {
  return line.kind === 'unknown' ? `${line.written}\n` : `${JSON.stringify(line)}\n`;
}

/**
 * Reads lines. The last one is torn where the machine or the process stopped within it: it has no end, or the zero bytes of a
 * file system that had not written it. Never throws.
 */
export function readReleaseLines(text: string): ReadReleaseLines | DamagedLine {
  const whole = text.slice(0, text.lastIndexOf('\n') + 1);
  const firstZero = whole.indexOf('\0');
  const kept = firstZero === -1 ? whole : whole.slice(0, whole.lastIndexOf('\n', firstZero) + 1);
  // Zeros in the middle are damage: whole lines follow them.
  if (kept.length < whole.length && whole.slice(kept.length).trimEnd().includes('\n'))
    return { line: kept.split('\n').length, why: 'has zero bytes' };
  const lines: ReleaseLine[] = [];
  for (const written of kept.split('\n').slice(0, -1)) {
    const line = readLine(written, lines.at(-1)?.seq ?? 0);
    if (typeof line === 'string') return { line: lines.length + 1, why: line };
    lines.push(line);
  }
  const bytes = Buffer.byteLength(kept);
  return { lines, bytes, tornBytes: Buffer.byteLength(text) - bytes };
}

/** A text: why it cannot be read. */
function readLine(written: string, seqBefore: number): ReleaseLine | string {
  let value: Fields;
  try {
    value = JSON.parse(written) as Fields;
  } catch {
    return 'is no JSON';
  }
  if (!isRecord(value)) return 'is no JSON object';
  if (value['v'] !== 1) return 'was written by another version of Candor';
  const { seq, at, kind } = value;
  if (!isCount(seq) || typeof at !== 'string' || typeof kind !== 'string') return 'has no seq, at or kind';
  if (seq <= seqBefore) return `has the seq ${seq}, which is not above the one before`;
  const fields = Object.hasOwn(kinds, kind) ? kinds[kind as ReleaseFact['kind']] : null;
  if (fields === null) return { v: 1, seq, at, kind: 'unknown', written };
  const wrong = Object.keys(fields).find((name) => fields[name]?.(value[name]) !== true);
  return wrong === undefined ? (value as unknown as ReleaseLine) : `has no valid ${wrong}`;
}

type Fields = Readonly<Record<string, unknown>>;
type Check = (value: unknown) => boolean;

const isText: Check = (value) => typeof value === 'string';
const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
const isRecord = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isTexts: Check = (value) => Array.isArray(value) && value.every(isText);
const oneOf =
  (values: readonly unknown[]): Check =>
  (value) =>
    values.includes(value);
const orNull =
  (check: Check): Check =>
  (value) =>
    value === null || check(value);
const withFields =
  (fields: Readonly<Record<string, Check>>): Check =>
  (value) =>
    isRecord(value) && Object.keys(fields).every((name) => fields[name]?.(value[name]) === true);

const releaseFields: Readonly<Record<keyof Release, Check>> = {
  number: isCount,
  name: isText,
  digest: isText,
  tree: orNull(isText),
  command: isTexts,
  secretWords: (value) => value === undefined || (Array.isArray(value) && value.every(isCount)),
  directory: isText,
  environment: (value) => isRecord(value) && Object.values(value).every(isText),
  workers: (value) =>
    value === undefined ||
    (isRecord(value) &&
      Object.values(value).every(
        withFields({ command: isTexts, environment: (own) => isRecord(own) && Object.values(own).every(isText) }),
      )),
  from: withFields({ kind: oneOf(['folder', 'git', 'archive', 'configuration']), text: isText }),
  createdAt: isText,
  actor: isText,
  configuration: orNull(isCount),
  built: (value) => value === undefined || withFields({ ms: isCount, source: isText })(value),
};

const kinds: Readonly<Record<ReleaseFact['kind'], Readonly<Record<string, Check>>>> = {
  created: { release: withFields(releaseFields), bytes: isCount },
  began: {
    rollout: isCount,
    from: orNull(isCount),
    to: isCount,
    strategy: oneOf(rolloutStrategies),
    actor: isText,
  },
  step: { rollout: isCount, state: oneOf(rolloutStates), share: (value) => Number.isFinite(value) },
  promoted: { rollout: isCount, release: isCount },
  ended: {
    rollout: isCount,
    state: oneOf(['promoted', 'aborted', 'refused', 'interrupted']),
    verdict: orNull(oneOf(['good', 'bad', 'inconclusive'])),
    reason: isText,
  },
  removed: { release: isCount },
};
