import { jsonLine } from '../json-fields.ts';
import { readCommonLog } from '../common-log.ts';
import type { Dialect } from '../dialect.ts';
import { dialect } from '../dialect.ts';
import type { Finding } from '../finding.ts';
import { judgedText, requestOf, wholeNumber } from '../line-text.ts';
import type { Verdict } from '../verdict.ts';
import { findingOf, fixOf, harmlessVerdict } from '../verdict.ts';
import { backendOf, clientBrokeOff, judgeFetchError, unreadableBody } from './fetch-error.ts';

/** The format that lets varnishncsa name causes: both sides, how a request was handled, and the error of a fetch. */
export const tellingCommand =
  'varnishncsa -b -c -F \'%h %l %u %t "%r" %s %b "%{Referer}i" "%{User-agent}i" side=%{Varnish:side}x handling=%{Varnish:handling}x vxid=%{Varnish:vxid}x fetcherror="%{VSL:FetchError}x" error="%{VSL:Error}x"\'';

interface AccessLine {
  readonly atMs: number | null;
  readonly requestLine: string;
  readonly status: number | null;
  /** One of hit, miss, pass, pipe, error, synth; null if the format does not have it. */
  readonly handling: string | null;
  /** Empty if there was none; null if the format does not have it. */
  readonly fetchError: string | null;
  /** The value of `Error`: a fetch may fail without a FetchError. As `fetchError`. */
  readonly error: string | null;
  /** The side of the line; null if the format does not have it. */
  readonly side: 'b' | 'c' | null;
}

const handlingWord = /^(?:hit|miss|pass|pipe|error|synth)$/;

/**
 * varnishncsa writes whole URLs, which clients do not send to a reverse proxy. That distinguishes its default format
 * from combined of other programs.
 */
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
    error: null,
    side: null,
  };
}

/** The default format with further fields in any order: how the request was handled, and the FetchError. */
function readTelling(line: string): AccessLine | null {
  const parsed = readCommonLog(line);
  if (parsed === null || parsed.before !== '' || parsed.rest.length < 3) return null;
  let handling: string | null = null;
  let fetchError: string | null = null;
  let error: string | null = null;
  let side: 'b' | 'c' | null = null;
  for (const field of parsed.rest.slice(2)) {
    const equals = field.search(/[=:]/);
    const name = field.slice(0, Math.max(0, equals)).toLowerCase();
    const value = field.slice(equals + 1).replaceAll(/^"|"$/g, '');
    if (handlingWord.test(field)) handling = field;
    else if (name === 'handling' || name === 'cache') handling = handlingWord.test(value) ? value : handling;
    else if (/^fetch_?error$/.test(name)) fetchError = quotedField(line, name, value);
    else if (name === 'error') error = quotedField(line, name, value);
    else if (name === 'side' && (value === 'b' || value === 'c')) side = value;
    else if (judgeFetchError(field) !== null) fetchError = field;
  }
  if (handling === null && fetchError === null) return null;
  return {
    atMs: parsed.atMs,
    requestLine: parsed.requestLine,
    status: parsed.status,
    handling,
    fetchError,
    error,
    side,
  };
}

/** The value of name="two words" was split at its first space, since the quotation mark is not at the beginning of the field. */
function quotedField(line: string, name: string, cut: string): string {
  const text = judgedText(line);
  const start = text.toLowerCase().lastIndexOf(` ${name}="`);
  const end = start < 0 ? -1 : text.indexOf('"', start + name.length + 3);
  const whole = end < 0 ? cut : text.slice(start + name.length + 3, end);
  return whole === '-' ? '' : whole;
}

/** `-F '{…}'`: the names are free, so two values that only Varnish writes identify the line. */
function readJson(line: string): AccessLine | null {
  if (!line.startsWith('{') || !/handling|fetch.?err/i.test(line)) return null;
  const fields = jsonLine(judgedText(line));
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
    error: null,
    side: null,
  };
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

function judgeAccess({ status, handling, fetchError, error, side }: AccessLine): Verdict {
  if (fetchError !== null && fetchError !== '') {
    return side === 'c' ? clientBrokeOff : (judgeFetchError(fetchError) ?? cannotTell);
  }
  if (status === null || status < 500) return harmlessVerdict;
  if (handling === 'synth') return madeByVcl;
  if (side === 'b' && fetchError === '') return judgeAnswered(error);
  return side === 'c' ? { ...cannotTell, isConsequence: true } : cannotTell;
}

/** A line of the backend's side without a FetchError. */
function judgeAnswered(error: string | null): Verdict {
  if (error === null) return cannotTell;
  if (error === '') return appAnsweredSo;
  return error === 'Body cannot be fetched' ? unreadableBody : cannotTell;
}

export const appAnsweredSo: Verdict = {
  shape: 'app_error',
  type: null,
  stage: null,
  born: 'application',
  whose: 'application',
  sentence: 'The application itself sent this error; Varnish passed it on.',
  fix: fixOf('Read the log of the application at that time'),
};

export const madeByVcl: Verdict = {
  shape: 'refused_by_gateway',
  type: 'proxy_internal_response',
  stage: 'route',
  born: 'reverse-proxy',
  whose: 'operator',
  sentence: 'Varnish made this response itself, because of its configuration (`synth`).',
  fix: fixOf('If that is wrong, check `return (synth(…))` in the VCL'),
};

const cannotTell: Verdict = {
  shape: 'unknown',
  type: null,
  stage: null,
  born: null,
  whose: null,
  sentence: 'The status alone does not show whether Varnish or the backend made this response, and why.',
  fix: fixOf('Log both sides with the error of each fetch, or read `varnishlog -g request`', tellingCommand),
};
