import { specOf } from '../core/explain.ts';
import { failureTable } from '../core/failure-table.ts';
import type { Cause, Failure } from '../core/failure.ts';
import type { ExchangeRecord } from '../core/record.ts';
import { endpointText, timelineLines } from './attempt-timeline.ts';
import { countText, durationText, harmless, padTo, shorten, wrap, wrapAfter } from './layout.ts';
import { deliveryWords, endWords, shapeWords, stageWords, whoseWords } from './record-words.ts';
import type { Style } from './style.ts';

const labelWidth = 16;

/** What became of one request: the verdict first, then how it came about, within 80 columns. */
export function renderExplanation(record: ExchangeRecord, style: Style): string {
  const lines = [...headLines(record, style), '', ...verdictLines(record, style), '', ...timelineLines(record, style)];
  return `${lines.join('\n')}\n`;
}

/** The verdict for programs: what `--json` adds to the record. */
export interface Verdict {
  readonly sentence: string;
  readonly usualCauses: readonly string[];
  readonly nextStep: string | null;
}

export function verdictOf(record: ExchangeRecord): Verdict {
  const spec = record.cause === null ? null : specOfCause(record.cause);
  const sentence = record.detail ?? (spec === null ? sentenceWithoutCause(record) : `${spec.title}.`);
  const nextStep = spec?.nextStep.replaceAll('REQUEST-ID', record.id) ?? nextStepWithoutCause(record);
  return { sentence, usualCauses: spec?.usualCauses ?? [], nextStep };
}

/** Null for a cause that this version does not know: the log may be a newer one's. */
function specOfCause(cause: Cause): ReturnType<typeof specOf> | null {
  return Object.hasOwn(failureTable, cause) ? specOf({ cause } as Failure) : null;
}

function sentenceWithoutCause(record: ExchangeRecord): string {
  if (record.shape === 'app_error')
    return `The application itself answered ${record.received_status ?? record.status}; the gateway passed it on as it came.`;
  return record.attempts.length === 0
    ? 'The gateway answered as its configuration says.'
    : 'The application answered, and its response reached the client whole.';
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
  const places = [
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
    ...wrap([...places, `configuration revision ${record.revision}`].join(', '), '  ').map((line) => style.dim(line)),
  ];
}

function verdictLines(record: ExchangeRecord, style: Style): string[] {
  const verdict = verdictOf(record);
  const row = (label: string, text: string): string[] => wrapAfter(style.dim(`  ${label}`), harmless(text), labelWidth);
  const tone = record.shape === 'none' ? style.good : style.bad;
  const lines = [`${style.bold('VERDICT')}  ${tone(shapeWords[record.shape])}`, ...row('what', verdict.sentence)];
  if (record.type !== null || record.cause !== null) lines.push(...row('type', typeText(record)));
  if (record.stage !== null) lines.push(...row('where', whereText(record)));
  if (record.whose !== null) lines.push(...row('whose', whoseWords[record.whose]));
  if (record.shape !== 'none') lines.push(...row('executed?', executedText(record)));
  lines.push(...row('answer', answerText(record)), ...row('content', contentText(record)));
  verdict.usualCauses.forEach((cause, place) => {
    const label = padTo(style.dim(place === 0 ? '  usual causes' : ''), labelWidth);
    lines.push(...wrapAfter(`${label}- `, cause, labelWidth + 2));
  });
  // Whoever reads this has run the command that some next steps name.
  const nextStep = verdict.nextStep?.replaceAll(`with \`candor explain ${record.id}\``, 'below') ?? null;
  if (nextStep !== null) lines.push(...row('next step', nextStep));
  return lines;
}

/** The word for programs (RFC 9209), and ours, which docs/failures.md explains. */
function typeText({ type, cause }: ExchangeRecord): string {
  return [type, cause === null ? null : `cause ${cause}`].filter((part) => part !== null).join(', ');
}

function whereText(record: ExchangeRecord): string {
  const last = record.attempts.at(-1);
  const at = last === undefined ? '' : `, at ${endpointText(last, record.upstream)}`;
  return `${record.stage === null ? '' : stageWords[record.stage]}${at}`;
}

function executedText({ delivery, shape }: ExchangeRecord): string {
  // Octets that are no HTTP prove that something is there, not that it understood the request.
  if (shape === 'garbage' && delivery === 'response_started') return 'Perhaps. What came back does not tell.';
  return deliveryWords[delivery];
}

function answerText(record: ExchangeRecord): string {
  const received = record.received_status === null || record.received_status === record.status;
  const instead = received ? '' : `; the application had sent ${record.received_status}`;
  return `${record.status ?? 'none'}; ${endWords[record.end]}${instead}`;
}

/** Without heads and framing, as the record counts. */
function contentText({ octets_in, octets_out }: ExchangeRecord): string {
  return `${countText(octets_in, 'octet')} came from the client, ${countText(octets_out, 'octet')} went to it`;
}
