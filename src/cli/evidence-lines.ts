import type { Cause } from '../core/failure.ts';
import type { AttemptRecord } from '../core/record.ts';
import { durationText, harmless, wrap } from './layout.ts';
import { hexdump } from './hexdump.ts';

/** Facts that have a sentence or a picture of their own. */
const shownElsewhere: ReadonlySet<string> = new Set(['address', 'name', 'path', 'reused', 'idle_ms', 'retry_after_s']);

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
};

/**
 * The evidence of a failed attempt as lines after `indent`: errno, alert, sizes and limits on one line, then the
 * certificate, then the bytes that were not a valid response. The cause comes first if it differs from the verdict's. A fact
 * that this version does not know is printed under its key.
 */
export function evidenceLines(attempt: AttemptRecord, verdictCause: Cause | null, indent: string): string[] {
  const evidence: Readonly<Record<string, unknown>> = { ...attempt.evidence };
  const facts = Object.entries(evidence).flatMap(([name, value]) => factText(name, value));
  const head = attempt.cause === null || attempt.cause === verdictCause ? facts : [attempt.cause, ...facts];
  return [
    ...(head.length === 0 ? [] : wrap(harmless(head.join(', ')), indent)),
    ...certificateLines(evidence['certificate'], indent),
    ...byteLines(evidence['first_bytes'], evidence['guess'], indent),
  ];
}

function factText(name: string, value: unknown): string[] {
  if (shownElsewhere.has(name) || name === 'first_bytes' || name === 'guess' || value === null) return [];
  if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean') return [];
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

function certificateLines(certificate: unknown, indent: string): string[] {
  if (typeof certificate !== 'object' || certificate === null) return [];
  const facts = certificate as Readonly<Record<string, unknown>>;
  const known = certificateWords.flatMap(([key, word]) => {
    const value = facts[key];
    return typeof value === 'string' && value !== '' ? [`${word} ${value}`] : [];
  });
  return known.length === 0 ? [] : wrap(harmless(`certificate: ${known.join('; ')}`), indent);
}

function byteLines(firstBytes: unknown, guess: unknown, indent: string): string[] {
  if (typeof firstBytes !== 'string' || firstBytes === '') return [];
  const bytes = Buffer.from(firstBytes, 'hex');
  const looks = typeof guess === 'string' ? `; it looks like ${guessWords[guess] ?? guess}` : '';
  return [...wrap(`its first ${bytes.length} bytes${looks}:`, indent), ...hexdump(bytes, indent)];
}

const guessWords: Readonly<Record<string, string>> = {
  ssh: 'an SSH server',
  tls: 'TLS',
  http2: 'HTTP/2',
  html: 'HTML without a head',
  json: 'JSON without a head',
  stack_trace: 'a stack trace',
  text: 'plain text',
  binary: 'binary data',
  nothing: 'nothing',
};
