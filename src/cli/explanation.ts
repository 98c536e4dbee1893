import { explain, explainExit, specOf } from '../core/explain.ts';
import { failureTable } from '../core/failure-table.ts';
import type { Cause, Failure } from '../core/failure.ts';
import type { AttemptRecord, ExchangeRecord } from '../core/record.ts';
import { countText, durationText, harmless, padTo, shorten, wrap, wrapAfter } from './layout.ts';
import { deliveryWords, endWords, retryWords, shapeWords, stageWords, whoseWords } from './record-words.ts';
import type { Style } from './style.ts';
import { stagesOf } from './attempt-stages.ts';

const labelWidth = 16;
const barWidth = 36;

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
      `  at ${record.at}, ${durationText(record.duration_ms)}, from ${record.client.address} over ${record.client.protocol}`,
    ),
    ...wrap([...places, `configuration revision ${record.revision}`].join(', '), '  ').map((line) => style.dim(line)),
  ];
}

function verdictLines(record: ExchangeRecord, style: Style): string[] {
  const verdict = verdictOf(record);
  const row = (label: string, text: string): string[] => wrapAfter(style.dim(`  ${label}`), harmless(text), labelWidth);
  const tone = record.shape === 'none' ? style.good : style.bad;
  const lines = [`${style.bold('VERDICT')}  ${tone(shapeWords[record.shape])}`, ...row('what', verdict.sentence)];
  const firstOctets = firstOctetsOf(record);
  if (firstOctets !== null) lines.push(...row('it sent', firstOctets));
  if (record.stage !== null) lines.push(...row('where', whereText(record)));
  if (record.whose !== null) lines.push(...row('whose', whoseWords[record.whose]));
  if (record.shape !== 'none') lines.push(...row('executed?', executedText(record)));
  lines.push(...row('answer', answerText(record)));
  verdict.usualCauses.forEach((cause, place) => {
    const label = padTo(style.dim(place === 0 ? '  usual causes' : ''), labelWidth);
    lines.push(...wrapAfter(`${label}- `, cause, labelWidth + 2));
  });
  if (verdict.nextStep !== null) lines.push(...row('next step', verdict.nextStep));
  return lines;
}

/** Its address, after the instance where Candor runs one: an endpoint's id is upstream, instance and address. */
function endpointText({ endpoint, address }: AttemptRecord, upstream: string | null): string {
  if (endpoint === address || endpoint === `${upstream}/${address}`) return address;
  const [prefix, suffix] = [`${upstream}/`, `/${address}`];
  if (!endpoint.startsWith(prefix) || !endpoint.endsWith(suffix)) return `${endpoint} (${address})`;
  return `${endpoint.slice(prefix.length, -suffix.length)} (${address})`;
}

/** What an endpoint sent instead of HTTP, as far as it can be read; the record has it in hexadecimal. */
function firstOctetsOf(record: ExchangeRecord): string | null {
  const evidence = record.attempts.at(-1)?.evidence;
  if (evidence === null || evidence === undefined || !('firstOctets' in evidence)) return null;
  const octets = Buffer.from(evidence.firstOctets, 'hex');
  return octets.length === 0 ? null : JSON.stringify(octets.toString('latin1')).replace(/[\u007f-\u009f]/g, '.');
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
  const type = record.type === null ? '' : `, Proxy-Status error=${record.type}`;
  const cause = record.cause === null ? '' : `, cause ${record.cause}`;
  return `${record.status ?? 'none'}; ${endWords[record.end]}${type}${cause}`;
}

function timelineLines(record: ExchangeRecord, style: Style): string[] {
  if (record.attempts.length === 0) return [`${style.bold('TIMELINE')}  no endpoint was tried`];
  const head = `${style.bold('TIMELINE')}  ${durationText(record.duration_ms)}, ${countText(record.attempts.length, 'attempt')}`;
  return [head, ...record.attempts.flatMap((attempt, place) => attemptLines(attempt, place + 1, record, style))];
}

function attemptLines(attempt: AttemptRecord, number: number, record: ExchangeRecord, style: Style): string[] {
  const connection = attempt.reused
    ? `a connection idle for ${durationText(attempt.idle_ms ?? 0)}`
    : 'a new connection';
  const endpoint = endpointText(attempt, record.upstream);
  const lines = wrap(`attempt ${number}: ${endpoint}, ${attempt.state} then, over ${connection}`, '  ');
  const whole = Math.max(record.duration_ms, attempt.ended_ms, 0.001);
  for (const { name, fromMs, toMs } of stagesOf(attempt)) {
    const bar = drawBar(fromMs / whole, toMs / whole);
    const took = durationText(toMs - fromMs).padStart(9);
    lines.push(
      `    ${name.padEnd(11)} ${style.dim('│')}${style.name(bar)}${style.dim('│')} ${took}  ${style.dim(`at ${durationText(fromMs)}`)}`,
    );
  }
  for (const line of outcomeText(attempt)) lines.push(...wrap(harmless(line), '      '));
  return lines;
}

/** `from` and `to` are parts of the whole, 0 to 1. What took any time is seen: at least half a cell. */
function drawBar(from: number, to: number): string {
  const halves = barWidth * 2;
  const first = Math.min(halves - 1, Math.floor(from * halves));
  const last = Math.min(halves, Math.max(first + 1, Math.round(to * halves)));
  let bar = '';
  for (let cell = 0; cell < barWidth; cell++) {
    const left = first <= cell * 2 && cell * 2 < last;
    const right = first <= cell * 2 + 1 && cell * 2 + 1 < last;
    bar += left && right ? '█' : left ? '▌' : right ? '▐' : ' ';
  }
  return bar;
}

function outcomeText(attempt: AttemptRecord): string[] {
  const retry = Object.hasOwn(retryWords, attempt.retry_reason)
    ? retryWords[attempt.retry_reason]
    : attempt.retry_reason;
  if (attempt.cause === null) return [`✔ ${attempt.status ?? 'no status'}; ${retry}`];
  const { exit } = attempt;
  const exited =
    exit === null
      ? []
      : [
          explainExit(
            { atInstant: 0, code: exit.code, signal: exit.signal, outOfMemory: exit.oom, lastLine: exit.last_line },
            exit.before_ms,
          ),
        ];
  return [`✖ ${sentenceOf(attempt)}`, ...exited, `→ ${retry}`];
}

function sentenceOf(attempt: AttemptRecord): string {
  const known = attempt.cause !== null && specOfCause(attempt.cause) !== null && attempt.evidence !== null;
  if (!known) return String(attempt.cause);
  return explain({ cause: attempt.cause, stage: attempt.stage, evidence: attempt.evidence } as Failure);
}
