import { type Finding, type Fix, isSuspicious } from '#explain/finding.ts';
import { hasNoZone } from '#explain/log-clock.ts';
import { harmless, shorten, wrapAfter } from '../layout.ts';
import { stageWords, whoseWords } from '#failures/failure-words.ts';
import type { Style } from '../style.ts';
import { bornWords, findingShapeWords, formatText, timeText } from '#explain/report/finding-words.ts';
import { redactedFinding } from '../redacted-output.ts';

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
