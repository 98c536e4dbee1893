import type { ExchangeRecord } from '../core/record.ts';
import { nextStepHere, verdictOf } from '../diagnose/candor/record-verdict.ts';
import { verdictFacts } from '../diagnose/candor/verdict-facts.ts';
import { verdictWords } from '../diagnose/candor/record-words.ts';
import { timelineLines } from './attempt-timeline.ts';
import { durationText, harmless, padTo, shorten, wrap, wrapAfter } from './layout.ts';
import type { Style } from './style.ts';

const labelWidth = 16;

/** Explains one request within 80 columns: the verdict first, then the timeline. */
export function renderExplanation(record: ExchangeRecord, style: Style): string {
  const lines = [...headLines(record, style), '', ...verdictLines(record, style), '', ...timelineLines(record, style)];
  return `${lines.join('\n')}\n`;
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
  for (const [label, text] of verdictFacts(record)) lines.push(...row(label, text));
  verdict.usualCauses.forEach((cause, index) => {
    const label = padTo(style.dim(index === 0 ? '  usual causes' : ''), labelWidth);
    lines.push(...wrapAfter(`${label}- `, cause, labelWidth + 2));
  });
  if (verdict.nextStep !== null) lines.push(...row('next step', nextStepHere(verdict.nextStep, record)));
  return lines;
}
