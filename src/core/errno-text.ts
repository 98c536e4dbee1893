import { descriptorsStep } from './descriptor-need.ts';

/** Ends a sentence about a system call that has failed as a command or a gateway starts; says what to do if too many files are open. */
export function errnoSentence(errno: string): string {
  const isTooMany = errno === 'EMFILE' || errno === 'ENFILE';
  return isTooMany ? `too many open files (${errno}). ${descriptorsStep(null, 'start')}` : `the system says ${errno}.`;
}
