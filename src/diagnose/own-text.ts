import type { Finding, Fix } from './finding.ts';

/** Longer than anything that a report shows of one text. */
const keptCharactersMax = 512;

/** Of a line up to this length, what is kept may hold on to the whole. */
const smallLineMax = 1024;

/**
 * The beginning of a text as a text of its own. Engines make a part of a text by pointing into the whole, so that a few
 * characters of a line that are kept keep 64 KiB of it.
 */
export function ownText(text: string, charactersMax = keptCharactersMax): string {
  return ` ${text.slice(0, charactersMax)}`.slice(1);
}

/** The finding as it may be kept for as long as a log is read: nothing in it is large, or holds on to the line. */
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
