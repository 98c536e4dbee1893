import type { Cause } from '#failures/failure.ts';
import { guessWords } from '#failures/guess-words.ts';
import { durationText } from '#failures/quantity-text.ts';
import type { AttemptRecord } from '../core/schemas/record.ts';

/** The evidence of a failed attempt for people. */
interface EvidenceFacts {
  /** Errno, alert, sizes and limits. The cause comes first if it differs from the verdict's. A fact that this version does not know is named by its key. */
  readonly facts: readonly string[];
  /** Of the certificate that was shown. */
  readonly certificate: readonly string[];
  /** In hexadecimal, the bytes that were no valid response, and what they look like ('' if unknown); null without them. */
  readonly bytes: { readonly hex: string; readonly looksLike: string } | null;
}

/** Facts that have a sentence or a picture of their own. */
const shownElsewhere: ReadonlySet<string> = new Set([
  'address',
  'name',
  'path',
  'reused',
  'idle_ms',
  'retry_after_s',
  'head_begun',
]);

/** Words for facts whose key is not clear to a reader. */
const factNames: Readonly<Record<string, string>> = {
  rcode: 'DNS answer',
  alert_id: 'TLS alert',
  alert_message: 'alert',
  errno: 'errno',
  bytes_received: 'bytes received',
  bytes_expected: 'bytes promised',
  bytes_sent: 'bytes sent',
  limit_ms: 'limit',
  how: 'the connection was',
  interims: 'interim responses',
};

export function evidenceFacts(attempt: AttemptRecord, verdictCause: Cause | null): EvidenceFacts {
  const evidence: Readonly<Record<string, unknown>> = { ...attempt.evidence };
  const facts = Object.entries(evidence).flatMap(([name, value]) => factText(name, value));
  return {
    facts: attempt.cause === null || attempt.cause === verdictCause ? facts : [`cause ${attempt.cause}`, ...facts],
    certificate: certificateFacts(evidence['certificate']),
    bytes: bytesOf(evidence['first_bytes'], evidence['guess']),
  };
}

function factText(name: string, value: unknown): string[] {
  if (shownElsewhere.has(name) || name === 'first_bytes' || name === 'guess' || value === null) return [];
  if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean') return [];
  if (name === 'how' && value === 'cancelled') return ['the request was cancelled'];
  const words = factNames[name] ?? name.replace(/_ms$/, '').replaceAll('_', ' ');
  return [`${words} ${typeof value === 'number' && name.endsWith('_ms') ? durationText(value) : String(value)}`];
}

const certificateWords: readonly (readonly [key: string, word: string])[] = [
  ['subject', 'subject'],
  ['issuer', 'issued by'],
  ['names', 'for'],
  ['not_before', 'from'],
  ['not_after', 'until'],
];

function certificateFacts(certificate: unknown): string[] {
  if (typeof certificate !== 'object' || certificate === null) return [];
  const facts = certificate as Readonly<Record<string, unknown>>;
  return certificateWords.flatMap(([key, word]) => {
    const value = facts[key];
    return typeof value === 'string' && value !== '' ? [`${word} ${value}`] : [];
  });
}

function bytesOf(firstBytes: unknown, guess: unknown): EvidenceFacts['bytes'] {
  if (typeof firstBytes !== 'string' || firstBytes === '') return null;
  return {
    hex: firstBytes,
    looksLike: typeof guess === 'string' ? ((guessWords as Readonly<Record<string, string>>)[guess] ?? guess) : '',
  };
}
