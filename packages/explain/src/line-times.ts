import { headOf } from './application/application.ts';
import type { Finding } from './finding.ts';
import { type LogClock, timeOf, timeOfEvent } from './log-clock.ts';
import { ownText } from './own-text.ts';
import { truncateText } from './report-texts.ts';
import type { Example } from './summary-report.ts';

/** A stack trace has its time a few lines before it. */
const linesMax = 20;

/**
 * The times of the lines of one log. A line that a system's log has put a time before has that time, even without its year; the
 * lines of a stack trace have the time of the line before them.
 */
export class LineTimes {
  #lastMs: number | null = null;
  #lastLine = 0;

  /** `line` is its number in the log. */
  timeOf(finding: Finding, text: string, line: number, clock: LogClock): number | null {
    const own = timeOf(finding, clock);
    if (own !== null) {
      if (finding.application !== undefined) this.#keep(own, line);
      return own;
    }
    const ofHead = finding.application === undefined ? timeOfEvent(headOf(text), clock) : null;
    if (ofHead !== null || finding.application === undefined) return ofHead;
    return line - this.#lastLine <= linesMax ? this.#lastMs : null;
  }

  /** A line of no known format may have the time of what follows. */
  unrecognised(text: string, line: number, clock: LogClock): void {
    const atMs = timeOfEvent(headOf(text), clock);
    if (atMs !== null) this.#keep(atMs, line);
  }

  #keep(atMs: number, line: number): void {
    this.#lastMs = atMs;
    this.#lastLine = line;
  }
}

/** A file whose lines are counted. */
export interface CountedFile {
  /** As it was named on the command line; null for text without a file. */
  readonly name: string | null;
  lines: number;
  /** The time of its last line that has one. */
  lastMs: number | null;
  readonly times: LineTimes;
}

/** A line that is being added. Its text is copied only if a report shows it. */
export interface LineReference {
  readonly file: string | null;
  readonly line: number;
  readonly text: string;
}

export function exampleOf({ file, line, text }: LineReference): Example {
  return { file, line, text: truncateText(ownText(text)) };
}
