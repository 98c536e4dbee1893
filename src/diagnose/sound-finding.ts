import type { Finding } from './finding.ts';

/** ECMA-262 §21.4.1.1: as far from the epoch a day may be. */
const timeMaxMs = 8.64e15;

/**
 * The finding without numbers that cannot be what they are called: whoever wrote the line may have written anything, and
 * what adds findings up has to come to an end.
 */
export function withoutImpossible(finding: Finding): Finding {
  const { atMs, status, durationMs } = finding;
  if (isTime(atMs) && isStatus(status) && isDuration(durationMs)) return finding;
  return {
    ...finding,
    atMs: isTime(atMs) ? atMs : null,
    status: isStatus(status) ? status : null,
    durationMs: isDuration(durationMs) ? durationMs : null,
  };
}

const isTime = (ms: number | null): boolean => ms === null || Math.abs(ms) <= timeMaxMs;

const isStatus = (status: number | null): boolean =>
  status === null || (Number.isInteger(status) && status >= -1 && status <= 999);

const isDuration = (ms: number | null): boolean => ms === null || Number.isFinite(ms);
