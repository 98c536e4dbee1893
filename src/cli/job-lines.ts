import { durationText, elapsedText } from '#failures/quantity-text.ts';
import type { JobRunStatus, JobStatus } from '../core/schemas/jobs.ts';
import { alignColumns, columnsMax, harmless, shorten, wrap, wrapAfter } from './layout.ts';
import { statusMark, type Style } from './style.ts';

/** `candor jobs` */
export function jobLines(jobs: readonly JobStatus[], now: number, style: Style): readonly string[] {
  if (jobs.length === 0) return ['No jobs: `jobs` of an application makes one (docs/jobs.md).'];
  const rows = jobs.map((job) => [
    markOf(job, style),
    harmless(job.job),
    harmless(scheduleText(job)),
    nextText(job, now),
    lastText(job, now),
  ]);
  const head = ['', 'job', 'schedule', 'next', 'last'].map((word) => style.dim(word));
  const notes = jobs.flatMap((job) => noteLines(job, now, style));
  return [...alignColumns([head, ...rows]), ...(notes.length === 0 ? [] : ['', ...notes])];
}

/** `candor jobs shop.report` */
export function jobDetailLines(job: JobStatus, now: number, style: Style): readonly string[] {
  const zone = job.timeZone === null ? '' : ` (${job.timeZone})`;
  const next =
    job.nextAt === null ? nextText(job, now) : `${nextText(job, now)}, at ${job.nextAt.replace(/\.\d+Z$/, 'Z')}`;
  const rows = [
    ['command', job.command],
    ['schedule', `${scheduleText(job)}${zone}`],
    ['next', next],
    ['overlap', `${job.overlap}; catch up: ${job.catchUp}`],
  ] as const;
  return [
    style.bold(harmless(job.job)),
    ...rows.flatMap(([label, text]) => wrapAfter(`  ${label}`, harmless(text), 12)),
    // Its last run says below why it has failed.
    ...noteLines(job.runs[0]?.state === 'failed' ? { ...job, failing: null } : job, now, style),
    ...(job.runs.length === 0 ? ['', 'It has not run yet.'] : []),
    ...job.runs.flatMap((run) => ['', ...runLines(run, now, style)]),
  ];
}

function runLines(run: JobRunStatus, now: number, style: Style): readonly string[] {
  const release = run.release === null ? '' : `, release ${harmless(run.release)}`;
  const actor = run.actor === null ? '' : ` by ${harmless(run.actor)}`;
  const said = `#${run.run} ${stateText(run)}, started ${ago(run.startedAt, now)} ${byTexts[run.by]}${actor}${release}`;
  const failure = run.failure === null ? [] : wrap(harmless(run.failure), '    ');
  return [
    ...wrapAfter(`  ${statusMark(toneOf(run), style)}`, said, 4),
    ...failure,
    ...run.output.map((line) => style.dim(`    | ${shorten(harmless(line), columnsMax - 6)}`)),
  ];
}

const byTexts: Readonly<Record<JobRunStatus['by'], string>> = {
  schedule: 'by schedule',
  catch_up: 'late',
  once: 'once for the release',
  hand: 'by hand',
};

function stateText({ state, code, signal, ms }: JobRunStatus): string {
  if (state === 'running') return 'runs';
  const how =
    state === 'succeeded'
      ? 'succeeded'
      : signal !== null
        ? `failed (${signal})`
        : code === null
          ? 'failed'
          : `failed (exit code ${code})`;
  return ms === null ? how : `${how} after ${durationText(ms)}`;
}

const toneOf = ({ state }: JobRunStatus) => (state === 'running' ? 'warn' : state === 'succeeded' ? 'good' : 'bad');

function markOf({ failing, runs: [last] }: JobStatus, style: Style): string {
  return statusMark(failing !== null ? 'bad' : last === undefined ? 'dim' : toneOf(last), style);
}

const scheduleText = ({ schedule }: JobStatus): string => schedule ?? 'by hand';

function nextText({ nextAt, schedule, waits }: JobStatus, now: number): string {
  if (waits) return 'waits for its run';
  if (nextAt !== null) return `in ${elapsedText(Math.max(0, Date.parse(nextAt) - now) / 1000)}`;
  return schedule === 'once' ? 'next release' : '-';
}

function lastText({ runs: [last] }: JobStatus, now: number): string {
  if (last === undefined) return 'never run';
  const { state, code, signal } = last;
  const how = state === 'failed' && (signal ?? code) !== null ? ` (${signal ?? code})` : '';
  return `${state}${how} ${ago(last.startedAt, now)}`;
}

/** Why it is failing, and what was missed since its last run. */
function noteLines(
  { job, failing, missed, skipped, runs: [last] }: JobStatus,
  now: number,
  style: Style,
): readonly string[] {
  const since = last === undefined ? 0 : Date.parse(last.startedAt);
  const often = (count: number, isMore: boolean): string =>
    count === 1 ? 'once' : `${isMore ? 'more than ' : ''}${count} times`;
  const notes = [
    ...(failing === null ? [] : [['bad', `${job}: ${failing}`] as const]),
    ...(missed === null || Date.parse(missed.last) < since
      ? []
      : [
          [
            'warn',
            `${job} was not run ${often(missed.count, missed.isMore)}, last ${ago(missed.last, now)}: ${missed.reason}`,
          ] as const,
        ]),
    ...(skipped === null || Date.parse(skipped.at) < since
      ? []
      : [['warn', `${job} was left out ${ago(skipped.at, now)}: ${skipped.reason}`] as const]),
  ];
  return notes.flatMap(([tone, text]) => wrapAfter(statusMark(tone, style), harmless(text), 2));
}

const ago = (at: string, now: number): string => `${elapsedText(Math.max(0, now - Date.parse(at)) / 1000)} ago`;
