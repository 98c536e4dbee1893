import type { Alert } from '../core/alert.ts';
import { visibleLine } from '#failures/invisible-characters.ts';
import { snakeCased } from '#failures/json-case.ts';
import type { AlertMessage } from './channel.ts';

/** The version of the JSON of a webhook and of a command's standard input. Keys may be added without a new one. */
const alertJsonVersion = 1;

/** A message as programs get it; `docs/alerts.md` describes it. */
export function alertJson({ alert, link }: AlertMessage): object {
  const { at, steps: _steps, about: _about, cause: _cause, ...rest } = alert;
  return { version: alertJsonVersion, ...snakeCased(rest), at: new Date(at).toISOString(), link };
}

/** Titles of what is over begin with it. */
export const resolvedPrefix = 'resolved: ';

/** Titles of what has come again, and is no worse, begin with it. */
export const againPrefix = 'again: ';

/** The first line that people read. */
export function headline({ change, kind, severity, title, deployment }: Alert): string {
  const prefix = change === 'resolved' ? resolvedPrefix : againPrefix;
  const hasPrefix = title.startsWith(prefix);
  const grown = hasPrefix ? 'Again' : 'Worse';
  const states = { opened: words[severity], grown, corrected: 'Another cause', resolved: 'Resolved' } as const;
  const state = kind === 'test' ? 'Test' : states[change];
  return oneLine(`[${deployment}] ${state}: ${hasPrefix ? title.slice(prefix.length) : title}`);
}

const words = { info: 'Info', warning: 'Warning', critical: 'Critical' } as const;

/** The message as plain text, for a mail. */
export function plainTextOf({ alert, link }: AlertMessage): string {
  const { text, evidence, nextStep, subject, deployment, member, at, severity, change } = alert;
  const parts = [
    withoutLinks(text),
    ...(evidence.length === 0 ? [] : ['', 'Evidence:', ...evidence.map((fact) => `- ${withoutLinks(fact)}`)]),
    ...(nextStep === null ? [] : ['', 'Next step:', nextStep]),
    ...(link === null ? [] : ['', link]),
    '',
    `${new Date(at).toISOString()}, ${change}, ${severity}, ${subject}`,
    `${deployment}, ${member}`,
  ];
  return `${parts.join('\n')}\n`;
}

function oneLine(text: string): string {
  return visibleLine(text);
}

/** A quoted text in which no program finds a URL that it would make a link. */
export function withoutLinks(text: string): string {
  return text.replaceAll('://', '[:]//').replace(/\b(?:www(?=\.)|mailto(?=:))/gi, '$&[]');
}

/** At most `max` UTF-16 units; "…" marks that the rest is left out. */
export function shortened(text: string, max: number): string {
  return text.length <= max ? text : `${text.slice(0, max - 1).replace(/[\ud800-\udbff]$/, '')}…`;
}
