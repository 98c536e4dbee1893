/** Quantities as people say them, for terminals and pages. */

/** Seconds as people say them: '42 s', '3 min', '1 h 2 min', '4 d 3 h'. */
export function elapsedText(seconds: number): string {
  const s = Math.max(0, Math.floor(seconds));
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min`;
  if (s < 86_400) return `${Math.floor(s / 3600)} h ${Math.floor((s % 3600) / 60)} min`;
  return `${Math.floor(s / 86_400)} d ${Math.floor((s % 86_400) / 3600)} h`;
}

/** Milliseconds as people say them: '0.4 ms', '12 ms', '2.00 s'. */
export function durationText(ms: number): string {
  if (ms < 10) return `${ms.toFixed(1)} ms`;
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(2)} s`;
}

/** '1 restart', '3 restarts'. */
export function countText(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

/** '1,501'. */
export function digits(count: number): string {
  return String(count).replace(/\B(?=(?:\d{3})+$)/g, ',');
}

/** Of the failures of a kind. */
interface FailureCounts {
  /** Requests. */
  readonly failed: number;
  /** A request that failed has had one attempt or several, or none; one that was answered may have had some that failed. */
  readonly attemptsFailed: number;
}

/** '3 requests', '3 requests, 9 attempts', '9 attempts'. */
export function failuresText(
  { failed, attemptsFailed }: FailureCounts,
  countOf: (count: number, noun: string) => string = countText,
): string {
  const requests = failed === 0 ? [] : [countOf(failed, 'request')];
  return [...requests, ...(attemptsFailed > failed ? [countOf(attemptsFailed, 'attempt')] : [])].join(', ');
}

/** Memory as people say it: '512 KiB', '82 MiB', '1.5 GiB'. */
export function memoryText(bytes: number): string {
  const gib = bytes / 1024 ** 3;
  if (gib >= 1) return `${Math.round(gib * 10) / 10} GiB`;
  return bytes < 1024 ** 2 ? `${Math.round(bytes / 1024)} KiB` : `${Math.round(bytes / 1024 ** 2)} MiB`;
}
