import { type Dialect, dialect } from '../dialect.ts';
import { judgedText, commonLogTimeMs, requestOf } from '../line-text.ts';
import {
  type CaddyLine,
  caddyLine,
  certaintyOf,
  caddyDurationMs,
  requestOfCaddy,
  readRuntimeLine,
  caddyFixes,
  readErrorLog,
} from './error-line.ts';
import type { Finding } from '../finding.ts';
import { readGoError } from '../go-errors.ts';
import { isoTimeMs, type JsonLine, jsonNumber, jsonObject, jsonText } from '../json-fields.ts';
import { findingOf, harmlessVerdict, fixOf, type Verdict } from '../verdict.ts';

/** A line of the logger `http.log.access`: the response that the client got, with its headers. */
function readAccessLine(line: CaddyLine): Finding {
  const request = requestOfCaddy(line.fields);
  const status = jsonNumber(line.fields['status']);
  const { verdict, evidence } = judge(line.fields, status);
  return findingOf(
    {
      gateway: 'caddy',
      format: `Caddy access log (${line.encoder})`,
      kind: 'access',
      atMs: line.atMs,
      status: status === 0 ? null : status,
      request: request === null ? null : requestOf(`${request.method} ${request.uri}`),
      durationMs: caddyDurationMs(line.fields['duration']),
      joins: request === null || verdict.shape === 'none' ? null : `${request.from} ${request.uri}`,
      evidence,
    },
    verdict,
  );
}

interface Judged {
  readonly verdict: Verdict;
  readonly evidence: readonly string[];
}

const noFailure: Judged = { verdict: harmlessVerdict, evidence: [] };

function judge(fields: JsonLine, status: number | null): Judged {
  if (status === 499) {
    const sentence = 'The client closed the connection before the response came.';
    const verdict: Verdict = { ...harmlessVerdict, shape: 'client_abort', born: 'client', whose: 'client', sentence };
    return { verdict: { ...verdict, type: 'http_request_error' }, evidence: ['status=499'] };
  }
  if (status === null || status < 500) return noFailure;
  const answered = jsonObject(fields['resp_headers']) ?? {};
  if (isOwnText(answered)) return ownText(status);
  const sign = signOfApplication(answered);
  return sign === null ? unknownFailure(status) : ofApplication(status, sign);
}

/** `respond "text" 503` sets these two headers. An application's response has a `Date`, a length or a `Via` as well. */
function isOwnText(answered: JsonLine): boolean {
  const headers = Object.entries(answered).map(
    ([name, value]) => `${name}: ${jsonText(Array.isArray(value) && value.length === 1 ? value[0] : value) ?? ''}`,
  );
  return headers.toSorted().join('\n').toLowerCase() === 'content-type: text/plain; charset=utf-8\nserver: caddy';
}

function ownText(status: number): Judged {
  const verdict: Verdict = {
    ...harmlessVerdict,
    shape: 'refused_by_gateway',
    type: 'proxy_internal_response',
    stage: 'route',
    born: 'reverse-proxy',
    whose: 'operator',
    sentence: `Caddy itself answered ${status} with a text of its configuration; no application was contacted.`,
    fix: fixOf('Remove the directive `respond`, or narrow its matcher, if the request should be passed on.'),
  };
  return { verdict, evidence: [`status=${status}`, 'resp_headers Content-Type: text/plain; charset=utf-8'] };
}

function ofApplication(status: number, sign: string): Judged {
  const sentence = `The application itself answered with ${status}; Caddy passed it on.`;
  const verdict: Verdict = {
    ...harmlessVerdict,
    shape: 'app_error',
    born: 'application',
    whose: 'application',
    sentence,
  };
  return { verdict, evidence: [`status=${status}`, sign] };
}

function unknownFailure(status: number): Judged {
  const sentence = `Caddy answered with ${status}, and the access log does not say why.`;
  const verdict: Verdict = { ...harmlessVerdict, shape: 'unknown', born: 'reverse-proxy', sentence, fix: readErrorLog };
  return { verdict, evidence: [`status=${status}`] };
}

const fieldsOfAnswers =
  /^(?:date|content-length|content-type|etag|last-modified|set-cookie|location|x-powered-by|x-runtime)$/i;

/**
 * A header that only a response of the application has. Caddy's own responses have its `Server` and little more. Those
 * that it forwards keep the application's `Date`, type, length and `Server`, and get a `Via` from 2.9 on.
 */
function signOfApplication(fields: JsonLine): string | null {
  for (const [name, value] of Object.entries(fields)) {
    const values = (Array.isArray(value) ? value : [value]).map((one) => jsonText(one) ?? '');
    const shown = `resp_headers ${name}: ${values.join(', ').slice(0, 80)}`;
    if (fieldsOfAnswers.test(name)) return shown;
    if (/^via$/i.test(name) && values.some((one) => /(?:^|\s)caddy\b/i.test(one))) return shown;
    if (/^server$/i.test(name) && values.some((one) => one !== 'Caddy' && one !== '')) return shown;
  }
  return null;
}

/** "02/Jan/2026:15:04:05 +0000 [ERROR 502 /path] dial tcp ...": the error log of Caddy 1. */
const versionOne =
  /^(\d\d\/[A-Z][a-z]{2}\/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}|\d{4}\/\d\d\/\d\d \d\d:\d\d:\d\d) \[ERROR (\d{3}) ([^\]\s]{0,2000})\] (.{1,4000})$/;

function isVersionOne(line: string): boolean {
  return line.includes('[ERROR ') && versionOne.test(line);
}

function readVersionOne(line: string): Finding | null {
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

const versionTwo = dialect(
  'caddy',
  'Caddy log',
  (line) => certaintyOf(caddyLine(judgedText(line))),
  (line) => {
    const read = caddyLine(judgedText(line));
    if (read === null || certaintyOf(read) === 0 || isErrorOfOther(read)) return null;
    const isAccess = read.text === 'handled request' && !read.logger.startsWith('http.log.error');
    return isAccess ? readAccessLine(read) : readRuntimeLine(read);
  },
);

/** An error in a line that any program may have written. What failed is not known to be Caddy's. */
function isErrorOfOther(line: CaddyLine): boolean {
  return certaintyOf(line) < 2 && /^(?:error|panic|fatal)$/.test(line.level);
}

const versionOneLog = dialect(
  'caddy',
  'Caddy 1 error log',
  (line) => (isVersionOne(line.slice(0, 8192)) ? 2 : 0),
  (line) => readVersionOne(judgedText(line)),
);

/** Caddy 2 in JSON and on the console, errors and accesses; the error log of Caddy 1. */
export const caddyDialects: readonly Dialect[] = [versionTwo, versionOneLog];
