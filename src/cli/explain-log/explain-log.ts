import { allDialects } from '../../diagnose/all-dialects.ts';
import type { Dialect } from '../../diagnose/dialect.ts';
import { nginxLogFormat } from '../../diagnose/nginx/log-format.ts';
import { OctetLog } from '../../diagnose/octet-log.ts';
import type { SummaryReport } from '../../diagnose/summary-report.ts';
import { exitCodes } from '../exit-codes.ts';
import { harmless } from '../layout.ts';
import { styleFor } from '../style.ts';
import { CommandFailure, type Surroundings } from '../surroundings.ts';
import { followLog } from './follow-log.ts';
import { harmlessJson } from './line-verdicts.ts';
import { LinePrinter } from './line-printer.ts';
import type { LogPlace } from './log-place.ts';
import { findLog } from './log-place.ts';
import { textStartOf } from './octet-kind.ts';
import { ProgressBar } from './progress-bar.ts';
import { type LogReading, readLog } from './read-log.ts';
import { findPagePlace, writePage } from './report-page.ts';
import { Stop } from './stop.ts';
import { summaryHtml } from './summary-html.ts';
import { summaryLines } from './summary-text.ts';
import { shownReport } from '../shown.ts';

export interface ExplainLogFlags {
  readonly json: boolean;
  readonly lines: boolean;
  readonly follow: boolean;
  readonly html?: string | undefined;
  readonly logFormat?: string | undefined;
}

/** Explains the logs of those names, as one. Returns the exit code: 0, 1 for failures, 3 where nothing was recognised. */
export async function explainLogs(
  flags: ExplainLogFlags,
  names: readonly string[],
  around: Surroundings,
): Promise<number> {
  const dialects = dialectsOf(flags);
  const places = names.map((name) => findLog(name, around));
  const page = flags.html === undefined ? null : findPagePlace(flags.html, places, around);
  const stop = new Stop(around);
  const printer = new LinePrinter(flags, around);
  const log = new OctetLog({ dialects, ...(printer.isWanted ? { onLine: printer.print } : {}) });
  const readings = flags.follow
    ? await followAll(places, { log, printer, stop, around })
    : await readAll(places, { log, printer, stop, around });
  stop.forget();
  const report = shownReport(log.end());
  await printer.flush();
  printNotices(places, readings, report, around);
  if (page !== null) writePage(page, summaryHtml(report, names));
  writeReport(report, flags, around);
  await around.stdout.drained?.();
  if (!flags.follow && stop.isStopped) return exitCodes.interrupted;
  return exitCodeOfReport(report);
}

export function exitCodeOfReport({ failures, recognised }: SummaryReport): number {
  if (failures > 0) return exitCodes.failure;
  return recognised === 0 ? exitCodes.nothing_to_do : exitCodes.ok;
}

/** With a format of one's own before all others, since a line may look like another's too. */
export function dialectsOf({ logFormat }: Pick<ExplainLogFlags, 'logFormat'>): readonly Dialect[] {
  if (logFormat === undefined) return allDialects;
  const read = nginxLogFormat(logFormat);
  if (!read.ok) throw new CommandFailure('usage', `--log-format is no log_format of nginx: ${harmless(read.failure)}`);
  return [read.value, ...allDialects];
}

interface Work {
  readonly log: OctetLog;
  readonly printer: LinePrinter;
  readonly stop: Stop;
  readonly around: Surroundings;
}

async function readAll(places: readonly LogPlace[], work: Work): Promise<LogReading[]> {
  const readings: LogReading[] = [];
  for (const place of places) if (!work.stop.isStopped) readings.push(await readOne(place, work));
  return readings;
}

async function readOne(place: LogPlace, { log, printer, stop, around }: Work): Promise<LogReading> {
  const bar = new ProgressBar(around);
  let last = newline;
  const take = (octets: Uint8Array): Promise<void> | null => {
    log.push(octets);
    last = octets.at(-1) ?? last;
    return printer.flush();
  };
  // Between lines that are printed to the same terminal, a bar would be in the way.
  const isDrawn = !(printer.isWanted && around.stdout.isTTY);
  const onRead = (read: number): void => {
    if (isDrawn) bar.show(place.name, read, place.octets);
  };
  const reading = await readLog(place, { take, onRead }, stop);
  bar.clear();
  // The next log does not go on where this one's last line stopped.
  if (last !== newline) await take(Uint8Array.of(newline));
  return reading;
}

const newline = 0x0a;

/** All of them at the same time, line by line. What cannot grow is only read. */
async function followAll(places: readonly LogPlace[], work: Work): Promise<LogReading[]> {
  const { log, printer, stop, around } = work;
  const readings = await Promise.all(
    places.map(async (place): Promise<LogReading> => {
      // What a pipe has given is gone, and it has no other end to be followed to than its own.
      if (place.path === null || place.octets === null) return readOne(place, work);
      const start = await textStartOf(place.path);
      if (start === null) return readOne(place, work);
      const take = (octets: Uint8Array): Promise<void> | null => {
        log.push(octets);
        return printer.flush();
      };
      await followLog(place.path, start, {
        take,
        stopped: stop.stopped,
        isStopped: () => stop.isStopped,
        clock: around.clock,
      });
      return { end: { kind: 'whole' }, hasZeros: false };
    }),
  );
  return readings;
}

/** What kept a log from being read whole, on standard error: results are no less results for it. */
function printNotices(
  places: readonly LogPlace[],
  readings: readonly LogReading[],
  report: SummaryReport,
  { stderr }: Surroundings,
): void {
  readings.forEach(({ end, hasZeros }, place) => {
    const name = harmless(places[place]?.name ?? '');
    const notice = noticeOf(end);
    if (notice !== null) stderr.write(`${name}: ${notice}.\n`);
    else if (report.recognised === 0 && hasZeros) stderr.write(`${name}: it holds octets that no text has.\n`);
  });
  if (report.lines === report.blank) stderr.write('There was no line to explain.\n');
}

function noticeOf(end: LogReading['end']): string | null {
  switch (end.kind) {
    case 'whole':
      return null;
    case 'stopped':
      return 'it was not read to its end';
    case 'cut':
      return `the ${end.archive} archive ends before its end; what was read before counts`;
    case 'damaged':
      return `the ${end.archive} archive is damaged; what was read before counts`;
    case 'refused':
      return end.why;
    case 'unreadable':
      return `it could not be read further: ${harmless(end.why)}`;
  }
}

function writeReport(report: SummaryReport, flags: ExplainLogFlags, around: Surroundings): void {
  if (flags.lines && !flags.follow) return;
  if (flags.json && flags.lines) return;
  const text = flags.json
    ? harmlessJson(report, 2)
    : summaryLines(report, styleFor(around.stdout, around.env)).join('\n');
  around.stdout.write(`${flags.lines ? '\n' : ''}${text}\n`);
}
