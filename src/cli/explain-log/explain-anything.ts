import { type Finding, isGatewayFailure } from '#explain/finding.ts';
import { type LineVerdict, LogExplainer } from '#explain/log-explainer.ts';
import { wholeLines } from '#explain/pasted/whole-lines.ts';
import { exitCodes } from '../exit-codes.ts';
import { type ExplainFlags, explainExchange } from '../explain-exchange.ts';
import { harmless, shorten } from '../layout.ts';
import { type Style, styleFor } from '../style.ts';
import { type ProcessContext } from '../process-context.ts';
import { CommandFailure } from '../command-failure.ts';
import { dialectsOf, explainLogs } from './explain-log.ts';
import { type ExplainLogFlags } from './explain-log-flags.ts';
import { findingLines } from './finding-text.ts';
import { manyText } from '#explain/report/finding-words.ts';
import { harmlessJson, lineObject } from './line-verdicts.ts';
import { isLikeFileName, isThere } from './log-source.ts';
import { redactedText } from '../redacted-output.ts';

export interface ExplainAnythingFlags extends ExplainFlags, ExplainLogFlags {}

/**
 * Runs `candor explain` on its argument. A file (`-` for standard input) is read as a log of any gateway; a line of such
 * a log is explained directly; anything else is taken for the id of a request that Candor served.
 */
export async function explainAnything(
  flags: ExplainAnythingFlags,
  given: readonly string[],
  context: ProcessContext,
): Promise<number> {
  const [only = ''] = given;
  if (given.length > 1) return explainLogs(flags, given, context);
  if (asksForExchange(flags)) return explainId(flags, only, context);
  if (only === '-' || isThere(only, context)) return explainLogs(flags, given, context);
  if (flags.logFormat === undefined && !/\s/.test(only) && !only.startsWith('{') && !isLikeFileName(only))
    return explainId(flags, only, context);
  const slices = only.split(/\r?\n/).filter((line) => line.trim() !== '');
  const lines = wholeLines(slices, dialectsOf(flags));
  if (lines.length === 0) throw new CommandFailure('usage', 'There is no input to explain.');
  return explainText(flags, lines, context);
}

/** Flags that apply only to the id of a request. */
function asksForExchange(flags: ExplainAnythingFlags): boolean {
  return [flags.log, flags.socket, flags.admin, flags.config].some((value) => value !== undefined);
}

async function explainId(flags: ExplainAnythingFlags, id: string, context: ProcessContext): Promise<number> {
  if (flags.lines || flags.follow || flags.html !== undefined)
    throw new CommandFailure(
      'usage',
      `--lines, --follow and --html need a log file, and there is no file ${harmless(id)}.`,
    );
  await explainExchange(flags, id, context);
  return exitCodes.ok;
}

/** Explains lines that were pasted as an argument. Says so of lines that no dialect recognises. */
function explainText(flags: ExplainAnythingFlags, lines: readonly string[], context: ProcessContext): number {
  if (flags.follow || flags.html !== undefined) throw notForLines(lines);
  const explainer = new LogExplainer(dialectsOf(flags));
  const verdicts = lines.map((line) => explainer.read(line));
  if (verdicts.every((verdict) => verdict === null)) return notALine(flags, lines, context);
  const style = styleFor(context.stdout, context.env);
  const shown = flags.json
    ? verdicts.map((verdict, index) =>
        harmlessJson(
          lineObject(verdict, lines[index] ?? '', { file: null, line: index + 1 }),
          flags.lines ? undefined : 2,
        ),
      )
    : verdictTexts(verdicts, lines, style);
  context.stdout.write(`${shown.join(flags.json ? '\n' : '\n\n')}\n`);
  return verdicts.some(isFailure) ? exitCodes.failure : exitCodes.ok;
}

/** Prints each verdict separately. If any line tells of a failure, the lines without one are only counted. */
function verdictTexts(verdicts: readonly LineVerdict[], lines: readonly string[], style: Style): string[] {
  const hasFailed = verdicts.some((verdict) => verdict !== null && verdict.shape !== 'none');
  const well = hasFailed ? verdicts.filter((verdict) => verdict?.shape === 'none').length : 0;
  const texts = verdicts.flatMap((verdict, index) => {
    const line = lines[index] ?? '';
    if (verdict === null) return [style.warn(`Not known: ${shorten(harmless(redactedText(line)), 60)}`)];
    if (hasFailed && verdict.shape === 'none') return [];
    return [[...findingLines(verdict, style), ...truncatedLines(verdict, line)].join('\n')];
  });
  return well === 0 ? texts : [...texts, `${manyText(well, 'further line')} without a failure`];
}

/** The first fields of a line may not suffice to recognise it. */
function truncatedLines({ shape }: Finding, line: string): string[] {
  if ((shape !== 'none' && shape !== 'unknown') || !/(?:…|\.\.\.)\s*$/.test(line)) return [];
  return ['  The line is truncated; the complete line may show more.'];
}

function notForLines([only = '']: readonly string[]): CommandFailure {
  const given = isLikeFileName(only) ? `there is no file ${shorten(harmless(only), 200)}` : 'this is a line of a log';
  return new CommandFailure('usage', `--follow and --html need a log file, and ${given}.`);
}

function isFailure(verdict: LineVerdict): boolean {
  return verdict !== null && isGatewayFailure(verdict);
}

function notALine(flags: ExplainAnythingFlags, lines: readonly string[], context: ProcessContext): number {
  const [only = ''] = lines;
  if (lines.length === 1 && isLikeFileName(only))
    throw new CommandFailure(
      'usage',
      `There is no file ${shorten(harmless(only), 200)}. Name a log that exists, or give a line of one in quotes.`,
    );
  if (flags.json)
    for (const [index, line] of lines.entries())
      context.stdout.write(`${harmlessJson(lineObject(null, line, { file: null, line: index + 1 }))}\n`);
  throw new CommandFailure(
    'nothing_to_do',
    'This is neither a file nor a line of a log that Candor recognises. Put a line in quotes, exactly as in the log. For a custom access log of nginx, Envoy or HAProxy, pass its format with --log-format.',
  );
}
