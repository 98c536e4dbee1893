/** The placeholders of an operator's error page, such as `{{status}}`. */
export const pagePlaceholders = ['request_id', 'status', 'title', 'detail', 'visitor'] as const;

export type PagePlaceholder = (typeof pagePlaceholders)[number];

/**
 * Ten times as many as a useful page has. They are filled in for each failed request, perhaps for all requests; a page with
 * 20,000 placeholders took a worker a third of a second.
 */
export const pagePlaceholdersMax = 64;

/** A parsed page: texts with a placeholder between each two. */
export interface PageTemplate {
  readonly texts: readonly string[];
  readonly placeholders: readonly PagePlaceholder[];
}

const placeholder = new RegExp(`\\{\\{\\s*(${pagePlaceholders.join('|')})\\s*\\}\\}`, 'g');

/** Parses at most `placeholdersMax` placeholders; further ones remain text. */
export function pageTemplate(page: string, placeholdersMax: number = pagePlaceholdersMax): PageTemplate {
  const texts: string[] = [];
  const placeholders: PagePlaceholder[] = [];
  let at = 0;
  for (const { index, 0: whole, 1: name } of page.matchAll(placeholder)) {
    if (placeholders.length === placeholdersMax) break;
    texts.push(page.slice(at, index));
    placeholders.push(name as PagePlaceholder);
    at = index + whole.length;
  }
  texts.push(page.slice(at));
  return { texts, placeholders };
}

const written = /\{\{\s*([A-Za-z_][\w-]{0,63})\s*\}\}/g;

/** Names in braces that are not placeholders, each once and at most `most`: visitors see them unchanged. */
export function unknownPlaceholders(page: string, most: number): readonly string[] {
  const unknown = new Set<string>();
  for (const { 1: name = '' } of page.matchAll(written)) {
    if (unknown.size === most) break;
    if (!pagePlaceholders.some((known) => known === name)) unknown.add(name);
  }
  return [...unknown];
}
