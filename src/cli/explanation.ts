import type { ExchangeRecord } from '../core/schemas/record.ts';
import { noContextJson } from '../core/request-context.ts';
import type { RequestContextJson } from '../core/schemas/output.ts';
import { gatewayStateTexts } from '../diagnose/gateway-state-texts.ts';
import { verdictWith } from '../diagnose/process-verdict.ts';
import { nextStepHere } from '../diagnose/record-verdict.ts';
import { verdictFacts } from '../diagnose/verdict-facts.ts';
import { verdictAndWhose, verdictWords } from '../diagnose/record-words.ts';
import type { UnparsedJson } from '../core/unparsed-bytes.ts';
import { unparsedForOperators, unparsedText } from '../diagnose/unparsed-text.ts';
import { timelineLines } from './attempt-timeline.ts';
import { hexdump } from './hexdump.ts';
import { outputLines } from './output-lines.ts';
import { processLines } from './process-lines.ts';
import { durationText, harmless, padTo, shorten, wrap, wrapAfter } from './layout.ts';
import type { Style } from './style.ts';

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
    style.dim(
      `  at ${record.at}, ${durationText(record.duration_ms)}, from ${record.client.address} over ${record.client.protocol}${record.tls === null ? '' : ` and ${record.tls.version}`}`,
    ),
    ...Object.entries(record.headers ?? {}).map(([name, value]) =>
      style.dim(`  ${name}: ${shorten(harmless(value), 70)}`),
    ),
    ...wrap([...origin, `configuration revision ${record.revision}`].join(', '), '  ').map((line) => style.dim(line)),
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
