import { applicationDescriptorsStep } from '../core/descriptor-need.ts';
import { stepAfterSilentEnd, stepAfterStop } from '#failures/failure-texts.ts';
import { quoted } from '#failures/failure-table/formatting.ts';
import { lastWords } from '#failures/last-words.ts';
import type { OutputLineJson, RequestContextJson } from '../core/schemas/output.ts';
import { type AfterOutput, stepFromOutput, stepWithoutOutput } from '#failures/output-step.ts';
import { stoppedStep, strainedDescriptors } from '#failures/process-text.ts';
import type { ExchangeRecord } from '../core/schemas/record.ts';
import { stepAfterExit } from './record-spec.ts';
import { afterOutputOf, type RecordVerdict, verdictOf } from './record-verdict.ts';

/** A process without descriptors accepts no connection, or fails at what it needs for its answer. */
const mayLackDescriptors: ReadonlySet<string> = new Set(['unreachable', 'too_slow', 'reset', 'app_error']);

type KnownAround = Pick<RequestContextJson, 'processes' | 'lines' | 'nearby' | 'stores_output'>;

/**
 * The verdict, with what the processes that had the request used then, the one of the last attempt first, or with what the
 * application printed about the request.
 */
export function verdictWith(record: ExchangeRecord, around: KnownAround): RecordVerdict {
  const alone = verdictOf(record);
  const afterExit = stepAfterExit(record, printedNothing(around));
  if (afterExit !== null) {
    const said = afterExit === stepAfterSilentEnd ? nothingText(record.application) : '';
    const nextStep = isStopped(record, around) ? stepAfterStop : afterExit;
    return { ...alone, sentence: `${alone.sentence}${said}`, nextStep };
  }
  const { verdict, isWhole } = withStopped(record, alone, around);
  if (isWhole) return verdict;
  return withDescriptors(record, verdict, around) ?? withOutput(record, verdict, around);
}

/** Whether Candor stopped the process of the last attempt. */
function isStopped({ attempts }: ExchangeRecord, { processes }: KnownAround): boolean {
  const process = processes.find((one) => one.attempts.includes(attempts.length));
  return process?.exit?.stopped_by_candor === true;
}

/** A stopped process accepts connections until their queue is full, and answers none: then its pool is full too. */
const mayBeStopped: ReadonlySet<string> = new Set(['too_slow', 'unreachable', 'refused_by_gateway']);

/** A sample from so long before or after the attempt's end says that the process was stopped during it. */
const stoppedWithinMs = 10_000;

/** Says that a process was stopped by a signal. `isWhole`: none was left that could answer, which replaces causes and step. */
function withStopped(
  { shape }: ExchangeRecord,
  verdict: RecordVerdict,
  { processes }: KnownAround,
): { readonly verdict: RecordVerdict; readonly isWhole: boolean } {
  for (const { instance, sample } of mayBeStopped.has(shape) ? processes.toReversed() : []) {
    if (sample?.stopped_pid === undefined || Math.abs(sample.before_ms) > stoppedWithinMs) continue;
    const { stopped_pid: pid, stopped_pids: pids } = sample;
    const sentence = `${verdict.sentence} Process ${pid} of ${instance} was stopped by a signal.`;
    if (pids === undefined) return { verdict: { ...verdict, sentence }, isWhole: false };
    const nextStep = stoppedStep(pids, ' if it is still stopped');
    return { verdict: { sentence, usualCauses: [], nextStep }, isWhole: true };
  }
  return { verdict, isWhole: false };
}

/** Null where none of the processes was near its limit. */
function withDescriptors(
  record: ExchangeRecord,
  verdict: RecordVerdict,
  { processes }: KnownAround,
): RecordVerdict | null {
  if (!mayLackDescriptors.has(record.shape)) return null;
  for (const { instance, pid, sample } of processes.toReversed()) {
    const { open_files: openFiles = null, open_files_max: openFilesMax = null } = sample ?? {};
    const descriptors = strainedDescriptors({ openFiles, openFilesMax });
    if (descriptors === null) continue;
    return {
      sentence: `${verdict.sentence} ${instance} had ${descriptors.open} of its ${descriptors.max} descriptors open.`,
      usualCauses: [],
      nextStep: applicationDescriptorsStep(pid),
    };
  }
  return null;
}

/** Where the step is to read the output, the reader has it before them: the verdict quotes what it says. */
function withOutput(record: ExchangeRecord, verdict: RecordVerdict, around: KnownAround): RecordVerdict {
  const { application } = record;
  const afterOutput = afterOutputOf(record);
  if (application === null || afterOutput === null) return verdict;
  const own = around.lines.filter(isOfAttempt);
  const printed = inOrder([...own, ...around.nearby]);
  if (printed.length === 0) return withoutOutput(application, verdict, { around, afterOutput });
  const errors = printed.filter(({ stream }) => stream !== 'stdout');
  const words = lastWords(errors.map(({ text }) => text));
  const isOwn = own.some((line) => line === errors[words?.at ?? -1]);
  const perhaps = isOwn ? '' : ' (perhaps for another request)';
  const said = words === null ? '' : ` Meanwhile ${application} printed${perhaps} ${quoted(words.error.trim())}.`;
  const when = own.length > 0 ? null : 'if none of that is about this request';
  return {
    ...verdict,
    sentence: `${verdict.sentence}${said}`,
    nextStep: stepFromOutput(application, { of: 'request', isShown: true }, afterOutput, when),
  };
}

/** Only a store that has every line of that time shows it. */
function printedNothing({ lines, nearby, stores_output: hasAllOutput }: KnownAround): boolean {
  return lines.length === 0 && nearby.length === 0 && hasAllOutput;
}

const nothingText = (application: string | null): string =>
  ` Meanwhile ${application ?? 'it'} printed nothing for this request.`;

function withoutOutput(
  application: string,
  verdict: RecordVerdict,
  { around, afterOutput }: { readonly around: KnownAround; readonly afterOutput: AfterOutput },
): RecordVerdict {
  if (!printedNothing(around))
    return { ...verdict, nextStep: stepFromOutput(application, { of: 'request', isShown: false }, afterOutput) };
  return {
    ...verdict,
    sentence: `${verdict.sentence}${nothingText(application)}`,
    nextStep: stepWithoutOutput(application, afterOutput),
  };
}

/** With the id of the request, from an application that had an attempt of it. */
function isOfAttempt({ relation }: KnownAround['lines'][number]): boolean {
  return relation === 'attempt';
}

const inOrder = (lines: readonly OutputLineJson[]): readonly OutputLineJson[] =>
  lines.toSorted((one, other) => Date.parse(one.at) - Date.parse(other.at));
