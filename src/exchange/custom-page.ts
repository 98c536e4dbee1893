import type { Account } from './account.ts';
import { escapeHtml } from './html-text.ts';

/** The route's own page for a status, else its default; null without one. */
export function findCustomPage(errorPages: Readonly<Record<string, string>>, status: number): string | null {
  for (const name of [String(status), 'default']) {
    if (Object.hasOwn(errorPages, name)) return errorPages[name] ?? null;
  }
  return null;
}

/**
 * Fills the placeholders of a custom page in one pass, so that a value which looks like a placeholder stays
 * what it is. Every value is escaped; what is not a placeholder of ours is left alone.
 */
export function fillCustomPage(page: string, account: Account): string {
  const values: Readonly<Record<string, string>> = {
    request_id: account.requestId,
    status: String(account.status),
    title: account.title,
    detail: account.forOperators?.sentence ?? account.visitor,
    visitor: account.visitor,
  };
  return page.replace(/\{\{\s*(\w+)\s*\}\}/g, (placeholder, name: string) =>
    Object.hasOwn(values, name) ? escapeHtml(values[name] ?? '') : placeholder,
  );
}
