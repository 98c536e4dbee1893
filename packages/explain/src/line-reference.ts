import type { LineTimes } from './line-times.ts';
import { ownText } from './own-text.ts';
import { truncateText } from './report-texts.ts';
import type { Example } from './summary-report.ts';

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
