import { digits } from '#failures/quantity-text.ts';
import type { ArmCounts, Judgement, ReleaseArm } from '../core/release.ts';
import type { Instant } from '../core/time.ts';

type Names = Readonly<Record<ReleaseArm, string>>;

const judgedMin = 10;
const failedShareMin = 0.5;
const restartsMin = 3;

const errorsOf = ({ failures, serverErrors }: ArmCounts): number => failures + serverErrors;

/**
 * Of a release that got its requests by a header, a cookie or a group of clients: those are not like the others, so that nothing can be compared. Null: its requests are
 * answered, or the old release fails as often.
 */
function failingReason(names: Names, { old, fresh }: Readonly<Record<ReleaseArm, ArmCounts>>): string | null {
  const [errors, oldErrors] = [errorsOf(fresh), errorsOf(old)];
  if (fresh.requests < judgedMin || errors < failedShareMin * fresh.requests) return null;
  if (2 * oldErrors * fresh.requests > errors * old.requests) return null;
  return `${digits(errors)} of ${digits(fresh.requests)} requests of ${names.fresh} failed, ${digits(oldErrors)} of ${digits(old.requests)} of ${names.old}`;
}

/** Restarts that nobody has asked for, since the rollout began. */
export function restartsReason(names: Names, restarts: Readonly<Record<ReleaseArm, number>>): string | null {
  if (restarts.fresh < restartsMin || restarts.old > 0) return null;
  return `${names.fresh} has ended and was restarted ${restarts.fresh} times, ${names.old} not at all`;
}

/** Without a comparison: bad, or inconclusive. `reason`: of the limits that it exceeds; null: none. */
export function undrawnJudgement(
  arms: Readonly<Record<ReleaseArm, ArmCounts>>,
  reason: string | null,
  otherwise: string,
): Judgement {
  return {
    verdict: reason === null ? 'inconclusive' : 'bad',
    reason: reason ?? otherwise,
    ...{ evidence: 0, limit: 0, ...arms, worst: null, requestsNeeded: 0 },
  };
}

/** Of a release whose requests were chosen, not drawn. */
export function chosenJudgement(names: Names, { old, fresh }: Readonly<Record<ReleaseArm, ArmCounts>>): Judgement {
  const arms = { old: countsOf(old), fresh: countsOf(fresh) };
  const seen = `${digits(fresh.requests)} of ${digits(old.requests + fresh.requests)} requests seen`;
  return undrawnJudgement(arms, failingReason(names, arms), `${seen}, chosen for ${names.fresh}: nothing is compared`);
}

/** Without what a sum has besides. */
const countsOf = ({ requests, failures, serverErrors, late }: ArmCounts): ArmCounts => ({
  ...{ requests, failures, serverErrors, late },
});

/** Resident memory of one instance, or of the largest one of a release. */
export interface MemorySample {
  readonly at: Instant;
  readonly bytes: number;
}

/** Growth is seen by the least of each part of the last three minutes: what is left when garbage has been collected. */
const partMs = 45_000;
const parts = 4;

/** A program that warms up grows less and less, and no larger than the old release. */
const steadyMin = 0.5;
const largerMin = 1.25;
const muchLarger = 2;
const hourParts = 3_600_000 / partMs;
/** Less in a part of the time is noise. */
const growthMin = 1024 * 1024;

/** `limitBytes`: how much an instance may have, or the machine has; null: not known. Null: no leak is seen. */
export function leakReason(
  names: Names,
  { old, fresh }: Readonly<Record<ReleaseArm, readonly MemorySample[]>>,
  limitBytes: number | null,
  now: Instant,
): string | null {
  if (!fresh.some(({ at }) => now - at >= parts * partMs)) return null;
  const [lows, oldLows] = [lowsOf(fresh, now), lowsOf(old, now)];
  if (lows.length < parts || oldLows.length === 0) return null;
  const steps = lows.slice(1).map((low, at) => low - (lows[at] as number));
  const [first, last] = [steps[0] as number, steps.at(-1) as number];
  const [present, oldPresent] = [lows.at(-1) as number, oldLows.at(-1) as number];
  const growth = (present - (lows[0] as number)) / steps.length;
  const oldGrowth = (oldPresent - (oldLows[0] as number)) / Math.max(1, oldLows.length - 1);
  if (Math.min(...steps) < growthMin || last < steadyMin * first || growth < muchLarger * oldGrowth) return null;
  const isNear = limitBytes !== null && present >= largerMin * oldPresent && present + hourParts * growth >= limitBytes;
  if (!isNear && present < muchLarger * oldPresent) return null;
  const perMinute = `${mebibytes((growth * 60_000) / partMs)} MiB a minute`;
  return `${names.fresh} has ${mebibytes(present)} MiB and grows by ${perMinute}, ${names.old} has ${mebibytes(oldPresent)} MiB`;
}

/** The oldest first; those without samples are left out. */
function lowsOf(samples: readonly MemorySample[], now: Instant): readonly number[] {
  const lows = new Array<number>(parts).fill(Infinity);
  for (const { at, bytes } of samples) {
    const part = parts - 1 - Math.floor((now - at) / partMs);
    if (part >= 0 && part < parts) lows[part] = Math.min(lows[part] as number, bytes);
  }
  return lows.filter(Number.isFinite);
}

const mebibytes = (bytes: number): string => digits(Math.round(bytes / 1024 ** 2));
