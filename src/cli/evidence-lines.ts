import type { Cause } from '#failures/failure.ts';
import type { AttemptRecord } from '../core/schemas/record.ts';
import { evidenceFacts } from '../diagnose/evidence-facts.ts';
import { harmless, wrap } from './layout.ts';
import { hexdump } from './hexdump.ts';

/**
 * The evidence of a failed attempt as lines after `indent`: errno, alert, sizes and limits on one line, then the
 * certificate, then the bytes that were not a valid response.
 */
export function evidenceLines(attempt: AttemptRecord, verdictCause: Cause | null, indent: string): string[] {
  const { facts, certificate, bytes } = evidenceFacts(attempt, verdictCause);
  return [
    ...(facts.length === 0 ? [] : wrap(harmless(facts.join(', ')), indent)),
    ...(certificate.length === 0 ? [] : wrap(harmless(`certificate: ${certificate.join('; ')}`), indent)),
    ...(bytes === null ? [] : byteLines(bytes.hex, bytes.looksLike, indent)),
  ];
}

function byteLines(hex: string, looksLike: string, indent: string): string[] {
  const bytes = Buffer.from(hex, 'hex');
  const looks = looksLike === '' ? '' : `; it looks like ${looksLike}`;
  return [...wrap(`its first ${bytes.length} bytes${looks}:`, indent), ...hexdump(bytes, indent)];
}
