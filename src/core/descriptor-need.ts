/** How many descriptors this process may have, and how many its configuration may need. */
export interface DescriptorNeed {
  readonly limit: number;
  readonly needed: number;
}

/** How many descriptors the process should have. One that spends more than its configuration needs gets twice as many. */
export function descriptorsWanted({ limit, needed }: DescriptorNeed): number {
  return needed > limit ? needed : 2 * limit;
}

/** Enough for the start of any gateway. */
const wantedToStart = 4096;

/**
 * What to do where a gateway that runs, or that starts, may open too few files, without a full stop. `need`: what a running one needs; null: not
 * known.
 */
export function descriptorsAdvice(need: DescriptorNeed | null, phase: 'start' | 'run' = 'run'): string {
  if (phase === 'start') return limitAdvice(wantedToStart);
  return `${limitAdvice(need === null ? null : descriptorsWanted(need))}, or lower \`client.connections_max\``;
}

/** The same as one sentence. */
export function descriptorsStep(need: DescriptorNeed | null, phase: 'start' | 'run' = 'run'): string {
  return `${descriptorsAdvice(need, phase)}.`;
}

/** Why a limit is too low, a clause. */
export function descriptorsFewText({ limit, needed }: DescriptorNeed): string {
  return `this process may open ${limit} files (ulimit -n), and \`client.connections_max\` with the connections to endpoints may need ${needed}`;
}

/** `wanted`: null: not known. */
function limitAdvice(wanted: number | null): string {
  return wanted === null
    ? 'Raise LimitNOFILE= in the unit of the gateway (`ulimit -n` in the shell that starts it)'
    : `Set LimitNOFILE=${wanted} in the unit of the gateway (\`ulimit -n ${wanted}\` in the shell that starts it)`;
}

/** What to do where an application has nearly used up its descriptors, one sentence. `pid`: null: not known. */
export function applicationDescriptorsStep(pid: number | null): string {
  const look = pid === null ? '`ls -l /proc/PID/fd` (`candor status` has the pid)' : `\`ls -l /proc/${pid}/fd\``;
  return `See with ${look} what the application does not close, and restart it meanwhile; raise its limit of open files (\`ulimit -n\`, \`LimitNOFILE=\`) only if it needs that many.`;
}
