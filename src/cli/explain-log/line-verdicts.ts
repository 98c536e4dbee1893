import { snakeCased } from '#failures/json-case.ts';
import { type Finding, isSuspicious } from '#explain/finding.ts';
import { escapeInvisible } from '#failures/invisible-characters.ts';
import type { Example } from '#explain/summary-report.ts';
import type { LineVerdict } from '#explain/log-explainer.ts';
import { harmless, shorten } from '../layout.ts';
import { findingShapeWords, gatewayWords, timeText } from '#explain/report/finding-words.ts';
import type { Style } from '../style.ts';
import { redactedFinding, redactedText } from '../redacted-output.ts';

const textMax = 300;

/** Where a line stands; `file` is null for a pasted line. */
export type LinePosition = Pick<Example, 'file' | 'line'>;

/** What `--lines --json` prints for each line, recognised or not. */
export function lineObject(verdict: LineVerdict, text: string, { file, line }: LinePosition): object {
  const shown = shorten(redactedText(text), textMax);
  return { file, line, text: shown, ...(verdict === null ? unrecognised : fieldsOf(redactedFinding(verdict))) };
}

const unrecognised = {
  gateway: null,
  format: null,
  kind: null,
  confidence: null,
  shape: 'unknown',
  type: null,
  stage: null,
  born: null,
  whose: null,
  status: null,
  upstream: null,
  request: null,
  at: null,
  duration_ms: null,
  evidence: [],
  sentence: '',
  fix: null,
  consequence: false,
};

function fieldsOf(finding: Finding): object {
  const { gateway, format, kind, confidence, shape, type, stage, born, whose, status, upstream, request, atMs } =
    finding;
  const at = atMs === null || Math.abs(atMs) > 8.64e15 ? null : new Date(atMs).toISOString();
  const { durationMs, evidence, sentence, fix, isConsequence } = finding;
  const where = { gateway, format, kind, confidence, shape, type, stage, born, whose, status, upstream, request, at };
  return { ...where, duration_ms: durationMs, evidence, sentence, fix, consequence: isConsequence };
}

/** One line of text for a failure; null if the line tells of none. */
export function verdictLine(verdict: LineVerdict, position: string, style: Style): string | null {
  if (verdict === null || !isSuspicious(verdict)) return null;
  const { atMs, status, shape, type, upstream, request, sentence, gateway } = redactedFinding(verdict);
  const shapeText = findingShapeWords[shape];
  const head = [
    style.dim(`${harmless(position)}:`),
    ...(atMs === null ? [] : [timeText(atMs)]),
    ...(verdict.confidence === 'likely' ? [style.dim('likely')] : []),
    gatewayWords[gateway],
    ...(status === null ? [] : [String(status)]),
    verdict.isConsequence ? style.dim(shapeText) : style.bad(shapeText),
    ...(type === null ? [] : [`(${type})`]),
    ...(upstream === null ? [] : [`at ${harmless(upstream)}`]),
    ...(request === null ? [] : [`for ${harmless(request)}`]),
  ];
  return `${head.join(' ')}: ${harmless(sentence)}`;
}

/** JSON as commands print it: keys in snake_case, and no byte that a terminal would interpret. */
export function harmlessJson(value: unknown, indent?: number): string {
  return escapeInvisible(JSON.stringify(snakeCased(value), null, indent));
}
