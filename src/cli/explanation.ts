import { armText } from '../core/endpoint-release.ts';
import { noContextJson } from '../core/request-context.ts';
import { gatewayStateTexts } from '../diagnose/gateway-state-texts.ts';
import { verdictWith } from '../diagnose/process-verdict.ts';
import { nextStepHere } from '../diagnose/record-verdict.ts';
import { verdictFacts } from '../diagnose/verdict-facts.ts';
import { clientWords, verdictAndWhose, verdictWords } from '../diagnose/record-words.ts';
import type { UnparsedJson } from '../core/unparsed-bytes.ts';
import { unparsedForOperators, unparsedText } from '../diagnose/unparsed-text.ts';
import { outputLines } from './output-lines.ts';
import { processLines } from './upstream-lines.ts';
import { durationText, harmless, padTo, shorten, wrap, wrapAfter, countText } from './layout.ts';
import type { Style } from './style.ts';
import { type AttemptStage, stagesOf } from '../diagnose/attempt-stages.ts';
import {
  bytesText,
  connectionText,
  endpointText,
  exitText,
  failureSentence,
  retryText,
  stderrText,
  surplusText,
  waitTexts,
} from '../diagnose/attempt-texts.ts';
import type { Cause } from '#failures/failure.ts';
import { evidenceFacts } from '../diagnose/evidence-facts.ts';
import type { ExchangeRecord, AttemptRecord } from '../core/schemas/record.ts';
import type { RequestContextJson } from '../core/schemas/output.ts';

const labelWidth = 16;

/**
 * Explains one request within 80 columns: in the order in which things happened, and the verdict last, where a terminal shows it. The second line has
 * its words.
 */
export function renderExplanation(
  record: ExchangeRecord,
  style: Style,
  context = noContextJson,
  bytes: readonly UnparsedJson[] | null = null,
): string {
  const lines = [
    ...headLines(record, style),
    '',
    ...timelineLines(record, style),
    ...unparsedLines(context, bytes, style),
    ...stateLines(record, context, style),
    ...processLines(context, style),
    ...outputLines(context, style),
    '',
    ...verdictLines(record, context, style),
  ];
  return `${lines.join('\n')}\n`;
}

/** What endpoints sent and the gateway could not parse. `bytes`: null if the reader may not see them. */
function unparsedLines(
  { unparsed }: RequestContextJson,
  bytes: readonly UnparsedJson[] | null,
  style: Style,
): string[] {
  if (unparsed.length === 0) return [];
  const rows = unparsed.flatMap((one, index) => {
    const hexadecimal = bytes?.[index]?.bytes ?? '';
    return [...wrap(unparsedText(one), '  '), ...hexdump(Buffer.from(hexadecimal, 'hex'), '    ')];
  });
  const hint = bytes === null ? wrap(unparsedForOperators, '  ') : [];
  return ['', `${style.bold('NOT PARSED')}  what the gateway could not read`, ...rows, ...hint];
}

/** What the gateway knew at the end of the exchange. */
function stateLines(record: ExchangeRecord, { configuration }: RequestContextJson, style: Style): string[] {
  const texts = gatewayStateTexts(record, configuration);
  if (texts.length === 0) return [];
  const rows = texts.flatMap(([label, text]) => wrapAfter(style.dim(`  ${label}`), harmless(text), labelWidth));
  return ['', `${style.bold('AT THAT MOMENT')}  when the exchange ended`, ...rows];
}

function releaseTexts({ release, arm, weight }: ExchangeRecord): string[] {
  if (release === undefined) return [];
  return [harmless(arm === undefined ? `release ${release}` : armText(release, arm, weight ?? null))];
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
  ].flatMap(([name, value]) => (value === null ? [] : [`${name} ${value}`]));
  return [
    `${style.bold(request)} ${bad ? style.bad(status) : style.good(status)}`,
    ...(bad ? [style.bad(`  ${verdictAndWhose(record)}`)] : []),
    style.dim(`  ${record.id}`),
    ...wrap(
      `at ${record.at}, ${durationText(record.duration_ms)}, from ${shorten(harmless(clientWords(record)), 60)} over ${record.client.protocol}${record.tls === null ? '' : ` and ${record.tls.version}`}`,
      '  ',
    ).map((line) => style.dim(line)),
    ...Object.entries(record.headers ?? {}).map(([name, value]) =>
      style.dim(`  ${name}: ${shorten(harmless(value), 70)}`),
    ),
    ...wrap([...origin, ...releaseTexts(record), `configuration revision ${record.revision}`].join(', '), '  ').map(
      (line) => style.dim(line),
    ),
  ];
}

function verdictLines(record: ExchangeRecord, context: RequestContextJson, style: Style): string[] {
  const verdict = verdictWith(record, context);
  const row = (label: string, text: string): string[] => wrapAfter(style.dim(`  ${label}`), harmless(text), labelWidth);
  const tone = record.shape === 'none' ? style.good : style.bad;
  const lines = [`${style.bold('VERDICT')}  ${tone(verdictWords(record))}`, ...row('what', verdict.sentence)];
  for (const [label, text] of verdictFacts(record)) lines.push(...row(label, text));
  verdict.usualCauses.forEach((cause, index) => {
    const label = padTo(style.dim(index === 0 ? '  usual causes' : ''), labelWidth);
    lines.push(...wrapAfter(`${label}- `, cause, labelWidth + 2));
  });
  if (verdict.nextStep !== null) lines.push(...row('next step', nextStepHere(verdict.nextStep, record)));
  return lines;
}

const barWidth = 36;

/** Draws every attempt with its stages as bars on one scale, what it failed with, and why it was or was not the last. */
function timelineLines(record: ExchangeRecord, style: Style): string[] {
  const suspended = waitTexts(record).map((text) => `  ${text}`);
  if (record.attempts.length === 0) return [`${style.bold('TIMELINE')}  no endpoint was tried`, ...suspended];
  const head = `${style.bold('TIMELINE')}  ${durationText(record.duration_ms)}, ${countText(record.attempts.length, 'attempt')}`;
  return [
    head,
    ...suspended,
    ...record.attempts.flatMap((attempt, index) => attemptLines(attempt, index + 1, record, style)),
  ];
}

function attemptLines(attempt: AttemptRecord, number: number, record: ExchangeRecord, style: Style): string[] {
  const endpoint = harmless(endpointText(attempt, record.upstream));
  const lines = wrap(`attempt ${number}: ${endpoint} (${attempt.state}), over ${connectionText(attempt)}`, '  ');
  const whole = Math.max(record.duration_ms, attempt.ended_ms, 0.001);
  const stages = stagesOf(attempt);
  stages.forEach((stage, index) => {
    const failed = attempt.cause !== null && index === stages.length - 1;
    lines.push(barLine(stage, whole, style, failed ? style.bad : style.name));
  });
  return [...lines, ...outcomeLines(attempt, record, style)];
}

function barLine({ name, fromMs, toMs }: AttemptStage, whole: number, style: Style, colour: Style['bad']): string {
  const edge = style.dim('│');
  const took = durationText(toMs - fromMs).padStart(9);
  const bar = colour(drawBar(fromMs / whole, toMs / whole));
  return `    ${name.padEnd(11)} ${edge}${bar}${edge} ${took}  ${style.dim(`at ${durationText(fromMs)}`)}`;
}

/**
 * `from` and `to` are fractions of the whole, 0 to 1. A stage that took any time gets at least half a cell, so that it is
 * visible.
 */
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

function outcomeLines(attempt: AttemptRecord, record: ExchangeRecord, style: Style): string[] {
  const retry = retryText(attempt);
  const indent = '      ';
  const say = (text: string): string[] => wrap(harmless(text), indent);
  if (attempt.cause === null && attempt.status === null) return say(`– ${retry}`);
  const sayIf = (text: string | null): string[] => (text === null ? [] : say(text));
  const stderr = sayIf(stderrText(attempt));
  if (attempt.cause === null)
    return [...say(`✔ ${attempt.status ?? 'no status'}; ${retry}`), ...sayIf(surplusText(attempt)), ...stderr];
  return [
    ...say(`✖ ${failureSentence(attempt)}`),
    ...evidenceLines(attempt, record.cause, indent).map((line) => style.dim(line)),
    ...sayIf(bytesText(attempt, record.kind)),
    ...stderr,
    ...(attempt.exit === null ? [] : say(exitText(attempt.exit))),
    ...say(`→ ${retry}`),
  ];
}

/**
 * The evidence of a failed attempt as lines after `indent`: errno, alert, sizes and limits on one line, then the
 * certificate, then the bytes that were not a valid response.
 */
export function evidenceLines(attempt: AttemptRecord, verdictCause: Cause | null, indent: string): string[] {
  const { facts, certificate, bytes } = evidenceFacts(attempt, verdictCause);
  return [
    ...(facts.length === 0 ? [] : wrap(harmless(facts.join(', ')), indent)),
    ...(certificate.length === 0 ? [] : wrap(harmless(`certificate: ${certificate.join('; ')}`), indent)),
    ...(bytes === null ? [] : byteLines(bytes.hex, bytes.looksLike, indent)),
  ];
}

function byteLines(hex: string, looksLike: string, indent: string): string[] {
  const bytes = Buffer.from(hex, 'hex');
  const looks = looksLike === '' ? '' : `; it looks like ${looksLike}`;
  return [...wrap(`its first ${bytes.length} bytes${looks}:`, indent), ...hexdump(bytes, indent)];
}

const perLine = 16;

/** Bytes in hexadecimal, sixteen a line, with their offset and their ASCII characters: 68 columns after `indent`. */
export function hexdump(bytes: Uint8Array, indent = ''): string[] {
  const lines: string[] = [];
  for (let start = 0; start < bytes.length; start += perLine) {
    const row = [...bytes.subarray(start, start + perLine)];
    const pairs = row.map((byte) => byte.toString(16).padStart(2, '0'));
    const halves = `${pairs.slice(0, 8).join(' ')}  ${pairs.slice(8).join(' ')}`;
    const text = row.map((byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.')).join('');
    lines.push(`${indent}${start.toString(16).padStart(4, '0')}  ${halves.padEnd(48)}  |${text}|`);
  }
  return lines;
}
