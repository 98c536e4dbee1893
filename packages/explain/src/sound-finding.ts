import type { Finding } from './finding.ts';

/** The largest time value, in milliseconds from the epoch (ECMA-262 §21.4.1.1). */
const timeMaxMs = 8.64e15;

/** Removes invalid numbers from a finding: a line may contain any number, and adding up has to stay correct and bounded. */
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
