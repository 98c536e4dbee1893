import { LogExplainer } from '#explain/log-explainer.ts';
import { joinedFragments } from '#explain/pasted/whole-lines.ts';
import { reportJson, type SummaryReport } from '#explain/summary-report.ts';
import { allDialects } from '../../diagnose/all-dialects.ts';
import type { Dialect } from '#explain/dialect.ts';
import { customLogFormat } from '#explain/explain.ts';
import { ByteLog } from '#explain/byte-log.ts';
import { logsWithSameBeginning } from '#explain/copied-lines.ts';
import { clockOf } from '#explain/log-clock.ts';
import { Summary } from '#explain/summary.ts';
import { exitCodes, CommandFailure } from '../command-failure.ts';
import { harmless, harmlessJson } from '../layout.ts';
import { styleFor } from '../style.ts';
import type { ProcessContext } from '../process-context.ts';
import { followLog } from './follow-log.ts';
import { LinePrinter, type ExplainLogFlags } from './line-verdicts.ts';
import {
  findLog,
  type LogSource,
  beginningOf,
  ReadingOrder,
  type LogReading,
  readLog,
  ReadingStop,
} from './read-log.ts';
import { problemOf } from '../../record/byte-decoder.ts';
import { textStartOf } from '../../record/byte-kind.ts';
import { limitHeapGrowth } from '../../system/system.ts';
import { ProgressBar, sizeText } from './progress-bar.ts';
import { summaryLines } from './summary-text.ts';
import { redactedReport } from '../redacted-output.ts';
import { statSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { logFormatOf } from '../../core/log-formats.ts';
import type { Fix } from '#explain/finding.ts';
import { logOfConfiguration } from '../runtime-folder.ts';

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
  if (page !== null) writePage(page, (await import('#explain/report/summary-html.ts')).summaryHtml(report, names));
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

function exitCodeOfReport({ failures, recognised }: SummaryReport): number {
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

/**
 * The path of the page. Fails if it is the path of a log that is read, under any name: writing the page would destroy
 * the log.
 */
function findPagePath(name: string, logs: readonly LogSource[], context: ProcessContext): string {
  const path = resolve(context.directory, name);
  const page = identityOf(path);
  const log = logs.find((one) => one.path !== null && page !== null && identityOf(one.path) === page);
  if (log !== undefined)
    throw new CommandFailure('usage', `Nothing was read: --html would write over ${harmless(log.name)}, a log.`);
  return path;
}

/** The file's identity; null if no file exists there that could be overwritten. */
function identityOf(path: string): string | null {
  try {
    const found = statSync(path);
    return found.isFile() ? `${found.dev}:${found.ino}` : null;
  } catch {
    return null;
  }
}

/** A new file is readable by its owner alone: it quotes lines of logs that others may not read. */
function writePage(path: string, page: string): void {
  try {
    writeFileSync(path, page, { mode: 0o600 });
  } catch (error) {
    throw new CommandFailure('usage', harmless(`${path} cannot be written: ${(error as Error).message}`));
  }
}

/** Candor writes these lines as other gateways do, so their fix would be that of another gateway. */
const combinedFormat = /access log \((?:combined|main)\)$/;

/** What Candor leaves in place of the value of a query. */
const removedValue = '=***';

const ownFix: Fix = {
  text:
    'Set `log.format: json` in the configuration of Candor, which wrote these lines with `log.format: combined`: ' +
    'only records have causes and request ids',
  snippet: 'log: { format: json }',
};

/** The report with another fix for unknown causes, if Candor itself wrote the log in the combined format. */
async function withOwnFormat(
  report: SummaryReport,
  sources: readonly LogSource[],
  context: ProcessContext,
): Promise<SummaryReport> {
  const theirs = report.hints.filter(({ format }) => combinedFormat.test(format));
  if (theirs.length === 0 || !(hasRemovedValues(report) || (await areOfConfiguration(sources, context)))) return report;
  const fixed = <T extends { readonly fix: Fix | null }>(one: T): T =>
    theirs.some(({ fix }) => fix.text === one.fix?.text) ? { ...one, fix: ownFix } : one;
  return { ...report, byCause: report.byCause.map(fixed), hints: report.hints.map(fixed) };
}

function hasRemovedValues({ byCause }: SummaryReport): boolean {
  return byCause.some(({ examples }) => examples.some(({ text }) => text.includes(removedValue)));
}

/** Whether they are the log of the configuration in this folder, or its rotated files. */
async function areOfConfiguration(sources: readonly LogSource[], context: ProcessContext): Promise<boolean> {
  const log = await logOfConfiguration('candor.yaml', context);
  if (log === null || logFormatOf(log.format).holdsRecords) return false;
  return sources.every(({ path }) => path === log.path || path?.startsWith(`${log.path}.`));
}

/** What people paste, or save from a chat or a mail, is not longer; a longer input is a log, and its lines are whole. */
const pastedBytesMax = 16 * 1024;

/**
 * Holds the beginning of an input. If that is all of it, lines that a terminal or a mail has broken are joined. In a file, blank
 * lines stand for the rest of a joined line, so that the others keep their numbers.
 */
class PastedInput {
  readonly #dialects: readonly Dialect[];
  #held: Buffer | null = Buffer.alloc(0);

  readonly #isFile: boolean;

  constructor(dialects: readonly Dialect[], isFile: boolean) {
    this.#dialects = dialects;
    this.#isFile = isFile;
  }

  /** The bytes to read now; none while the input may be short. */
  take(bytes: Uint8Array): Uint8Array {
    if (this.#held === null) return bytes;
    if (this.#held.length === 0 && bytes.length > pastedBytesMax) {
      this.#held = null;
      return bytes;
    }
    const held = Buffer.concat([this.#held, bytes]);
    this.#held = held.length > pastedBytesMax ? null : held;
    return this.#held === null ? held : new Uint8Array(0);
  }

  /** The rest: the whole of a short input, with its lines joined. */
  end(): Uint8Array {
    const held = this.#held ?? Buffer.alloc(0);
    this.#held = null;
    const fragments = held.toString('utf8').split(/\r?\n/);
    const explainer = new LogExplainer(this.#dialects, { parts: false });
    const isWhole = fragments.every((line) => line.trim() === '' || explainer.read(line) !== null);
    if (isWhole || held.includes(0)) return held;
    const written = fragments.at(-1) === '' ? fragments.slice(0, -1) : fragments;
    const lines = joinedFragments(written, this.#dialects).map(
      ({ text, count }) => `${text}${'\n'.repeat(this.#isFile ? count : 1)}`,
    );
    return Buffer.from(lines.join(''));
  }
}
