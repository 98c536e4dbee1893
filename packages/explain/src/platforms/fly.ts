import { dialect } from '../dialect.ts';
import type { Finding } from '../finding.ts';
import { isoTimeMs, jsonLine, jsonObject, jsonText } from '../json-fields.ts';
import { judgedText } from '../line-text.ts';
import { parseLogfmt } from '../logfmt.ts';
import { statusOf } from '../status-field.ts';
import { findingOf, type Verdict, harmlessVerdict } from '../verdict.ts';
import { flyVerdict, flyVerdictOfText } from './fly-codes.ts';

const format = 'Fly proxy log';

/** `fly logs`: "2026-11-21T10:00:00Z proxy[148e2d7f] ams [error] [PC01] instance refused connection. …". */
const wholeLine =
  /^(?:(\d{4}-\d\d-\d\dT[\d:.]{8,18}Z?) )?(proxy|health|runner) ?\[([\w-]{1,40})\] ([a-z]{3}) ?\[(\w{4,7})\] ?(.*)$/s;

/** The rest of such a line, if another tool has removed the beginning. */
const bareLine = /^(?:\[(error|warn|info)\] ?)?(?=\[P[A-Z]\d\d\])(.*)$/s;

const bracketCode = /^\[?(P[A-Z]\d\d)\]:? ?/;

interface FlyLine {
  readonly atMs: number | null;
  readonly level: string | null;
  readonly source: string;
  readonly instance: string | null;
  readonly said: string;
}

function parse(line: string): FlyLine | null {
  const whole = wholeLine.exec(line);
  if (whole !== null) {
    const [, time, source = '', instance = '', , level = '', said = ''] = whole;
    // Older versions of the tool left out the zone; their times are UTC.
    const atMs = time === undefined ? null : isoTimeMs(time.endsWith('Z') ? time : `${time}Z`);
    return { atMs, level, source, instance, said };
  }
  const bare = bareLine.exec(line);
  if (bare !== null)
    return { atMs: null, level: bare[1] ?? null, source: 'proxy', instance: null, said: bare[2] ?? '' };
  return parseShipped(line);
}

/** The JSON of `fly logs --json` and of the log shipper. */
function parseShipped(line: string): FlyLine | null {
  if (!line.startsWith('{') || !line.includes('"fly"')) return null;
  const fields = jsonLine(line);
  const source = jsonText(jsonObject(fields?.event)?.provider);
  const said = jsonText(fields?.message);
  if (fields === null || source === null || said === null) return null;
  if (source !== 'proxy' && source !== 'health' && source !== 'runner') return null;
  const instance = jsonText(jsonObject(jsonObject(fields.fly)?.app)?.instance);
  return { atMs: isoTimeMs(fields.timestamp), level: jsonText(jsonObject(fields.log)?.level), source, instance, said };
}

function readFly(line: string): Finding | null {
  const parts = parse(judgedText(line));
  if (parts === null) return null;
  const pairs = parts.said.includes('error.message=') ? parseLogfmt(parts.said) : new Map<string, string>();
  const quoted = pairs.get('error.message') ?? parts.said;
  const code = bracketCode.exec(parts.said)?.[1] ?? pairs.get('error.code') ?? null;
  const verdict = judge(parts, code, quoted);
  const isFailure = verdict.shape !== 'none';
  return findingOf(
    {
      gateway: 'fly',
      format,
      kind: isFailure ? 'error' : 'event',
      atMs: parts.atMs,
      status: statusOf(pairs.get('response.status')),
      upstream: parts.instance,
      request: requestIn(pairs),
      evidence: isFailure ? evidenceOf(parts.said, quoted) : [],
      joins: pairs.get('request.id') ?? null,
    },
    verdict,
  );
}

function judge({ source, level }: FlyLine, code: string | null, quoted: string): Verdict {
  // A failed health check or a starting machine concerns no request.
  if (source !== 'proxy') return harmlessVerdict;
  // A machine at its limit is skipped, which fails no request by itself.
  if (level === 'warn' && (code?.startsWith('PL') === true || quoted.includes(' limit of '))) return harmlessVerdict;
  if (code !== null && /^P[A-Z]\d\d$/.test(code)) return flyVerdict(code, quoted);
  return level === 'error' ? flyVerdictOfText(quoted) : harmlessVerdict;
}

function requestIn(pairs: ReadonlyMap<string, string>): string | null {
  const [method, url] = [pairs.get('request.method'), pairs.get('request.url')];
  if (method === undefined || url === undefined) return null;
  return `${method} ${url.replace(/^https?:\/\/[^/]{1,255}/, '') || '/'}`;
}

function evidenceOf(said: string, quoted: string): string[] {
  const sentence = quoted.replace(bracketCode, '').slice(0, 160).trim();
  const code = bracketCode.exec(said)?.[1];
  return [...(code === undefined ? [] : [`[${code}]`]), sentence === '' ? 'no words' : sentence];
}

function recognise(line: string): 0 | 1 | 2 {
  return parse(line) === null ? 0 : 2;
}

export const flyDialect = dialect('fly', format, recognise, readFly);
