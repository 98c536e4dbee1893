import { allDialects } from './all-dialects.ts';
import type { Dialect } from './dialect.ts';
import { type LineVerdict, LogExplainer, worstOf } from './log-explainer.ts';
import { wholeLines } from './pasted/whole-lines.ts';
import { clockOf } from './log-clock.ts';
import { Summary } from './summary.ts';
import type { SummaryReport } from './summary-report.ts';
import { type Result, failWith } from '../../failures/src/result.ts';
import { envoyLogFormat, isEnvoyFormat } from './envoy/envoy.ts';
import { haproxyLogFormat, isHaproxyFormat } from './haproxy/haproxy.ts';
import { nginxLogFormat } from './nginx/log-format.ts';

export interface ExplainOptions {
  /** The log's format as nginx (`log_format`), Envoy (a format string) or HAProxy (`log-format`) has it, if it is none of the common ones. */
  readonly logFormat?: string;
  /**
   * Whether the text was pasted, so that lines may be broken into several. They are joined, and `lines` has one verdict for
   * each joined line; blank lines have none.
   */
  readonly pasted?: boolean;
  /** The formats that are read besides `logFormat`; absent: all that the package knows. */
  readonly dialects?: readonly Dialect[];
}

export interface Explanation {
  /** One verdict per line, in order; null if no dialect recognises the line. */
  readonly lines: readonly LineVerdict[];
  readonly summary: SummaryReport;
  /** Why `logFormat` could not be used; null if it was, or if none was given. */
  readonly error: string | null;
}

/** Explains a log, or a single line, of any gateway that Candor knows. Never throws. */
export function explain(
  log: string,
  { logFormat, pasted = false, dialects: known = allDialects }: ExplainOptions = {},
): Explanation {
  const given = logFormat === undefined ? null : customLogFormat(logFormat);
  const dialects = given?.ok === true ? [given.value, ...known] : known;
  const explainer = new LogExplainer(dialects);
  const summary = new Summary({ clock: clockOf([log.slice(0, sampleCharactersMax)], null) });
  const texts = linesOf(log);
  const whole = pasted
    ? wholeLines(
        texts.filter((line) => line.trim() !== ''),
        dialects,
      )
    : texts;
  const lines = whole.map((line) => {
    const each = explainer.readEach(line);
    if (each === null) {
      const verdict = explainer.readOne(line);
      summary.add(verdict, line);
      return verdict;
    }
    for (const { verdict, text } of each) summary.add(verdict, text);
    return worstOf(each.map(({ verdict }) => verdict));
  });
  return { lines, summary: summary.report(), error: given?.ok === false ? given.failure : null };
}

/** The beginning of a log shows its clock. */
const sampleCharactersMax = 1_000_000;

function linesOf(log: string): string[] {
  const lines = (log.startsWith('\ufeff') ? log.slice(1) : log)
    .split('\n')
    .map((line) => (line.endsWith('\r') ? line.slice(0, -1) : line));
  if (lines.at(-1) === '') lines.pop();
  return lines;
}

/**
 * A dialect for a log format that a gateway's configuration has: a `log_format` of nginx, a format string of Envoy or a
 * `log-format` of HAProxy. Returns an error for people if it is none of them, or if its lines show no failures.
 */
export function customLogFormat(text: string): Result<Dialect, string> {
  if (isEnvoyFormat(text)) return named('Envoy', envoyLogFormat(text));
  if (/^\s*log_format\b|\$\{?[a-z]/.test(text)) return named('nginx', nginxLogFormat(text));
  if (/%[<>!\d,]{0,20}[<>]s\b|^\s*LogFormat\b/.test(text))
    return failWith(
      'It looks like a `LogFormat` of Apache, which Candor reads without this option where it is a usual one.',
    );
  if (isHaproxyFormat(text)) return named('HAProxy', haproxyLogFormat(text));
  if (text.trim() === '') return failWith('The log format is empty.');
  return failWith(
    'It has none of the variables of a `log_format` of nginx (`$status`), a format of Envoy (`%RESPONSE_CODE%`) or a `log-format` of HAProxy (`%ST`). In a shell, put it in single quotes.',
  );
}

/** The message says which gateway's format the text was taken for. */
function named(gateway: string, read: Result<Dialect, string>): Result<Dialect, string> {
  return read.ok ? read : failWith(`As a format of ${gateway}: ${read.failure}`);
}
