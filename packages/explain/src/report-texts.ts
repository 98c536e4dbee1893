import type { Fix } from './finding.ts';

/** Longer evidence and names are truncated, since they come from a log and the report is bounded. */
export const textLengthMax = 300;
const snippetLengthMax = 2000;

/** Reports show only the first few pieces of evidence. */
export function truncateTexts(texts: readonly string[]): readonly string[] {
  return texts.slice(0, 8).map(truncateText);
}

/** Fixes are texts of a dialect, with a few names from the line. */
export function truncateFix(fix: Fix | null): Fix | null {
  return fix === null
    ? null
    : { text: truncateText(fix.text), snippet: fix.snippet?.slice(0, snippetLengthMax) ?? null };
}

/**
 * The endpoint by host and port alone, as the other logs of the same gateway name it: `10.0.0.1:8080` for
 * `http://10.0.0.1:8080/articles`. A socket keeps its path, which is its name.
 */
export function endpointOf(upstream: string): string {
  const bare = upstream.slice(0, endpointCharactersMax).replace(/^\w{1,12}:\/\//, '');
  const ofSocket = /^unix:[^:]{1,200}/.exec(bare);
  if (ofSocket !== null) return ofSocket[0];
  return truncateText(bare === upstream ? upstream : (/^[^/?#]{1,300}/.exec(bare)?.[0] ?? upstream));
}

/** Longer than any address: only the beginning is looked at. */
const endpointCharactersMax = 1024;

export function truncateText(text: string): string {
  return text.length > textLengthMax ? `${text.slice(0, textLengthMax)}…` : text;
}
