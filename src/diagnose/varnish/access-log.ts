import { readCommonLog } from '../common-log.ts';
import type { Dialect } from '../dialect.ts';
import { dialect } from '../dialect.ts';
import type { Finding } from '../finding.ts';
import { judgedText, requestOf, wholeNumber } from '../line-text.ts';
import type { Verdict } from '../verdict.ts';
import { findingOf, fixOf, wellVerdict } from '../verdict.ts';
import { backendOf, judgeFetchError } from './fetch-error.ts';

/** What lets varnishncsa tell: both sides, how a request was handled, and what a fetch failed with. */
export const tellingCommand =
  'varnishncsa -b -c -F \'%h %l %u %t "%r" %s %b "%{Referer}i" "%{User-agent}i" side=%{Varnish:side}x handling=%{Varnish:handling}x vxid=%{Varnish:vxid}x fetcherror="%{VSL:FetchError}x"\'';

interface AccessLine {
  readonly atMs: number | null;
  readonly requestLine: string;
  readonly status: number | null;
  /** One of hit, miss, pass, pipe, error, synth; null where the format does not say. */
  readonly handling: string | null;
  /** Empty where the format says that there was none; null where it does not say. */
  readonly fetchError: string | null;
}

const handlingWord = /^(?:hit|miss|pass|pipe|error|synth)$/;

/** varnishncsa writes whole URLs, which no client of a reverse proxy sends: so its default is told from others' combined. */
const wholeUrl = /^[A-Z]{1,20} https?:\/\/\S{1,4000} HTTP\/\d/;

export const varnishAccessLogs: readonly Dialect[] = [
  access('varnishncsa (with handling or FetchError)', 2, readTelling),
  access('varnishncsa (JSON)', 2, readJson),
  access('varnishncsa (default)', 2, readDefault),
];

function access(format: string, certainty: 1 | 2, parse: (line: string) => AccessLine | null): Dialect {
  return dialect(
    'varnish',
    format,
    (line) => (parse(line) === null ? 0 : certainty),
    (line) => {
      const parsed = parse(line);
      return parsed === null ? null : findingOfAccess(format, parsed);
    },
  );
}

function readDefault(line: string): AccessLine | null {
  const parsed = readCommonLog(line);
  if (parsed === null || parsed.before !== '' || parsed.rest.length !== 2 || !wholeUrl.test(parsed.requestLine))
    return null;
  return {
    atMs: parsed.atMs,
    requestLine: parsed.requestLine,
    status: parsed.status,
    handling: null,
    fetchError: null,
  };
}

/** The default with more behind it, in whichever order: words for how it was handled, and what FetchError says. */
function readTelling(line: string): AccessLine | null {
  const parsed = readCommonLog(line);
  if (parsed === null || parsed.before !== '' || parsed.rest.length < 3) return null;
  let handling: string | null = null;
  let fetchError: string | null = null;
  for (const field of parsed.rest.slice(2)) {
    const equals = field.search(/[=:]/);
    const name = field.slice(0, Math.max(0, equals)).toLowerCase();
    const value = field.slice(equals + 1).replaceAll(/^"|"$/g, '');
    if (handlingWord.test(field)) handling = field;
    else if (name === 'handling' || name === 'cache') handling = handlingWord.test(value) ? value : handling;
    else if (/^fetch_?error$/.test(name)) fetchError = fetchErrorField(line, value);
    else if (judgeFetchError(field) !== null) fetchError = field;
  }
  if (handling === null && fetchError === null) return null;
  return { atMs: parsed.atMs, requestLine: parsed.requestLine, status: parsed.status, handling, fetchError };
}

/** A field written as name="two words": it was cut at its first space, as quotation marks did not begin it. */
function fetchErrorField(line: string, cut: string): string {
  const whole = /fetch_?error="([^"]{0,500})"/i.exec(judgedText(line))?.[1] ?? cut;
  return whole === '-' ? '' : whole;
}

/** `-F '{…}'`: names are whoever's wrote the format; only the values of two of them tell Varnish from others. */
function readJson(line: string): AccessLine | null {
  if (!line.startsWith('{') || !/handling|fetch.?err/i.test(line)) return null;
  const fields = parseObject(judgedText(line));
  if (fields === null) return null;
  const named = (pattern: RegExp): string | null => {
    const value = Object.entries(fields).find(([name]) => pattern.test(name))?.[1];
    return typeof value === 'string' || typeof value === 'number' ? String(value) : null;
  };
  const handling = named(/handling/i);
  const fetchError = named(/fetch.?err/i);
  const isHandled = handling !== null && handlingWord.test(handling);
  if (!isHandled && (fetchError === null || judgeFetchError(fetchError) === null)) return null;
  return {
    atMs: null,
    requestLine: named(/^(?:http_)?request(?:_line)?$/i) ?? named(/^url/i) ?? '',
    status: wholeNumber(named(/status/i) ?? ''),
    handling,
    fetchError: fetchError === '-' ? '' : fetchError,
  };
}

function parseObject(text: string): Readonly<Record<string, unknown>> | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : null;
  } catch {
    return null;
  }
}

function findingOfAccess(format: string, line: AccessLine): Finding {
  const verdict = judgeAccess(line);
  const words = [`status ${line.status}`, line.fetchError ?? '', line.handling ?? ''];
  return findingOf(
    {
      gateway: 'varnish',
      format,
      kind: 'access',
      atMs: line.atMs,
      status: line.status,
      request: requestOf(line.requestLine),
      upstream: line.fetchError === null ? null : backendOf(line.fetchError),
      evidence: verdict.shape === 'none' ? [] : words.filter((word) => word !== ''),
    },
    verdict,
  );
}

function judgeAccess({ status, handling, fetchError }: AccessLine): Verdict {
  if (fetchError !== null && fetchError !== '') return judgeFetchError(fetchError) ?? cannotTell;
  if (status === null || status < 500) return wellVerdict;
  return handling === 'synth' ? madeByVcl : cannotTell;
}

export const madeByVcl: Verdict = {
  shape: 'refused_by_gateway',
  type: 'proxy_internal_response',
  stage: 'route',
  born: 'reverse-proxy',
  whose: 'operator',
  sentence: 'Varnish made this answer itself, as its configuration says (`synth`).',
  fix: fixOf('If it should not, look for `return (synth(…))` in the VCL'),
};

const cannotTell: Verdict = {
  shape: 'unknown',
  type: null,
  stage: null,
  born: null,
  whose: null,
  sentence: 'The status alone does not say who made this answer, Varnish or the backend, and why.',
  fix: fixOf('Log both sides with what a fetch failed with, or read `varnishlog -g request`', tellingCommand),
};
