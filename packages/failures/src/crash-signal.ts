/** Signals that a process causes by its own fault. */
const crashSignals: ReadonlySet<string> = new Set([
  'SIGSEGV',
  'SIGBUS',
  'SIGILL',
  'SIGFPE',
  'SIGABRT',
  'SIGTRAP',
  'SIGSYS',
]);

/** Whether a process that this signal ended has caused it by its own fault. */
export function isCrashSignal(signal: string | null): boolean {
  return signal !== null && crashSignals.has(signal);
}
