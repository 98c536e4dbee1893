/** What to do if a process may open too few files. */
export const moreDescriptorsText = 'Allow it more: `ulimit -n 4096` before it starts, LimitNOFILE=4096 under systemd.';

/** Ends a sentence about a failed system call with its errno; adds what to do if too many files are open. */
export function errnoSentence(errno: string): string {
  const isTooMany = errno === 'EMFILE' || errno === 'ENFILE';
  return isTooMany ? `too many open files (${errno}). ${moreDescriptorsText}` : `the system says ${errno}.`;
}
