import { elapsedText, memoryText } from '#failures/quantity-text.ts';
import { makingText, rolloutText } from '../diagnose/rollout-text.ts';
import type { ApplicationReleasesJson, JudgementJson, PastRolloutJson, ReleaseJson, RolloutJson } from './model.ts';
import type { Tone } from './overall-state.ts';
import { countFigure, shareFigure } from './shown-figures.ts';

/** Releases and rollouts as the page Releases shows them. */

interface RolloutStepShown {
  readonly name: string;
  readonly state: 'done' | 'now' | 'next';
}

/** '5 %': as a person wrote it. */
export function shareText(share: number): string {
  return `${Math.round(share * 1000) / 10} %`;
}

/** A share of 0: requests are chosen for it. */
const stepText = (share: number): string =>
  share === 1 ? 'all requests' : share === 0 ? 'canary_for' : shareText(share);

/** The steps of a rollout that goes on: its start, each share of requests, and its end. */
export function rolloutSteps({ state, share, shares }: RolloutJson): readonly RolloutStepShown[] {
  const names = ['start', ...shares.map(stepText), 'in force'];
  const isStarting = state === 'preparing' || state === 'starting';
  // Requests are split again while it is compared: its last step goes on.
  const at = state === 'shifting' ? shares.indexOf(share) : -1;
  const now = state === 'promoted' ? names.length : isStarting ? 0 : at < 0 ? shares.length : at + 1;
  return names.map((name, index) => ({ name, state: index < now ? 'done' : index === now ? 'now' : 'next' }));
}

/** How long its step takes at most; '': it is over. */
export function leftText({ left_ms: leftMs }: RolloutJson): string {
  return leftMs === null ? '' : `${elapsedText(leftMs / 1000)} left`;
}

/** The same as long as the step is. */
export function rolloutSentence(rollout: RolloutJson): string {
  return `${rollout.to} ${rolloutText({ ...rollout, leftMs: null })}`;
}

/** 'build: added 97 packages in 4s'; null: none is being made. */
export function makingWords({ making }: Pick<ApplicationReleasesJson, 'making'>): string | null {
  if (making === null) return null;
  const { files_total: filesTotal, bytes_total: bytesTotal, build } = making;
  const built = build && { forMs: build.for_ms, lastLine: build.last_line };
  return makingText({ ...making, filesTotal, bytesTotal, build: built });
}

export function rolloutTone({ state }: Pick<RolloutJson, 'state'>): Tone {
  if (state === 'promoted') return 'good';
  if (state === 'aborted' || state === 'refused' || state === 'interrupted') return 'bad';
  return state === 'comparing' ? 'warn' : 'idle';
}

export const verdictTones: Readonly<Record<JudgementJson['verdict'], Tone>> = {
  good: 'good',
  bad: 'bad',
  inconclusive: 'unknown',
};

const eventWords = {
  failure: 'failed requests',
  server_error: 'responses with 5xx',
  late: 'late responses',
  answer: 'worse answers',
} as const;

/** 'failed requests (connect_refused) on route cart'; null: nothing speaks against the release. */
function worstWords({ worst }: Pick<JudgementJson, 'worst'>): string | null {
  if (worst === null) return null;
  const { route, event, cause } = worst;
  const where = route === null ? '' : route === '' ? ' on any route' : ` on route ${route}`;
  return `${eventWords[event]}${cause === null ? '' : ` (${cause})`}${where}`;
}

/** What the verdict was computed from: names with values. */
export function judgementFacts(judgement: JudgementJson): readonly (readonly [name: string, value: string])[] {
  const { evidence, limit, old, fresh, requests_needed: needed } = judgement;
  const seen = countFigure(Math.min(old.requests, fresh.requests));
  return [
    ['evidence', `${evidenceFigure(evidence)} of ${limit}, from which the release is bad`],
    [
      'requests of each',
      needed === 0 ? `${seen}; no number suffices, as both fail` : `${seen} of ${countFigure(needed)} needed`,
    ],
    ['worst finding', worstWords(judgement) ?? 'none'],
  ];
}

/** How far the evidence is from 1 to its limit, by its logarithm: each event multiplies it. From 0 to 1. */
export function evidenceShare({ evidence, limit }: Pick<JudgementJson, 'evidence' | 'limit'>): number {
  return Math.min(1, Math.max(0, Math.log(Math.max(evidence, 1)) / Math.log(limit)));
}

function evidenceFigure(evidence: number): string {
  if (evidence >= 1_000_000) return '> 1 M';
  return evidence < 10 ? evidence.toFixed(1) : countFigure(evidence);
}

/** Requests were split between both releases, so that they were compared. */
export function wasCompared({ old, fresh }: JudgementJson): boolean {
  return old.requests + fresh.requests > 0;
}

/** '12 of 340 (3.5 %)' without the whole; '0'. */
export function countOfArm(count: number, requests: number): string {
  return count === 0 || requests === 0
    ? countFigure(count)
    : `${countFigure(count)} (${shareFigure(count / requests)})`;
}

export function releaseState(
  { name }: ReleaseJson,
  { in_force: inForce, warm, rollout }: ApplicationReleasesJson,
): { readonly tone: Tone; readonly word: string } | null {
  if (name === inForce) return { tone: 'good', word: 'in force' };
  if (name === rollout?.to) return { tone: 'idle', word: 'being rolled out' };
  // While a release is watched, the one before it still runs.
  return name === warm || name === rollout?.from ? { tone: 'idle', word: 'warm' } : null;
}

/** 'LIMIT added, GREETING changed': against the release before. */
export function environmentWords(
  { environment, environment_changed: changed }: ReleaseJson,
  before?: ReleaseJson,
): string {
  const how = (name: string): string => {
    if (!environment.includes(name)) return 'removed';
    return before?.environment.includes(name) === true ? 'changed' : 'added';
  };
  return changed.map((name) => `${name} ${how(name)}`).join(', ');
}

/** Of the files of a release; one that runs where candor.yaml says has none of its own. */
export function sizeFigure(bytes: number): string {
  if (bytes === 0) return '–';
  return bytes < 1024 ? `${bytes} B` : memoryText(bytes);
}

/** Since when the release in force is; null: the rollouts that are kept do not say. */
export function inForceSince({ in_force: name, releases, rollouts }: ApplicationReleasesJson): string | null {
  const number = releases.find((one) => one.name === name)?.number;
  return rollouts.find(({ to, state }) => to === number && state === 'promoted')?.ended_at ?? null;
}

/** 'r1 → two'. */
export function rolloutNames({ from, from_name: fromName, to, to_name: toName }: PastRolloutJson): string {
  const fresh = toName ?? `number ${to}`;
  return from === null ? fresh : `${fromName ?? `number ${from}`} → ${fresh}`;
}
