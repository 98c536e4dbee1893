/** A calm phase and one with a flood, one after the other. */
export interface FloodPair {
  /** Why the pair does not count; null: the machine was quiet. */
  readonly disturbed: string | null;
  readonly loginsPerS: number;
  /** Of requests without a password. */
  readonly calmP99Ms: number;
  readonly floodP99Ms: number;
  /** Of these requests, and of logins, those that failed. */
  readonly failed: number;
}

const asked = { loginsPerSMin: 5, addedP99MsMax: 2 } as const;

/** Of the pairs that count. The added p99 is their median: one pause of the machine in a phase of seconds is its p99. */
export function judgeFlood(pairs: readonly FloodPair[]): {
  readonly verdict: 'met' | 'missed' | 'not measured';
  readonly text: string;
} {
  const counted = pairs.filter(({ disturbed }) => disturbed === null);
  if (counted.length === 0)
    return { verdict: 'not measured', text: `not measured: ${pairs[0]?.disturbed ?? 'no pair'}` };
  const logins = Math.min(...counted.map(({ loginsPerS }) => loginsPerS));
  const added = counted
    .map(({ calmP99Ms, floodP99Ms }) => floodP99Ms - calmP99Ms)
    .toSorted((one, other) => one - other);
  const addedMs = added[Math.floor((added.length - 1) / 2)] as number;
  const failed = counted.reduce((sum, one) => sum + one.failed, 0);
  const isMet = logins >= asked.loginsPerSMin && addedMs <= asked.addedP99MsMax && failed === 0;
  const figures = `${logins.toFixed(1)} logins/s (${asked.loginsPerSMin}), p99 of others ${addedMs >= 0 ? '+' : ''}${addedMs.toFixed(1)} ms (+${asked.addedP99MsMax}), ${failed} failed`;
  return {
    verdict: isMet ? 'met' : 'missed',
    text: `${isMet ? 'met' : 'missed'}: ${figures}; ${counted.length} of ${pairs.length} pairs count`,
  };
}
