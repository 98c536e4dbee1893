import type { AttemptRecord, ExchangeRecord } from '../core/schemas/record.ts';
import { type AttemptStage, stagesOf } from '../diagnose/attempt-stages.ts';
import {
  bytesText,
  connectionText,
  endpointText,
  exitText,
  failureSentence,
  retryText,
  surplusText,
  waitTexts,
} from '../diagnose/attempt-texts.ts';
import { evidenceLines } from './evidence-lines.ts';
import { countText, durationText, harmless, wrap } from './layout.ts';
import type { Style } from './style.ts';

const barWidth = 36;

/** Draws every attempt with its stages as bars on one scale, what it failed with, and why it was or was not the last. */
export function timelineLines(record: ExchangeRecord, style: Style): string[] {
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
  const [surplus, bytes] = [surplusText(attempt), bytesText(attempt, record.kind)];
  if (attempt.cause === null)
    return [...say(`✔ ${attempt.status ?? 'no status'}; ${retry}`), ...(surplus === null ? [] : say(surplus))];
  return [
    ...say(`✖ ${failureSentence(attempt)}`),
    ...evidenceLines(attempt, record.cause, indent).map((line) => style.dim(line)),
    ...(bytes === null ? [] : say(bytes)),
    ...(attempt.exit === null ? [] : say(exitText(attempt.exit))),
    ...say(`→ ${retry}`),
  ];
}
