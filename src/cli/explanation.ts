import type { ExchangeRecord } from '../core/record.ts';
import { specOfRecord, stepAfterExit } from '../diagnose/candor/record-spec.ts';
import { endpointText, timelineLines } from './attempt-timeline.ts';
import { countText, durationText, harmless, padTo, shorten, wrap, wrapAfter } from './layout.ts';
import {
  deliveryWords,
  endWords,
  isRescued,
  stageWords,
  tunnelEndedText,
  tunnelEndWords,
  verdictWords,
  whoseWords,
} from './record-words.ts';
import type { Style } from './style.ts';

const labelWidth = 16;

/** Explains one request within 80 columns: the verdict first, then the timeline. */
export function renderExplanation(record: ExchangeRecord, style: Style): string {
  const lines = [...headLines(record, style), '', ...verdictLines(record, style), '', ...timelineLines(record, style)];
  return `${lines.join('\n')}\n`;
}

/** The verdict for programs: what `--json` adds to the record. */
export interface RecordVerdict {
  readonly sentence: string;
  readonly usualCauses: readonly string[];
  readonly nextStep: string | null;
}

export function verdictOf(record: ExchangeRecord): RecordVerdict {
  const cut = tunnelBroken(record);
  if (cut !== null) return cut;
  const spec = specOfRecord(record);
  const sentence = record.detail ?? (spec === null ? sentenceWithoutCause(record) : `${spec.title}.`);
  const afterExit = stepAfterExit(record);
  if (afterExit !== null) return { sentence, usualCauses: [], nextStep: afterExit };
  const nextStep = spec?.nextStep.replaceAll('REQUEST-ID', record.id) ?? nextStepWithoutCause(record);
  return { sentence, usualCauses: spec?.usualCauses ?? [], nextStep };
}

/** The advice for a truncated body does not apply to a tunnel, which has no body. */
function tunnelBroken(record: ExchangeRecord): RecordVerdict | null {
  const { kind, id, cause, detail, duration_ms } = record;
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
    nextStep:
      `Look into the application's log at the moment when the record ends (\`candor explain ${id}\`), and for an exit ` +
      'in `candor status`; if tunnels always break after the same idle time, let the application ping more often than that.',
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
    return `The application itself answered ${record.received_status ?? record.status}; the gateway forwarded that response unchanged.`;
  if (record.kind === 'tunnel')
    return 'The application switched to another protocol, and both sides closed the tunnel in order.';
  if (record.attempts.length === 0) return 'The gateway responded as configured.';
  const answered = 'The application answered, and its complete response reached the client.';
  if (!isRescued(record)) return answered;
  const [first] = record.attempts;
  const spec = specOfRecord({ attempts: record.attempts.slice(0, 1), cause: first?.cause ?? null, stage: null });
  return `The first attempt failed${spec === null ? '' : ` (${lowerFirst(spec.title)})`}, and the gateway retried it. ${answered}`;
}

function nextStepWithoutCause(record: ExchangeRecord): string | null {
  if (record.shape !== 'app_error') return null;
  return `Look into the application's own log at ${record.at}; it saw the request as X-Request-Id ${record.id}.`;
}

function headLines(record: ExchangeRecord, style: Style): string[] {
  const status = record.status === null ? 'no status' : String(record.status);
  const bad = record.shape !== 'none';
  const target = harmless(`${record.host}${record.path}${record.query === null ? '' : `?${record.query}`}`);
  const request = shorten(`${record.method} ${target}`, 70);
  const origin = [
    ['route', record.route],
    ['upstream', record.upstream],
    ['application', record.application],
    ['release', record.release],
  ].flatMap(([name, value]) => (value === null ? [] : [`${name} ${value}`]));
  return [
    `${style.bold(request)} ${bad ? style.bad(status) : style.good(status)}`,
    style.dim(`  ${record.id}`),
    style.dim(
      `  at ${record.at}, ${durationText(record.duration_ms)}, from ${record.client.address} over ${record.client.protocol}${record.tls === null ? '' : ` and ${record.tls.version}`}`,
    ),
    ...Object.entries(record.headers ?? {}).map(([name, value]) =>
      style.dim(`  ${name}: ${shorten(harmless(value), 70)}`),
    ),
    ...wrap([...origin, `configuration revision ${record.revision}`].join(', '), '  ').map((line) => style.dim(line)),
  ];
}

function verdictLines(record: ExchangeRecord, style: Style): string[] {
  const verdict = verdictOf(record);
  const row = (label: string, text: string): string[] => wrapAfter(style.dim(`  ${label}`), harmless(text), labelWidth);
  const tone = record.shape === 'none' ? style.good : style.bad;
  const lines = [`${style.bold('VERDICT')}  ${tone(verdictWords(record))}`, ...row('what', verdict.sentence)];
  if (record.type !== null || record.cause !== null) lines.push(...row('type', typeText(record)));
  if (record.stage !== null) lines.push(...row('where', whereText(record)));
  if (record.whose !== null) lines.push(...row('caused by', whoseWords[record.whose]));
  if (record.shape !== 'none') lines.push(...row('executed?', executedText(record)));
  if (record.tunnel !== undefined) lines.push(...row('ended', `${tunnelEndedText(record.tunnel)}.`));
  lines.push(...row('response', responseText(record)), ...row('body', bodyText(record)));
  verdict.usualCauses.forEach((cause, index) => {
    const label = padTo(style.dim(index === 0 ? '  usual causes' : ''), labelWidth);
    lines.push(...wrapAfter(`${label}- `, cause, labelWidth + 2));
  });
  if (verdict.nextStep !== null) lines.push(...row('next step', nextStepHere(verdict.nextStep, record)));
  return lines;
}

/** The reader has run the command that some next steps name, so the text refers to its output instead. */
function nextStepHere(nextStep: string, { id, at, duration_ms }: ExchangeRecord): string {
  const command = `\`candor explain ${id}\``;
  const beganAt = Date.parse(at);
  const endedAt = Number.isNaN(beganAt) ? '' : new Date(beganAt + duration_ms).toISOString();
  return nextStep
    .replaceAll(`when the record ends (${command})`, endedAt === '' ? 'of its end' : `of its end, ${endedAt}`)
    .replaceAll(`with ${command}`, 'below')
    .replaceAll(`in ${command}`, 'above');
}

/** The type of RFC 9209, and Candor's cause, which docs/failures.md explains. */
function typeText({ type, cause }: ExchangeRecord): string {
  return [type, cause === null ? null : `cause ${cause}`].filter((part) => part !== null).join(', ');
}

function whereText(record: ExchangeRecord): string {
  const last = record.attempts.at(-1);
  const at = last === undefined ? '' : `, at ${endpointText(last, record.upstream)}`;
  if (record.kind === 'tunnel' && record.stage === 'body') return `while the tunnel was open${at}`;
  return `${record.stage === null ? '' : stageWords[record.stage]}${at}`;
}

function executedText({ delivery, shape }: ExchangeRecord): string {
  // Bytes that are not HTTP prove that a program answered, not that it understood the request.
  if (shape === 'garbage' && delivery === 'response_started') return 'Perhaps. The response does not show it.';
  return deliveryWords[delivery];
}

function responseText(record: ExchangeRecord): string {
  const received = record.received_status === null || record.received_status === record.status;
  const instead = received ? '' : `; the application had sent ${record.received_status}`;
  return `${record.status ?? 'none'}; ${(record.kind === 'tunnel' ? tunnelEndWords : endWords)[record.end]}${instead}`;
}

/** Body bytes without heads and framing, as the record counts them. */
function bodyText({ kind, bytes_in, bytes_out }: ExchangeRecord): string {
  const where = kind === 'tunnel' ? ', through the tunnel' : '';
  return `${countText(bytes_in, 'byte')} from the client, ${countText(bytes_out, 'byte')} to the client${where}`;
}

/** A title as part of a sentence. */
function lowerFirst(title: string): string {
  return title.charAt(0).toLowerCase() + title.slice(1);
}
