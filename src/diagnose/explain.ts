import { type LineVerdict, LogExplainer } from './log-explainer.ts';
import { Summary } from './summary.ts';
import type { SummaryReport } from './summary-report.ts';

export interface ExplainOptions {
  /** The text of nginx's `log_format` that the log was written with, where it is none of the common ones. */
  readonly logFormat?: string;
}

export interface Explanation {
  /** One for each line, in order; null where nobody recognises it. */
  readonly lines: readonly LineVerdict[];
  readonly summary: SummaryReport;
}

/** Explains a log, or a single line, of any gateway that Candor knows. Never throws. */
export function explain(log: string, _options: ExplainOptions = {}): Explanation {
  const explainer = new LogExplainer();
  const summary = new Summary();
  const lines = linesOf(log).map((line) => {
    const verdict = explainer.read(line);
    summary.add(verdict, line);
    return verdict;
  });
  return { lines, summary: summary.report() };
}

function linesOf(log: string): string[] {
  const lines = log.split('\n').map((line) => (line.endsWith('\r') ? line.slice(0, -1) : line));
  if (lines.at(-1) === '') lines.pop();
  return lines;
}
