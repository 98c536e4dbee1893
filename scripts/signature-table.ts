import { cloudflareCodes, failureWords, type AnsweredWords, meaningOf } from '#explain/whose/answered-failure.ts';
import { answerSignatures, signatureAbbreviations } from '#explain/whose/answer-signatures.ts';

/** The source of `packages/client/src/signatures/table.ts`: what the explaining package knows of failed responses, as two texts. */
export function signatureTable(): string {
  return `/** Written by scripts/write-signatures.ts from packages/explain/src/whose. Change it there. */
export const abbreviations = [
${Object.entries(signatureAbbreviations)
  .map((pair) => `  [\n${pair.map((text) => `    ${raw(text)},\n`).join('')}  ],\n`)
  .join('')}] as const;
/** Author and pattern. */
export const authors = ${raw(authorLines().join('\n'))};
/** Authors, word, delivery and pattern. */
export const failures = ${raw([...cloudflareLines(), ...failureLines()].join('\n'))};
/** What a word means: shape, cause and whose. */
export const meanings = ${raw(meaningLines().join('\n'))};
`;
}

const raw = (text: string): string => {
  if (/`|\$\{/.test(text)) throw new Error(`a pattern cannot contain this: ${text}`);
  return `String.raw\`${text}\``;
};

/** Patterns of one author that follow each other become one. */
function authorLines(): readonly string[] {
  const lines: [author: string, pattern: string][] = [];
  for (const [author, pattern] of answerSignatures) {
    const last = lines.at(-1);
    if (last?.[0] === author) last[1] += `|${pattern}`;
    else lines.push([author, pattern]);
  }
  return lines.map((line) => line.join(' '));
}

/** The status or, in the text that programs get, the code. Codes of four digits stand beside a status, so they come first. */
function cloudflareLines(): readonly string[] {
  return Object.entries(cloudflareCodes)
    .toSorted(([a], [b]) => b.length - a.length)
    .map(([code, failure]) =>
      failureLine('cloudflare', failure, code.length === 4 ? `code: ${code}` : `^${code}|code: ${code}`),
    );
}

/** In the rules `^` is the beginning of the body; in the table a form feed stands before it. */
function failureLines(): readonly string[] {
  return failureWords.map((row) => {
    if (row.words.flags !== '') throw new Error(`the table has no place for the flags of ${row.words}`);
    return failureLine(row.layers.join(), row, row.words.source.replace(/^\^/, '\\f'));
  });
}

const failureLine = (
  layers: string,
  { failure, delivery }: Pick<AnsweredWords, 'failure' | 'delivery'>,
  pattern: string,
): string => `${layers} ${failure} ${delivery ?? '-'} ${pattern}`;

function meaningLines(): readonly string[] {
  const words = [...Object.values(cloudflareCodes), ...failureWords].map(({ failure }) => failure);
  return [...new Set(words)].map((word) => {
    const { shape, cause, whose } = meaningOf(word);
    return `${word} ${shape ?? '-'} ${cause === null ? '-' : '='} ${whose ?? '-'}`;
  });
}
