import { type Finding, isSuspicious, type Fix } from '#explain/finding.ts';
import type { Example } from '#explain/summary-report.ts';
import type { LineVerdict } from '#explain/log-explainer.ts';
import { harmless, shorten, wrapAfter, harmlessJson } from '../layout.ts';
import { findingShapeWords, gatewayWords, timeText, bornWords, formatText } from '#explain/report/finding-words.ts';
import { type Style, styleFor } from '../style.ts';
import { redactedFinding, redactedText } from '../redacted-output.ts';
import { hasNoZone } from '#explain/log-clock.ts';
import { stageWords, whoseWords } from '#failures/failure-words.ts';
import type { LineListener } from '#explain/byte-log.ts';
import type { ProcessContext } from '../process-context.ts';

const textMax = 300;

/** Where a line stands; `file` is null for a pasted line. */
type LinePosition = Pick<Example, 'file' | 'line'>;

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
function verdictLine(verdict: LineVerdict, position: string, style: Style): string | null {
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

const labelWidth = 16;

/** The verdict on one line, within 80 columns. */
export function findingLines(found: Finding, style: Style): string[] {
  const finding = redactedFinding(found);
  const { shape, gateway, format, kind, confidence, request, status, sentence, atMs } = finding;
  const about = [
    ...(request === null ? [] : [style.bold(shorten(harmless(request), 60))]),
    ...(status === null ? [] : [String(status)]),
  ].join(' ');
  const isWrong = isSuspicious(finding);
  // An error line that is not about a request's way to the application is no failure, but no good news either.
  const words = shape === 'none' && kind !== 'access' ? 'no gateway failure in this line' : findingShapeWords[shape];
  const verdict = isWrong ? style.bad(words) : style.good(words);
  return [
    ...(about === '' ? [] : [about]),
    style.dim(
      `  ${confidence === 'likely' ? 'likely a part of a line' : 'a line'} of ${formatText(gateway, format)}${atMs === null ? '' : `, ${timeText(atMs)}${hasNoZone(gateway, format) ? '' : ' UTC'}`}`,
    ),
    '',
    `VERDICT  ${verdict}`,
    ...(sentence === '' ? [] : row('what', sentence)),
    ...verdictRows(finding),
    ...fixLines(finding.fix, '  fix', labelWidth, style),
  ];
}

function verdictRows(finding: Finding): string[] {
  const { type, stage, born, whose, upstream, evidence, isConsequence } = finding;
  const at = upstream === null ? '' : `at ${harmless(upstream)}`;
  const where = [...(stage === null ? [] : [stageWords[stage]]), ...(at === '' ? [] : [at])].join(', ');
  return [
    ...(type === null ? [] : row('type', type)),
    ...(where === '' ? [] : row('where', where)),
    ...(born === null ? [] : row('source', bornWords[born])),
    ...(whose === null ? [] : row('caused by', whoseWords[whose])),
    ...(isConsequence ? row('note', 'This is a consequence of an earlier failure; see the lines before it.') : []),
    ...evidence.map((words, index) => row(index === 0 ? 'evidence' : '', shorten(harmless(words), 200))).flat(),
  ];
}

function row(label: string, text: string): string[] {
  return wrapAfter(`  ${label}`, harmless(text), labelWidth);
}

/** The fix, and the lines to copy. */
export function fixLines(fix: Fix | null, label: string, width: number, style: Style): string[] {
  if (fix === null) return [];
  return [...wrapAfter(label, harmless(fix.text), width), ...snippetLines(fix, style, width + 2)];
}

/** Lines of a configuration are not wrapped, however long they are, so that they can be copied. */
export function snippetLines({ snippet }: Fix, style: Style, indent: number): string[] {
  if (snippet === null) return [];
  return snippet.split('\n').map((line) => `${' '.repeat(indent)}${style.name(harmless(line))}`);
}

/** Text that is buffered before it is written: one write per line would be most of the work. */
const heldCharactersMax = 64 * 1024;

/** Prints lines as they are judged: with `--lines`, and while a log is followed. */
export class LinePrinter {
  readonly isWanted: boolean;
  readonly #context: ProcessContext;
  readonly #isJson: boolean;
  readonly #style: Style;
  #held = '';

  constructor(flags: ExplainLogFlags, context: ProcessContext) {
    this.isWanted = flags.lines || (flags.follow && !flags.json);
    this.#context = context;
    this.#isJson = flags.json;
    this.#style = styleFor(context.stdout, context.env);
  }

  /** A listener for the lines of a file. `isAlone`: no other file is read, so that the number is enough. */
  listenerFor(file: string, isAlone: boolean): LineListener {
    if (this.#isJson)
      return (verdict, text, line) => this.#write(`${harmlessJson(lineObject(verdict, text, { file, line }))}\n`);
    return (verdict, _text, line, use) => {
      // A line about a failure that is printed already would look like another failure.
      if (use === 'repeat') return;
      const shown = verdictLine(verdict, isAlone ? String(line) : `${file}:${line}`, this.#style);
      if (shown !== null) this.#write(`${shown}\n`);
    };
  }

  /** Writes the buffered text. Returns a promise if the reader of the output is slower than we are. */
  flush(): Promise<void> | null {
    if (this.#held !== '') this.#context.stdout.write(this.#held);
    this.#held = '';
    return this.#context.stdout.drained?.() ?? null;
  }

  #write(text: string): void {
    this.#held += text;
    if (this.#held.length >= heldCharactersMax) void this.flush();
  }
}

export interface ExplainLogFlags {
  readonly json: boolean;
  readonly lines: boolean;
  readonly follow: boolean;
  readonly html?: string | undefined;
  readonly logFormat?: string | undefined;
}
