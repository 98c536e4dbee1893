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
  return `${limitAdvice(need === null ? null : descriptorsWanted(need))}, or lower \`client.connections_max\``;
}

/** Why a limit is too low, a clause. */
export function descriptorsFewText({ limit, needed }: DescriptorNeed): string {
  return `this process may open ${limit} files (ulimit -n), and \`client.connections_max\` with the connections to endpoints may need ${needed}`;
}

/** How the gateway gets more descriptors, without a full stop. `wanted`: how many; null: not known. */
export function limitAdvice(wanted: number | null): string {
  return wanted === null
    ? 'Raise LimitNOFILE= in the unit of the gateway (`ulimit -n` in the shell that starts it)'
    : `Set LimitNOFILE=${wanted} in the unit of the gateway (\`ulimit -n ${wanted}\` in the shell that starts it)`;
}

/** What to do if a gateway may open too few files to start, one sentence. */
export const descriptorsToStartStep = `${limitAdvice(4096)}.`;

/** Ends a sentence about a failed system call with its errno; adds what to do if too many files are open. */
export function errnoSentence(errno: string): string {
  const isTooMany = errno === 'EMFILE' || errno === 'ENFILE';
  return isTooMany ? `too many open files (${errno}). ${descriptorsToStartStep}` : `the system says ${errno}.`;
}

/** What to do where an application has nearly used up its descriptors, one sentence. `pid`: null: not known. */
export function applicationDescriptorsStep(pid: number | null): string {
  const look = pid === null ? '`ls -l /proc/PID/fd` (`candor status` has the pid)' : `\`ls -l /proc/${pid}/fd\``;
  return `See with ${look} what the application does not close, and restart it meanwhile; raise its limit of open files (\`ulimit -n\`, \`LimitNOFILE=\`) only if it needs that many.`;
}
