import { reportJson } from '#explain/report-json.ts';
import { allDialects } from '../../diagnose/all-dialects.ts';
import type { Dialect } from '#explain/dialect.ts';
import { customLogFormat } from '#explain/custom-format.ts';
import { ByteLog } from '#explain/byte-log.ts';
import { logsWithSameBeginning } from '#explain/copied-lines.ts';
import { clockOf } from '#explain/log-clock.ts';
import { Summary } from '#explain/summary.ts';
import type { SummaryReport } from '#explain/summary-report.ts';
import { exitCodes } from '../exit-codes.ts';
import { harmless } from '../layout.ts';
import { styleFor } from '../style.ts';
import { type ProcessContext } from '../process-context.ts';
import { CommandFailure } from '../command-failure.ts';
import { followLog } from './follow-log.ts';
import { harmlessJson } from './line-verdicts.ts';
import { LinePrinter } from './line-printer.ts';
import { findLog, type LogSource } from './log-source.ts';
import { beginningOf } from './log-beginning.ts';
import { ReadingOrder } from './reading-order.ts';
import { problemOf } from '../../record/byte-decoder.ts';
import { textStartOf } from '../../record/byte-kind.ts';
import { withOwnFormat } from './own-combined-log.ts';
import { PastedInput } from './pasted-input.ts';
import { limitHeapGrowth } from '../../system/system.ts';
import { ProgressBar, sizeText } from './progress-bar.ts';
import { type LogReading, readLog } from './read-log.ts';
import { findPagePath, writePage } from './report-page.ts';
import { ReadingStop } from './reading-stop.ts';
import { summaryHtml } from '#explain/report/summary-html.ts';
import { summaryLines } from './summary-text.ts';
import { redactedReport } from '../redacted-output.ts';
import type { ExplainLogFlags } from './explain-log-flags.ts';

/** Explains the named logs as one. Returns the exit code: 0, 1 for failures, 3 if no line was recognised. */
export async function explainLogs(
  flags: ExplainLogFlags,
  names: readonly string[],
  context: ProcessContext,
): Promise<number> {
  const dialects = dialectsOf(flags);
  limitHeapGrowth();
  const sources = findLogs(names, context);
  const page = flags.html === undefined ? null : findPagePath(flags.html, sources, context);
  const stop = new ReadingStop(context);
  const printer = new LinePrinter(flags, context);
  const beginnings = await Promise.all(sources.map(beginningOf));
  const clock = clockOf(beginnings, context.clock.wallTime());
  const summary = new Summary({ clock, ...(sources.length > 1 ? { sameLogs: sameLogsOf(sources, beginnings) } : {}) });
  const logOf = ({ name }: LogSource): ByteLog => {
    const onLine = printer.isWanted ? { onLine: printer.listenerFor(name, sources.length === 1) } : {};
    return new ByteLog({ dialects, name, summary, ...onLine });
  };
  const run = { logOf, summary, dialects, printer, stop, context };
  const readings = flags.follow ? await followAll(sources, run) : await readAll(sources, run);
  stop.forget();
  const report = redactedReport(await withOwnFormat(summary.report(), sources, context));
  await printer.flush();
  printNotices(sources, readings, report, context);
  if (page !== null) writePage(page, summaryHtml(report, names));
  writeReport(report, flags, context);
  await context.stdout.drained?.();
  if (!flags.follow && stop.isStopped) return exitCodes.interrupted;
  return exitCodeOfReport(report);
}

/** A log that is named twice is read once. */
function findLogs(names: readonly string[], context: ProcessContext): readonly LogSource[] {
  const found = new Map<string, LogSource>();
  for (const source of names.map((name) => findLog(name, context))) {
    const key = source.path ?? source.name;
    if (found.has(key)) context.stderr.write(`${harmless(source.name)}: it is named twice, and read once.\n`);
    else found.set(key, source);
  }
  return [...found.values()];
}

function sameLogsOf(sources: readonly LogSource[], beginnings: readonly string[]): ReadonlyMap<string, number> {
  return new Map([...logsWithSameBeginning(beginnings)].map(([index, same]) => [sources[index]?.name ?? '', same]));
}

export function exitCodeOfReport({ failures, recognised }: SummaryReport): number {
  if (failures > 0) return exitCodes.failure;
  return recognised === 0 ? exitCodes.nothing_to_do : exitCodes.ok;
}

/** The user's own format comes before all others, since a line may look like another format's too. */
export function dialectsOf({ logFormat }: Pick<ExplainLogFlags, 'logFormat'>): readonly Dialect[] {
  if (logFormat === undefined) return allDialects;
  const read = customLogFormat(logFormat);
  if (!read.ok) throw new CommandFailure('usage', `--log-format cannot be used. ${harmless(read.failure)}`);
  return [read.value, ...allDialects];
}

interface LogRun {
  readonly logOf: (source: LogSource) => ByteLog;
  readonly summary: Summary;
  readonly dialects: readonly Dialect[];
  readonly printer: LinePrinter;
  readonly stop: ReadingStop;
  readonly context: ProcessContext;
}

/** More logs than this are read one after another: each that is open has a buffer. */
const openMax = 32;

/** Reads all of them as one log, in the order of their times. */
async function readAll(sources: readonly LogSource[], run: LogRun): Promise<LogReading[]> {
  const bar = new ProgressBar(run.context, sources);
  const isTogether = sources.length > 1 && sources.length <= openMax;
  const order = isTogether ? new ReadingOrder(sources.length) : null;
  const readings: Promise<LogReading>[] = [];
  for (const [index, source] of sources.entries()) {
    const turns = order === null ? null : { order, index };
    const reading = readOne(source, run, bar, turns);
    readings.push(reading);
    if (order === null) await reading;
    if (run.stop.isStopped) break;
  }
  const all = await Promise.all(readings);
  bar.clear();
  return all;
}

const clockBytes = 256 * 1024;

interface Turns {
  readonly order: ReadingOrder;
  readonly index: number;
}

async function readOne(source: LogSource, run: LogRun, bar: ProgressBar, turns: Turns | null): Promise<LogReading> {
  const { logOf, summary, dialects, printer, stop, context } = run;
  const log = logOf(source);
  const pasted = new PastedInput(dialects, source.path !== null);
  let isFirst = source.bytes === null;
  const take = async (bytes: Uint8Array): Promise<void> => {
    // A pipe shows its clock only now.
    if (isFirst) summary.learnClock(Buffer.from(bytes.subarray(0, clockBytes)).toString('latin1'));
    isFirst = false;
    await turns?.order.turn(turns.index);
    log.push(pasted.take(bytes));
    turns?.order.advance(turns.index, log.lastMs);
    await printer.flush();
  };
  // No progress bar where lines are printed to the same terminal.
  const isDrawn = !(printer.isWanted && context.stdout.isTTY);
  const onRead = (read: number): void => {
    if (isDrawn) bar.show(source, read);
  };
  try {
    return await readLog(source, { take, onRead }, stop);
  } finally {
    await turns?.order.turn(turns.index);
    log.push(pasted.end());
    log.end();
    turns?.order.end(turns.index);
    await printer.flush();
  }
}

/** Follows all of them at the same time, line by line. A source that cannot grow is only read. */
async function followAll(sources: readonly LogSource[], run: LogRun): Promise<LogReading[]> {
  const { logOf, printer, stop, context } = run;
  const bar = new ProgressBar(context, sources);
  return Promise.all(
    sources.map(async (source): Promise<LogReading> => {
      // A pipe cannot be followed after its end.
      if (source.path === null || source.bytes === null) return readOne(source, run, bar, null);
      const start = await textStartOf(source.path);
      if (start === null) return readOne(source, run, bar, null);
      const log = logOf(source);
      const take = (bytes: Uint8Array): Promise<void> | null => {
        log.push(bytes);
        return printer.flush();
      };
      await followLog(source.path, start, {
        take,
        stopped: stop.stopped,
        isStopped: () => stop.isStopped,
        clock: context.clock,
      });
      return { end: { kind: 'whole' }, hasZeros: false };
    }),
  );
}

/** Prints to standard error why a log was not read to its end. The results so far are valid. */
function printNotices(
  sources: readonly LogSource[],
  readings: readonly LogReading[],
  report: SummaryReport,
  { stderr }: ProcessContext,
): void {
  readings.forEach(({ end, hasZeros }, index) => {
    const name = harmless(sources[index]?.name ?? '');
    const notice = noticeOf(end, sources[index]?.bytes ?? null);
    if (notice !== null) stderr.write(`${name}: ${notice}.\n`);
    else if (report.recognised === 0 && hasZeros) stderr.write(`${name}: it contains bytes that are not text.\n`);
  });
  if (report.lines === report.blank) stderr.write('The input has no lines.\n');
}

function noticeOf(end: LogReading['end'], bytes: number | null): string | null {
  switch (end.kind) {
    case 'stopped':
      return `it was not read completely: ${sizeText(end.read)}${bytes === null ? '' : ` of ${sizeText(bytes)}`}`;
    case 'unreadable':
      return `it could not be read further: ${harmless(end.why)}`;
    default:
      return problemOf(end);
  }
}

function writeReport(report: SummaryReport, flags: ExplainLogFlags, context: ProcessContext): void {
  if (flags.lines && !flags.follow) return;
  if (flags.json && flags.lines) return;
  const text = flags.json
    ? harmlessJson(reportJson(report), 2)
    : summaryLines(report, styleFor(context.stdout, context.env)).join('\n');
  context.stdout.write(`${flags.lines ? '\n' : ''}${text}\n`);
}
