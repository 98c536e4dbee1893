import type { Finding, LineKind } from '../finding.ts';
import { type GoError, readGoError, readGoErrorInContent } from '../go-errors.ts';
import { jsonNumber, jsonText } from '../json-fields.ts';
import { requestOf } from '../line-text.ts';
import { findingOf, type Verdict, harmlessVerdict } from '../verdict.ts';
import { type CaddyLine, caddyDurationMs, requestOfCaddy } from './caddy-line.ts';
import { caddyFixes, readErrorLog } from './fixes.ts';

/** A line of any logger other than the access logger: a failed request, a health check, or a message about Caddy itself. */
export function readRuntimeLine(line: CaddyLine): Finding {
  const inner = jsonText(line.fields['error']) ?? '';
  if (line.logger.startsWith('http.log.error')) return failed(line, verdictOfError(line), line.text);
  if (line.text === 'aborting with incomplete response' || line.text === 'reading from backend')
    return brokenOff(line, inner);
  if (line.text === 'upstream roundtrip' && inner !== '') return failed(line, verdictOfGo(readGoError(inner)), inner);
  if (line.text.includes('http: TLS handshake error from'))
    return failed(line, verdictOfGo(readGoError(line.text)), line.text);
  return event(line, inner);
}

function factsOf(line: CaddyLine, kind: LineKind) {
  const request = requestOfCaddy(line.fields);
  return {
    gateway: 'caddy' as const,
    format: `Caddy log (${line.encoder})`,
    kind,
    atMs: line.atMs,
    status: jsonNumber(line.fields['status']),
    upstream: jsonText(line.fields['upstream']),
    request: request === null ? null : requestOf(`${request.method} ${request.uri}`),
    durationMs: caddyDurationMs(line.fields['duration']),
    joins: request === null ? null : `${request.from} ${request.uri}`,
  };
}

interface Judged {
  readonly verdict: Verdict;
  readonly endpoint: string | null;
}

function failed(line: CaddyLine, { verdict, endpoint }: Judged, text: string): Finding {
  const facts = factsOf(line, 'error');
  const evidence = [text.slice(0, 240), ...traceOf(line)];
  return findingOf({ ...facts, upstream: facts.upstream ?? endpoint, evidence }, verdict);
}

/** The part of Caddy that failed: "reverseproxy.statusError" for a failed attempt. */
function traceOf(line: CaddyLine): readonly string[] {
  const trace = jsonText(line.fields['err_trace']);
  return trace === null ? [] : [`err_trace=${trace.slice(0, 120)}`];
}

function verdictOfGo(known: GoError | null): Judged {
  if (known === null) return { verdict: unknownError, endpoint: null };
  const { shape, type, stage, born, whose, sentence, cause, endpoint } = known;
  const isConsequence = cause === 'no_upstreams';
  return { verdict: { shape, type, stage, born, whose, sentence, fix: caddyFixes[cause], isConsequence }, endpoint };
}

const unknownError: Verdict = {
  ...harmlessVerdict,
  shape: 'unknown',
  born: 'reverse-proxy',
  sentence: 'Caddy could not answer this request, for a reason that Candor does not know.',
  fix: readErrorLog,
};

function verdictOfError(line: CaddyLine): Judged {
  const status = jsonNumber(line.fields['status']);
  const trace = jsonText(line.fields['err_trace']) ?? '';
  const isProxy = trace === '' || /^(?:reverseproxy|fastcgi)\./.test(trace);
  if (isProxy) return verdictOfProxyError(line.text, status);
  const known = readGoError(line.text);
  if (known?.shape === 'client_abort') return verdictOfGo(known);
  if (status !== null && status < 500) return { verdict: harmlessVerdict, endpoint: null };
  return { verdict: ownVerdict(trace), endpoint: null };
}

function verdictOfProxyError(text: string, status: number | null): Judged {
  const known = verdictOfGo(readGoError(text));
  if (known.verdict !== unknownError || status === null || status >= 500) return known;
  return { verdict: harmlessVerdict, endpoint: null };
}

/** A part of Caddy other than the reverse proxy: the request was never on its way to an application. */
function ownVerdict(trace: string): Verdict {
  const isMeant = trace.startsWith('caddyhttp.StaticError');
  return {
    shape: 'refused_by_gateway',
    type: isMeant ? 'proxy_internal_response' : 'proxy_internal_error',
    stage: 'route',
    born: 'reverse-proxy',
    whose: isMeant ? 'operator' : 'gateway',
    sentence: isMeant
      ? 'The configuration of Caddy has an `error` directive for such requests.'
      : 'A part of Caddy itself failed; no application was contacted.',
    fix: {
      text: isMeant
        ? 'Remove the directive `error`, or narrow its matcher, if the request should be allowed.'
        : 'Read the message: it names the file or the directive that failed.',
      snippet: null,
    },
  };
}

/**
 * The response had begun. Newer versions name the side that broke: "reading" is the application's, unless the request
 * was cancelled, and "writing" the client's.
 */
function brokenOff(line: CaddyLine, inner: string): Finding {
  const known = readGoErrorInContent(inner);
  const isWriting = /^writing: |\bwrite tcp /.test(inner) || inner.includes('http2: stream closed');
  const judged = isWriting && known?.shape !== 'client_abort' ? clientLeft : verdictOfGo(known);
  const finding = failed(line, judged, inner === '' ? line.text : `${line.text}: ${inner}`);
  return { ...finding, isConsequence: isRepeated(line, inner, isWriting) };
}

/** Up to version 2.6 a line "reading from backend" comes first; newer versions write one line with "reading:". */
function isRepeated(line: CaddyLine, inner: string, isWriting: boolean): boolean {
  const isLast = line.text === 'aborting with incomplete response';
  return isLast && !isWriting && inner !== 'context canceled' && !/^(?:reading|writing): /.test(inner);
}

const clientLeft: Judged = verdictOfGo(readGoError('context canceled'));

const healthTexts: ReadonlyMap<string, string> = new Map([
  ['HTTP request failed', 'A health check could not be sent'],
  ['active health check failed', 'A health check could not be made'],
  ['unexpected status code', 'A health check returned an unexpected status'],
  ['status code out of tolerances', 'A health check returned a status other than success'],
  ['response body failed expectations', 'A health check returned an unexpected body'],
  ['failed to read response body', 'The body of a health check could not be read'],
  ['host is up', 'A health check succeeded again'],
  ['host is down', 'A host is counted as down'],
]);

function event(line: CaddyLine, inner: string): Finding {
  const health = healthTexts.get(line.text);
  const upstream =
    jsonText(line.fields['host']) ?? jsonText(line.fields['address']) ?? jsonText(line.fields['upstream']);
  const facts = { ...factsOf(line, 'event'), joins: null };
  if (health === undefined) return findingOf(facts, harmlessVerdict);
  const evidence = [inner === '' ? line.text : `${line.text}: ${inner.slice(0, 200)}`];
  const sentence = upstream === null ? `${health}.` : `${health}: ${upstream}.`;
  return findingOf({ ...facts, upstream, evidence }, { ...harmlessVerdict, sentence });
}
