import type { Event } from '../core/event.ts';
import { beforeText, shownMax, type FailedInSecond, type SuspectContext } from './suspect-facts.ts';

/** Failures of so many seconds from the start of an incident are known by their seconds. */
export const knownSecondsMax = 600;

/** Failures after a change are compared with those before it: of as long a time, or of this. */
const comparedMinS = 10;

/** A change that explains less than this has not caused the incident. */
export const explainedMin = 0.2;

/** A change long after the first failure is suspected only of what has hardly failed before it. */
export const mostlyExplained = 0.95;

type Failures = Pick<SuspectContext, 'failedAt' | 'failedAtOffsetMs'>;

/**
 * The share of the failures that came after a change, 1 for one before them all. Where requests fail as often before the change as after it,
 * it is one half, however long the incident goes on. Failures that came `toleranceMs` before it count as its own.
 */
export function explainedShare({ failedAt, failedAtOffsetMs }: Failures, afterMs: number, toleranceMs: number): number {
  const second = Math.floor((afterMs - toleranceMs + failedAtOffsetMs) / 1000);
  if (second <= 0) return 1;
  const until = second + Math.max(second, comparedMinS);
  const before = failedWithin(failedAt, 0, second);
  return before === 0 ? 1 : 1 - before / (before + failedWithin(failedAt, second, until));
}

/** Behind "the first failure": '; 241 of 242 failures came after it'; empty where all did. The total is that of the incident: of its requests, or of its attempts where more of those failed. */
export function explainedText(
  { failedAt, failedAtOffsetMs, incident }: Failures & Pick<SuspectContext, 'incident'>,
  afterMs: number,
): string {
  const { failed, attemptsFailed } = incident;
  const all = Math.max(failed, attemptsFailed);
  const countOf = ([requests, attempts]: FailedInSecond): number => (failed === all ? requests : attempts);
  const before = failedWithin(failedAt, 0, Math.floor((afterMs + failedAtOffsetMs) / 1000), countOf);
  return before === 0 ? '' : `; ${all - before} of ${all} failures came after it`;
}

function failedWithin(
  failedAt: Failures['failedAt'],
  from: number,
  until: number,
  countOf = (counts: FailedInSecond): number => Math.max(...counts),
): number {
  let sum = 0;
  for (const [second, counts] of failedAt) if (second >= from && second < until) sum += countOf(counts);
  return sum;
}

/** One fact of an event, and when it was seen: milliseconds after the incident began, negative: before it. */
interface EventLine {
  readonly text: string;
  readonly afterMs: number;
}

/** Events that differ in numbers alone are one line: the latest, with how many there were. In the order in which each was first seen. */
export function countedLines(
  found: readonly { readonly event: Event; readonly afterMs: number }[],
  textOf: (event: Event) => string = named,
): readonly EventLine[] {
  const groups = new Map<string, { line: EventLine; count: number }>();
  for (const { event, afterMs } of found) {
    const text = textOf(event);
    const key = `${event.subject} ${text.replaceAll(/\d+(?:\.\d+)?/g, '0')}`;
    groups.set(key, { line: { text, afterMs }, count: (groups.get(key)?.count ?? 0) + 1 });
  }
  return [...groups.values()]
    .slice(0, shownMax)
    .map(({ line, count }) =>
      count === 1 ? line : { ...line, text: `${line.text} (the latest of ${count} such events)` },
    );
}

/** The same as texts, with the moment: '…, 5 s after the first failure'. */
export function datedLines(...args: Parameters<typeof countedLines>): readonly string[] {
  return countedLines(...args).map(({ text, afterMs }) => `${text}, ${beforeText(afterMs)} the first failure`);
}

/** The reason of an event, which says what it is about. */
export function named({ subject, reason }: Event): string {
  const name = subject.replace(/^\w+:/, '');
  return reason.includes(name) ? reason : `${name}: ${reason}`;
}
