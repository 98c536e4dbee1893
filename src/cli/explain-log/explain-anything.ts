import { type Finding, isGatewayFailure } from '../../diagnose/finding.ts';
import { type LineVerdict, LogExplainer } from '../../diagnose/log-explainer.ts';
import { exitCodes } from '../exit-codes.ts';
import { type ExplainFlags, explainExchange } from '../explain-exchange.ts';
import { harmless, shorten } from '../layout.ts';
import { type Style, styleFor } from '../style.ts';
import { CommandFailure, type Surroundings } from '../surroundings.ts';
import { dialectsOf, type ExplainLogFlags, explainLogs } from './explain-log.ts';
import { findingLines } from './finding-text.ts';
import { manyText } from './finding-words.ts';
import { harmlessJson, lineObject } from './line-verdicts.ts';
import { isLikeFileName, isThere } from './log-place.ts';
import { wholeLines } from './whole-lines.ts';
import { shownText } from '../shown.ts';

export interface ExplainAnythingFlags extends ExplainFlags, ExplainLogFlags {}

/**
 * What `candor explain` is given: files (`-` for standard input) are read as logs of any gateway; a line of such a log is
 * explained as it stands; anything else is taken for the id of a request that Candor served.
 */
export async function explainAnything(
  flags: ExplainAnythingFlags,
  given: readonly string[],
  around: Surroundings,
): Promise<number> {
  const [only = ''] = given;
  if (given.length > 1) return explainLogs(flags, given, around);
  if (asksForExchange(flags)) return explainId(flags, only, around);
  if (only === '-' || isThere(only, around)) return explainLogs(flags, given, around);
  if (flags.logFormat === undefined && !/\s/.test(only) && !only.startsWith('{') && !isLikeFileName(only))
    return explainId(flags, only, around);
  const pieces = only.split(/\r?\n/).filter((line) => line.trim() !== '');
  const lines = wholeLines(pieces, dialectsOf(flags));
  if (lines.length === 0) throw new CommandFailure('usage', 'Nothing was given to be explained.');
  return explainText(flags, lines, around);
}

/** Flags that only a request's id has a use for. */
function asksForExchange(flags: ExplainAnythingFlags): boolean {
  return [flags.log, flags.socket, flags.admin, flags.config].some((value) => value !== undefined);
}

async function explainId(flags: ExplainAnythingFlags, id: string, around: Surroundings): Promise<number> {
  if (flags.lines || flags.follow || flags.html !== undefined)
    throw new CommandFailure(
      'usage',
      `--lines, --follow and --html are for logs, and there is no file ${harmless(id)}.`,
    );
  await explainExchange(flags, id, around);
  return exitCodes.ok;
}

/** Lines that were pasted; those that no dialect knows are said to be so. */
function explainText(flags: ExplainAnythingFlags, lines: readonly string[], around: Surroundings): number {
  if (flags.follow || flags.html !== undefined) throw notForLines(lines);
  const explainer = new LogExplainer(dialectsOf(flags));
  const verdicts = lines.map((line) => explainer.read(line));
  if (verdicts.every((verdict) => verdict === null)) return notALine(flags, lines, around);
  const style = styleFor(around.stdout, around.env);
  const shown = flags.json
    ? verdicts.map((verdict, place) =>
        harmlessJson(lineObject(verdict, lines[place] ?? '', place + 1), flags.lines ? undefined : 2),
      )
    : verdictTexts(verdicts, lines, style);
  around.stdout.write(`${shown.join(flags.json ? '\n' : '\n\n')}\n`);
  return verdicts.some(isFailure) ? exitCodes.failure : exitCodes.ok;
}

/** Each verdict of its own; of many lines, those in which nothing failed are only counted where something did. */
function verdictTexts(verdicts: readonly LineVerdict[], lines: readonly string[], style: Style): string[] {
  const hasFailed = verdicts.some((verdict) => verdict !== null && verdict.shape !== 'none');
  const well = hasFailed ? verdicts.filter((verdict) => verdict?.shape === 'none').length : 0;
  const texts = verdicts.flatMap((verdict, place) => {
    const line = lines[place] ?? '';
    if (verdict === null) return [style.warn(`Not known: ${shorten(harmless(shownText(line)), 60)}`)];
    if (hasFailed && verdict.shape === 'none') return [];
    return [[...findingLines(verdict, style), ...cutOffLines(verdict, line)].join('\n')];
  });
  return well === 0 ? texts : [...texts, `${manyText(well, 'further line')} without a failure`];
}

/** The beginning of a line may have nothing in it that decides. */
function cutOffLines({ shape }: Finding, line: string): string[] {
  if ((shape !== 'none' && shape !== 'unknown') || !/(?:…|\.\.\.)\s*$/.test(line)) return [];
  return ['  The line is cut off at its end; the whole line may tell more.'];
}

function notForLines([only = '']: readonly string[]): CommandFailure {
  const given = isLikeFileName(only) ? `there is no file ${shorten(harmless(only), 200)}` : 'this is a line of one';
  return new CommandFailure('usage', `--follow and --html are for logs, and ${given}.`);
}

function isFailure(verdict: LineVerdict): boolean {
  return verdict !== null && isGatewayFailure(verdict);
}

function notALine(flags: ExplainAnythingFlags, lines: readonly string[], around: Surroundings): number {
  const [only = ''] = lines;
  if (lines.length === 1 && isLikeFileName(only))
    throw new CommandFailure('usage', `There is no file ${shorten(harmless(only), 200)}.`);
  if (flags.json)
    for (const [place, line] of lines.entries())
      around.stdout.write(`${harmlessJson(lineObject(null, line, place + 1))}\n`);
  throw new CommandFailure(
    'nothing_to_do',
    'This is no file, and no line of a log that Candor knows. A line is given in quotes, as it stands in the log; for an access log of nginx with a format of its own, say which: --log-format.',
  );
}
