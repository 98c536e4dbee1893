import { lowerFirst } from '#failures/first-letter.ts';
import { isPlainName } from '#failures/failure-texts.ts';
import { type AfterOutput, stepFromOutput } from '#failures/output-step.ts';
import { countText, durationText } from '#failures/quantity-text.ts';
import { ownErrorText } from '../core/grpc-server-errors.ts';
import type { ExchangeRecord } from '../core/schemas/record.ts';
import { endpointsOutText } from './gateway-state-texts.ts';
import { specOfRecord, stepAfterExit } from './record-spec.ts';
import { isRescued } from './record-words.ts';

/** What happened to a request, and what to do about it, in sentences. */
export interface RecordVerdict {
  readonly sentence: string;
  readonly usualCauses: readonly string[];
  readonly nextStep: string | null;
}

export function verdictOf(record: ExchangeRecord): RecordVerdict {
  const { sentence, usualCauses, nextStep } = draftOf(record);
  return { sentence, usualCauses, nextStep };
}

/** What follows in the next step where that begins with reading what the application printed; null: it does not. */
export function afterOutputOf(record: ExchangeRecord): AfterOutput | null {
  return draftOf(record).afterOutput;
}

interface VerdictDraft extends RecordVerdict {
  readonly afterOutput: AfterOutput | null;
}

function draftOf(record: ExchangeRecord): VerdictDraft {
  const cut = tunnelBroken(record);
  if (cut !== null) return cut;
  const spec = specOfRecord(record);
  const happened = record.detail ?? (spec === null ? sentenceWithoutCause(record) : `${spec.title}.`);
  const sentence = [happened, endpointsOutText(record)].filter((text) => text !== '').join(' ');
  const afterExit = stepAfterExit(record);
  if (afterExit !== null) return { sentence, usualCauses: [], nextStep: afterExit, afterOutput: null };
  if (spec === null) return { sentence, usualCauses: [], ...nextStepWithoutCause(record) };
  const { usualCauses, nextStep, readsOutput } = spec;
  const afterOutput = readsOutput ?? null;
  return { sentence, usualCauses, nextStep: nextStep.replaceAll('REQUEST-ID', record.id), afterOutput };
}

/** The advice for a truncated body does not apply to a tunnel, which has no body. */
function tunnelBroken(record: ExchangeRecord): VerdictDraft | null {
  const { kind, id, cause, detail, duration_ms, application } = record;
  if (kind !== 'tunnel') return null;
  if (cause !== 'response_body_reset' && cause !== 'response_body_unclosed') return null;
  const after = `The tunnel broke on the application's side after ${durationText(duration_ms)}.`;
  const how = resetText(record) ?? detail;
  return {
    sentence: how === null ? after : `${after} ${how}`,
    usualCauses: [
      'the process behind the tunnel died, or was replaced by a deploy that did not close its tunnels',
      'the application closed the connection: an unanswered ping, a message that was too large, an exception',
      'a NAT or load balancer between gateway and application dropped the idle connection',
    ],
    ...(isPlainName(application)
      ? reading(application, id, { then: pingMore })
      : {
          nextStep: `Look into the application's log at the moment when the record ends (\`candor explain ${id}\`), and for an exit in \`candor status\`; ${pingMore}.`,
          afterOutput: null,
        }),
  };
}

/** Null where the tunnel was not reset, or where the record lacks the facts. */
function resetText({ attempts, cause, bytes_out }: ExchangeRecord): string | null {
  const evidence: Readonly<Record<string, unknown>> = { ...attempts.at(-1)?.evidence };
  if (cause !== 'response_body_reset' || typeof evidence['errno'] !== 'string') return null;
  const through = bytes_out === 0 ? 'before any byte' : `after ${countText(bytes_out, 'byte')}`;
  return `The tunnel was reset (${evidence['errno']}) ${through} had come through it.`;
}

function sentenceWithoutCause(record: ExchangeRecord): string {
  if (record.shape === 'app_error')
    return `The application itself answered ${ownErrorText(record.received_status ?? record.status, record.grpc_status)}; the gateway forwarded that response unchanged.`;
  if (record.kind === 'tunnel')
    return 'The application switched to another protocol, and both sides closed the tunnel in order.';
  if (record.attempts.length === 0) return 'The gateway responded as configured.';
  const answered = 'The application answered, and its complete response reached the client.';
  if (!isRescued(record)) return answered;
  const [first] = record.attempts;
  const spec = specOfRecord({
    attempts: record.attempts.slice(0, 1),
    cause: first?.cause ?? null,
    stage: null,
    application: record.application,
  });
  return `The first attempt failed${spec === null ? '' : ` (${lowerFirst(spec.title)})`}, and the gateway retried it. ${answered}`;
}

function nextStepWithoutCause({ shape, application, at, id }: ExchangeRecord): NextStep {
  if (shape !== 'app_error') return { nextStep: null, afterOutput: null };
  if (isPlainName(application)) return reading(application, id, {});
  const nextStep = `Look into the application's own log at ${at}; it saw the request as X-Request-Id ${id}.`;
  return { nextStep, afterOutput: null };
}

type NextStep = Pick<VerdictDraft, 'nextStep' | 'afterOutput'>;

function reading(application: string, id: string, afterOutput: AfterOutput): NextStep {
  return { nextStep: stepFromOutput(application, { of: 'request', id }, afterOutput), afterOutput };
}

const pingMore = 'if tunnels always break after the same idle time, let the application ping more often than that';

/** For a reader who sees what the command in some next steps prints: the text refers to that instead. */
export function nextStepHere(nextStep: string, { id, at, duration_ms }: ExchangeRecord): string {
  const command = `\`candor explain ${id}\``;
  const beganAt = Date.parse(at);
  const endedAt = Number.isNaN(beganAt) ? '' : new Date(beganAt + duration_ms).toISOString();
  return nextStep
    .replaceAll(`when the record ends (${command})`, endedAt === '' ? 'of its end' : `of its end, ${endedAt}`)
    .replaceAll(`with ${command}`, 'shown here')
    .replaceAll(`in ${command}`, 'shown here');
}
