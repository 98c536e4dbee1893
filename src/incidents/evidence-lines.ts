import type { Event } from '../core/event.ts';
import { beforeText, shownMax } from './suspect-facts.ts';

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
