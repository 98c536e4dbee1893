/** How many descriptors this process may have, and how many its configuration may need. */
export interface DescriptorNeed {
  readonly limit: number;
  readonly needed: number;
}

/** How many descriptors the process should have. One that spends more than its configuration needs gets twice as many. */
export function descriptorsWanted({ limit, needed }: DescriptorNeed): number {
  return needed > limit ? needed : 2 * limit;
}

/** What to do where hardly any descriptor is left, one sentence. `need`: null: not known. */
export function descriptorsStep(need: DescriptorNeed | null): string {
  return `${descriptorsAdvice(need)}.`;
}

/** The same without a full stop. */
export function descriptorsAdvice(need: DescriptorNeed | null): string {
  if (need === null)
    return 'Raise LimitNOFILE= in the unit of the gateway (`ulimit -n`), or lower `client.connections_max`';
  const wanted = descriptorsWanted(need);
  return `Set LimitNOFILE=${wanted} in the unit of the gateway (\`ulimit -n ${wanted}\` in the shell that starts it), or lower \`client.connections_max\``;
}
