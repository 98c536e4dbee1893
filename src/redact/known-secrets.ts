import { type Span, spansBehind } from './span.ts';
import { tokenPrefixes } from './token-prefixes.ts';

interface Pattern {
  readonly pattern: RegExp;
  /** A closer check of a match, if the pattern matches too much. */
  readonly isSecret?: (secret: string, whole: string) => boolean;
}

const webToken = /eyJ[\w\-.]{8,}/g;

/** Finds only JSON Web Tokens. */
export function tokenSpans(text: string): readonly Span[] {
  return Array.from(text.matchAll(webToken), ({ index, 0: token }) => ({ start: index, end: index + token.length }));
}

const tokenPatterns: readonly Pattern[] = tokenPrefixes.map(({ prefixes, characters, charactersMin, needs }) => ({
  pattern: new RegExp(`(?<![\\w-])(?:${prefixes.join('|')})[${characters}]{${charactersMin},}`, 'g'),
  ...(needs === null ? {} : { isSecret: needs === 'digit' ? hasDigit : hasDigitAndCapital }),
}));

/** Some prefixes have digits and capitals. */
const prefixCharactersMax = 5;

function hasDigit(token: string): boolean {
  return /\d/.test(token.slice(prefixCharactersMax));
}

function hasDigitAndCapital(token: string): boolean {
  return hasDigit(token) && /[A-Z]/.test(token.slice(prefixCharactersMax));
}

/**
 * Secrets that are recognized by their form. Group 1 is removed; without a group, the whole match. Each pattern begins with a
 * fixed word and repeats only one class, so that it is linear in the text.
 */
const patterns: readonly Pattern[] = [
  // Credentials with their scheme, anywhere in the text (RFC 9110 §11.6.2). "Basic usage" is no credential.
  { pattern: /\b(?:bearer|negotiate)\s+(?!(?:bearer|basic)\s)([\w\-.~+/=:]{4,})/gi },
  {
    pattern: /\b(?:basic|digest)\s+(?!(?:bearer|basic)\s)([\w\-.~+/=:]{4,})/gi,
    isSecret: (secret) => !/^[a-z]+[.:]?$/.test(secret),
  },
  // JSON Web Tokens: base64url of objects, which begin with {". Also without their ".": half a token is one too.
  { pattern: webToken },
  ...tokenPatterns,
  // Addresses that are a secret by themselves: who knows one can send there.
  {
    pattern:
      /\bhttps?:(?:\\?\/){2}(?:hooks\.slack\.com|(?:[\w-]{1,40}\.)?discord(?:app)?\.com\\?\/api|[\w-]{1,80}\.webhook\.office\.com|outlook\.office\.com\\?\/webhook|hooks\.zapier\.com|hook\.(?:[\w-]{1,20}\.)?make\.com|maker\.ifttt\.com|hc-ping\.com)\\?\/([^\s"'<>]{8,})/g,
  },
  // Mattermost, Rocket.Chat and others.
  { pattern: /\/(?:hooks|webhooks?)\/([\w-]{20,}(?:\/[\w-]{16,})*)/g, isSecret: (secret) => /\d/.test(secret) },
  // The token of a Telegram bot.
  { pattern: /(?<!\d)\d{6,12}:AA[\w-]{32,}/g },
  // As `candor token` creates them. Names of our metrics have the same prefix, but neither digits nor capitals.
  { pattern: /candor_([\w-]{20,})/gi, isSecret: (secret) => /[\dA-Z]/.test(secret) },
];

const keyBeginning = /-----BEGIN [A-Z\d ]{0,40}PRIVATE KEY(?: BLOCK)?-----/g;
export const keyEnding = '-----END ';

/** A line that is only base64, probably of a private key whose beginning is not in the text. Digests are hexadecimal. */
const base64Line = /^[ \t]*([A-Za-z\d+/]{60,}={0,2})[ \t]*$/gm;

export function knownSecretSpans(text: string): readonly Span[] {
  const spans: Span[] = [];
  for (const { pattern, isSecret } of patterns) {
    for (const { index, 0: whole, 1: group } of text.matchAll(pattern)) {
      const secret = group ?? whole;
      const end = index + whole.length;
      if (isSecret === undefined || isSecret(secret, whole)) spans.push({ start: end - secret.length, end });
    }
  }
  spans.push(
    ...spansBehind(keyBeginning, text, (_, start, known) => {
      if (start < known) return null;
      const end = text.indexOf(keyEnding, start);
      return { start, end: end === -1 ? text.length : end };
    }),
  );
  for (const { index, 0: whole, 1: line = '' } of text.matchAll(base64Line)) {
    const start = index + whole.indexOf(line);
    if (/[A-Z]/.test(line) && /[a-z]/.test(line)) spans.push({ start, end: start + line.length });
  }
  return spans;
}

/** Whether a private key begins in the text and continues after it; null if none begins or ends. */
export function keyGoesOn(text: string): boolean | null {
  const begin = text.search(keyBeginning);
  const end = text.lastIndexOf(keyEnding);
  if (begin === -1 && end === -1) return null;
  return begin > end;
}
