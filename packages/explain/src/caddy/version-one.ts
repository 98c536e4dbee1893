import type { Finding } from '../finding.ts';
import { readGoError } from '../go-errors.ts';
import { isoTimeMs } from '../json-fields.ts';
import { commonLogTimeMs } from '../line-text.ts';
import { findingOf, harmlessVerdict } from '../verdict.ts';
import { caddyFixes, readErrorLog } from './fixes.ts';

/** "02/Jan/2026:15:04:05 +0000 [ERROR 502 /path] dial tcp ...": the error log of Caddy 1. */
const versionOne =
  /^(\d\d\/[A-Z][a-z]{2}\/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}|\d{4}\/\d\d\/\d\d \d\d:\d\d:\d\d) \[ERROR (\d{3}) ([^\]\s]{0,2000})\] (.{1,4000})$/;

export function isVersionOne(line: string): boolean {
  return line.includes('[ERROR ') && versionOne.test(line);
}

export function readVersionOne(line: string): Finding | null {
  const match = versionOne.exec(line);
  if (match === null) return null;
  const [, time = '', status = '', path = '', text = ''] = match;
  const known = readGoError(text);
  const facts = {
    gateway: 'caddy' as const,
    format: 'Caddy 1 error log',
    kind: 'error' as const,
    atMs: commonLogTimeMs(time) ?? isoTimeMs(`${time.replaceAll('/', '-')}Z`),
    status: Number(status),
    request: path,
    upstream: known?.endpoint ?? null,
    evidence: [text.slice(0, 240)],
  };
  if (known === null) {
    if (facts.status < 500) return findingOf({ ...facts, evidence: [] }, harmlessVerdict);
    const sentence = 'Caddy could not answer this request, for a reason that Candor does not know.';
    return findingOf(facts, {
      ...harmlessVerdict,
      shape: 'unknown',
      born: 'reverse-proxy',
      sentence,
      fix: readErrorLog,
    });
  }
  const { shape, type, stage, born, whose, sentence, cause } = known;
  const isConsequence = cause === 'no_upstreams';
  return findingOf(facts, { shape, type, stage, born, whose, sentence, fix: caddyFixes[cause], isConsequence });
}
