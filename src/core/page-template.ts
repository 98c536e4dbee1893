/** What may stand in an error page of the operator's, as `{{status}}`. */
export const pagePlaceholders = ['request_id', 'status', 'title', 'detail', 'visitor'] as const;

export type PagePlaceholder = (typeof pagePlaceholders)[number];

/**
 * Ten times what a page shows anybody. Each is filled in while something fails, perhaps for every request there is; a page of
 * 20,000 took a worker a third of a second.
 */
export const pagePlaceholdersMax = 64;

/** A page taken apart: between each two texts stands what is filled in. */
export interface PageTemplate {
  readonly texts: readonly string[];
  readonly placeholders: readonly PagePlaceholder[];
}

const placeholder = new RegExp(`\\{\\{\\s*(${pagePlaceholders.join('|')})\\s*\\}\\}`, 'g');

/** At most `placeholdersMax` are taken apart; others stay what they are. */
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

/** Names that are written as placeholders and are none, each once and `most` of them: visitors read them as they are. */
export function unknownPlaceholders(page: string, most: number): readonly string[] {
  const unknown = new Set<string>();
  for (const { 1: name = '' } of page.matchAll(written)) {
    if (unknown.size === most) break;
    if (!pagePlaceholders.some((known) => known === name)) unknown.add(name);
  }
  return [...unknown];
}
