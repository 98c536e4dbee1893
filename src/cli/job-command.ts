import { constants } from 'node:os';
import { apiRoot } from '../admin/operations.ts';
import type { JobRunLine, JobStatus } from '../core/schemas/jobs.ts';
import { camelCased } from '#failures/json-case.ts';
import { nearest } from '../core/nearest.ts';
import { askAdmin, targetText } from './admin-client.ts';
import { askGateway, refusal, unreachable } from './ask-gateway.ts';
import { CommandFailure } from './command-failure.ts';
import { findAdmin, findAdminToChange } from './find-admin.ts';
import type { AskFlags } from './flags.ts';
import { jobDetailLines, jobLines } from './job-lines.ts';
import { harmless, harmlessJson, printJson } from './layout.ts';
import { type ProcessContext } from './process-context.ts';
import { styleFor } from './style.ts';

/** No run may take longer: its `timeout` ends it before. */
const runMsMax = 7 * 24 * 3_600_000;

/** `candor jobs`, `candor jobs shop.report`, `candor jobs run shop.report` */
export function jobs(
  flags: AskFlags,
  first: string | null,
  second: string | null,
  context: ProcessContext,
): Promise<number | void> {
  if (first === 'run') {
    if (second === null)
      throw new CommandFailure('usage', 'The <name> of a job is missing: candor jobs run shop.report');
    return runJob(flags, second, context);
  }
  if (second !== null)
    throw new CommandFailure(
      'usage',
      `"${second}" is an unexpected argument. A job is run with: candor jobs run ${first}`,
    );
  return listJobs(flags, first, context);
}

async function listJobs(flags: AskFlags, name: string | null, context: ProcessContext): Promise<void> {
  const target = await findAdmin(flags, context);
  const answer = await askGateway(target, 'GET', `${apiRoot}/jobs`, context);
  if (answer.status !== 200) throw refusal(answer);
  const { jobs: all } = camelCased(answer.body) as { readonly jobs: readonly JobStatus[] };
  // The name of an application stands for its jobs.
  const ofApplication = all.filter(({ application }) => application === name);
  const found = name === null ? all : ofApplication.length > 0 ? ofApplication : [jobNamed(name, all)];
  if (flags.json) return printJson({ jobs: found }, context);
  const style = styleFor(context.stdout, context.env);
  const now = context.clock.wallTime();
  const [one] = name === null || ofApplication.length > 0 ? [] : found;
  const lines = one === undefined ? jobLines(found, now, style) : jobDetailLines(one, now, style);
  context.stdout.write(`${lines.join('\n')}\n`);
}

/** By its whole name, or by its own where no other application has the same. */
function jobNamed(name: string, all: readonly JobStatus[]): JobStatus {
  const whole = all.find(({ job }) => job === name);
  const short = all.filter(({ job, application }) => job === `${application}.${name}`);
  const found = whole ?? (short.length === 1 ? short[0] : undefined);
  if (found !== undefined) return found;
  const own = all.filter(({ application }) => application === name).map(({ job }) => job);
  if (own.length > 0)
    throw new CommandFailure('usage', `${name} is an application, and one of its jobs is run: ${own.join(', ')}.`);
  const names = all.map(({ job }) => job);
  const meant = nearest(name, [...names, ...all.map(ownName)], 1)[0];
  const [near, ...alike] = all.filter((one) => one.job === meant || ownName(one) === meant);
  const hint = near === undefined || alike.length > 0 ? '' : `: did you mean ${near.job}?`;
  throw new CommandFailure(
    'not_found',
    names.length === 0
      ? 'The gateway has no jobs: `jobs` of an application makes one (docs/jobs.md).'
      : `There is no job ${name}${hint === '' ? `. There are ${names.join(', ')}.` : hint}`,
  );
}

/** Without its application. */
const ownName = ({ job, application }: JobStatus): string => job.slice(application.length + 1);

async function runJob(flags: AskFlags, name: string, context: ProcessContext): Promise<number> {
  const target = await findAdminToChange(flags, context);
  const listed = await askGateway(target, 'GET', `${apiRoot}/jobs`, context);
  if (listed.status !== 200) throw refusal(listed);
  const { job } = jobNamed(name, (camelCased(listed.body) as { readonly jobs: readonly JobStatus[] }).jobs);
  const onLine = (line: unknown): void => printLine(line as JobRunLine, flags, context);
  const slow = { answerMs: runMsMax, onLine };
  const answer = await askAdmin(target, 'POST', `${apiRoot}/jobs/run`, context.clock, slow, { job });
  if (!answer.ok) throw unreachable(targetText(target), answer);
  if (answer.status === 409) throw new CommandFailure('refused', refusal(answer).message);
  if (answer.status === 404) throw new CommandFailure('not_found', refusal(answer).message);
  if (answer.status !== 200) throw refusal(answer);
  const last = answer.body as JobRunLine | null;
  if (last?.kind !== 'ended')
    throw new CommandFailure('failure', `The gateway closed the connection before ${job} had ended.`);
  return exitCodeOfJob(last);
}

function printLine(line: JobRunLine, { json }: AskFlags, { stdout, stderr }: ProcessContext): void {
  if (json) stdout.write(`${harmlessJson(line)}\n`);
  else if (line.kind === 'output') stdout.write(`${harmless(line.text)}\n`);
  else if (line.kind === 'left_out')
    stderr.write(`${line.lines} lines were left out here: this terminal reads too slowly.\n`);
  else if (line.kind === 'ended' && line.failure !== null)
    stderr.write(`${harmless(line.job)} has failed: ${harmless(line.failure)}\n`);
}

/** As a shell has it: that of the program, or 128 and the number of the signal. */
function exitCodeOfJob({ code, signal, failure }: Extract<JobRunLine, { kind: 'ended' }>): number {
  if (code !== null && code !== 0) return code;
  if (signal !== null) return 128 + (constants.signals[signal as NodeJS.Signals] ?? 0);
  return failure === null ? 0 : 1;
}
