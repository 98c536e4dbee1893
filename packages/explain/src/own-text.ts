import type { Finding, Fix } from './finding.ts';

/**
 * Returns the same copy for equal texts: a part of a line would keep the whole line in memory, and a map finds a string that
 * it has seen before faster. Forgets all of them when it is full.
 */
export class InternedTexts {
  readonly #texts = new Map<string, string>();
  readonly #textsMax: number;

  constructor(textsMax: number) {
    this.#textsMax = textsMax;
  }

  of(text: string): string {
    const known = this.#texts.get(text);
    if (known !== undefined) return known;
    const own = ownText(text);
    if (this.#texts.size >= this.#textsMax) this.#texts.clear();
    this.#texts.set(own, own);
    return own;
  }
}

/** Longer than any text that a report shows. */
const keptCharactersMax = 512;

/** A text from a line up to this length may keep the whole line in memory. */
export const smallLineMax = 1024;

/**
 * Copies the beginning of a text. Engines represent a substring by a pointer into the whole string, so a few characters
 * of a line would keep 64 KiB in memory.
 */
export function ownText(text: string, charactersMax = keptCharactersMax): string {
  return ` ${text.slice(0, charactersMax)}`.slice(1);
}

/** A copy of the finding that is safe to keep while a log is read: it is small and does not keep the line in memory. */
export function ownFinding(finding: Finding, line: string): Finding {
  if (line.length <= smallLineMax) return finding;
  const { upstream, request, sentence, evidence, joins, fix } = finding;
  return {
    ...finding,
    upstream: own(upstream),
    request: own(request),
    sentence: ownText(sentence),
    evidence: evidence.slice(0, 8).map((text) => ownText(text)),
    joins: own(joins),
    fix: ownFix(fix),
  };
}

function ownFix(fix: Fix | null): Fix | null {
  if (fix === null) return null;
  return { text: ownText(fix.text), snippet: fix.snippet === null ? null : ownText(fix.snippet, 4096) };
}

function own(text: string | null): string | null {
  return text === null ? null : ownText(text);
}
