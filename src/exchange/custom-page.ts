import { type PagePlaceholder, type PageTemplate, pageTemplate } from '../core/page-template.ts';
import type { Account } from './account.ts';

/** Text as it may stand in HTML, between tags or in a quoted attribute. */
export function escapeHtml(text: string): string {
  return text
    .replace(/[&<>"'`]/g, (character) => replacements[character] ?? '')
    .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/g, '\ufffd');
}

const replacements: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
  '`': '&#96;',
};

/** The route's own page for a status, else for its class, else its default; null without one. */
export function findCustomPage(errorPages: Readonly<Record<string, string>>, status: number): string | null {
  for (const name of [String(status), `${String(status)[0]}xx`, 'default']) {
    if (Object.hasOwn(errorPages, name)) return errorPages[name] ?? null;
  }
  return null;
}

/** The parsed form of each page that has been sent. A configuration has few pages; those of an old one are dropped. */
const templates = new Map<string, PageTemplate>();
const templatesMax = 32;

function templateOf(page: string): PageTemplate {
  const known = templates.get(page);
  if (known !== undefined) return known;
  if (templates.size >= templatesMax) templates.clear();
  const template = pageTemplate(page);
  templates.set(page, template);
  return template;
}

type PageFacts = Pick<Account, 'requestId' | 'status' | 'title' | 'forClient' | 'forOperators'>;

/**
 * Fills the placeholders of a custom page in one pass, so that a value which looks like a placeholder stays
 * what it is. Every value is escaped, once; what is not a placeholder of ours is left alone.
 */
export function fillCustomPage(page: string, account: PageFacts): string {
  const { texts, placeholders } = templateOf(page);
  const escaped = new Map<PagePlaceholder, string>();
  let filled = texts[0] ?? '';
  for (const [index, name] of placeholders.entries()) {
    const value = escaped.get(name) ?? escapeHtml(valueOf(name, account));
    escaped.set(name, value);
    filled += value + (texts[index + 1] ?? '');
  }
  return filled;
}

function valueOf(name: PagePlaceholder, account: PageFacts): string {
  switch (name) {
    case 'request_id':
      return account.requestId;
    case 'status':
      return String(account.status);
    case 'title':
      return account.title;
    case 'detail':
      return account.forOperators?.sentence ?? account.forClient;
    case 'visitor':
      return account.forClient;
  }
}
