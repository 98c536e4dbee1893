/** What to do where a process may have too few files open. */
export const moreDescriptorsText = 'Allow it more: `ulimit -n 4096` before it starts, LimitNOFILE=4096 under systemd.';

/** What the system has against something, to end a sentence with; and what to do, where too many files are open. */
export function errnoSentence(errno: string): string {
  const isTooMany = errno === 'EMFILE' || errno === 'ENFILE';
  return isTooMany ? `too many open files (${errno}). ${moreDescriptorsText}` : `the system says ${errno}.`;
}
