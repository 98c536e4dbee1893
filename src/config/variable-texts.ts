/** What variables gave: no message has it, since the file has not. */
import { isSecretName } from '../redact/secret-name.ts';
import type { Fill } from './expand.ts';
import { plainForm } from './hide-unread.ts';
import { type HiddenText, mask, maskOfPair, type SourceReading } from './masked-source.ts';

/** The texts that a message says by the name of their variable: `${DB_HOST}`. `masked`: the source without what is hidden of it. */
export function variableTexts({ positions }: SourceReading, masked: string): readonly HiddenText[] {
  const found: HiddenText[] = [];
  for (const { key, start, end, expanded, fills } of positions.scalars()) {
    const unshown = fills.filter((fill) => !isShown(fill));
    const [first] = unshown;
    if (expanded === null || first === undefined) continue;
    const written = masked
      .slice(start, end)
      .replace(/^(["'])(.*)\1$/s, '$2')
      .replace(maskRun, '***');
    const one = { key, isKey: false, isElsewhere: false };
    // A value that sticks to what stands beside its reference is no word of its own.
    const known = new Set([...fills.map(({ value }) => value), ...wordsOf(written)]);
    const joined = wordsOf(expanded).filter((word) => !known.has(word));
    if (joined.length > 0) found.push({ ...one, texts: joined, instead: first.reference });
    found.push({ ...one, texts: formsOf(expanded), instead: written, isWhole: true });
    for (const { reference, value } of unshown)
      found.push({ ...one, texts: formsOf(value), instead: reference, isElsewhere: masked.includes(value) });
  }
  return found;
}

/** A number or a short word that has to be known to be mended, of a variable that has no secret. */
function isShown({ name, value }: Fill): boolean {
  return value === '' || (!isSecretName(name) && (plainForm.test(value) || shortForm.test(value)));
}

const maskRun = new RegExp(`[${mask}${maskOfPair}]+`, 'g');

const shortForm = /^(?:-?\d{1,15}|[A-Za-z]{1,12})$/;

/** A sentence about a number says it without zeros at its begin. */
function formsOf(text: string): string[] {
  return /^-?\d+$/.test(text) ? [text, String(Number(text))] : [text];
}

function wordsOf(text: string): string[] {
  return text.split(/[^\w-]+/).filter((word) => word.length > 3);
}
