import { type DiffLine, diffOfTexts } from './line-diff.ts';

/** What is compared of a configuration. Null: not known. */
export interface ComparedConfiguration {
  readonly text: string;
  readonly content_hash: string | null;
  /** Which value each key has whose value `text` does not have. */
  readonly unshown: readonly { readonly key: string; readonly version: number }[] | null;
}

export interface ConfigurationDifference {
  readonly isEqual: boolean;
  readonly lines: readonly DiffLine[];
  /** Keys of both whose values differ and are not in the texts. */
  readonly unshown: readonly string[];
  /** A sentence about what else differs, or was not compared; null: nothing. */
  readonly note: string | null;
}

/** What changed between two configurations, as far as people may see it. */
export function differenceOf(before: ComparedConfiguration, after: ComparedConfiguration): ConfigurationDifference {
  const lines = diffOfTexts(before.text, after.text);
  const unshown = otherValues(before, after);
  const hasOtherHash =
    before.content_hash !== null && after.content_hash !== null && before.content_hash !== after.content_hash;
  // Where a text or a value differs, the hash does too.
  const isHashOnly = hasOtherHash && lines.length === 0 && (unshown ?? []).length === 0;
  const isEqual = lines.length === 0 && (unshown ?? []).length === 0 && !isHashOnly;
  return { isEqual, lines, unshown: unshown ?? [], note: noteOf(unshown === null, isHashOnly, before, after) };
}

function otherValues(before: ComparedConfiguration, after: ComparedConfiguration): readonly string[] | null {
  if (before.unshown === null || after.unshown === null) return null;
  const versions = new Map(before.unshown.map(({ key, version }) => [key, version]));
  return after.unshown.flatMap(({ key, version }) => ((versions.get(key) ?? version) === version ? [] : [key]));
}

function noteOf(
  isUnknown: boolean,
  isHashOnly: boolean,
  before: ComparedConfiguration,
  after: ComparedConfiguration,
): string | null {
  if (isHashOnly) {
    const files = 'a file that they name has changed, or another version of Candor has read one of them';
    return `What was read differs: ${isUnknown ? 'a value that the texts do not show or ' : ''}${files}.`;
  }
  const hasSameHash = before.content_hash !== null && before.content_hash === after.content_hash;
  const mayDiffer = isUnknown && !hasSameHash && [before, after].every(({ text }) => /\*{3}|\$\{/.test(text));
  return mayDiffer ? 'Values that the texts do not show were not compared: they are not known of both.' : null;
}
