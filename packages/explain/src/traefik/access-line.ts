import type { Finding } from '../finding.ts';
import { isoTimeMs, type JsonLine, jsonNumber, jsonObject, jsonText } from '../json-fields.ts';
import { commonLogTimeMs, requestOf, wholeNumber } from '../line-text.ts';
import { findingOf } from '../verdict.ts';
import { judgeAccess, type TraefikAccess } from './access-verdict.ts';

interface AccessFacts extends TraefikAccess {
  readonly atMs: number | null;
  readonly request: string | null;
}

function findingOfAccess({ atMs, request, ...access }: AccessFacts, form: string): Finding {
  const { verdict, evidence } = judgeAccess(access);
  const { status, server, durationMs } = access;
  return findingOf(
    {
      gateway: 'traefik',
      format: `Traefik access log (${form})`,
      kind: 'access',
      atMs,
      status: status === 0 ? null : status,
      upstream: server,
      request,
      durationMs,
      evidence,
    },
    verdict,
  );
}

const head = /^(\S{1,255}) \S{1,32} (\S{1,255}(?: \S{1,64}){0,4}?) \[([^\]]{20,40})\] "/;
const middle = /^ (\d{1,3}|-) (\d{1,19}|-) /;
const tail = / (\d{1,19}|-) ("[^"]{0,500}"|-) ("[^"]{0,2000}"|-) (\d{1,12})ms$/;

/** The common format followed by Traefik's four fields: count, router, server, milliseconds. Null for other lines. */
export function readCommonLine(line: string): Finding | null {
  if (!line.endsWith('ms')) return null;
  const last = tail.exec(line);
  const first = last === null ? null : head.exec(line);
  if (last === null || first === null) return null;
  const requestEnd = endOfRequest(line, first[0].length);
  const counts = middle.exec(line.slice(requestEnd + 1));
  if (requestEnd < 0 || counts === null) return null;
  // Referrer and user agent stand between them. Without these the line is another program's common format.
  if (last.index < requestEnd + 1 + counts[0].length) return null;
  const requestLine = line.slice(first[0].length, requestEnd);
  const access: AccessFacts = {
    atMs: commonLogTimeMs(first[3] ?? ''),
    request: requestOf(requestLine),
    method: requestLine.split(' ', 1)[0] ?? null,
    status: wholeNumber(counts[1]),
    sizeBytes: wholeNumber(counts[2]),
    router: quoted(last[2]),
    server: quoted(last[3]),
    namesServer: true,
    durationMs: wholeNumber(last[4]),
    applicationSign: null,
  };
  return findingOfAccess(access, 'CLF');
}

/** A path may contain an unescaped quotation mark. The text after the request is its status. */
function endOfRequest(line: string, from: number): number {
  for (let at = line.indexOf('"', from); at >= 0; at = line.indexOf('"', at + 1))
    if (middle.test(line.slice(at + 1, at + 40))) return at;
  return -1;
}

function quoted(text: string | undefined): string | null {
  const inner = (text ?? '-').replaceAll('"', '');
  return inner === '' || inner === '-' ? null : inner;
}

export function isJsonAccess(line: JsonLine): boolean {
  return 'DownstreamStatus' in line || ('OriginStatus' in line && 'RequestMethod' in line);
}

export function readJsonAccess(line: JsonLine): Finding {
  const method = text(line['RequestMethod']);
  const path = text(line['RequestPath']);
  const durationNs = jsonNumber(line['Duration']);
  const access: AccessFacts = {
    atMs:
      isoTimeMs(line['StartUTC']) ??
      isoTimeMs(line['StartLocal']) ??
      isoTimeMs(line['time']) ??
      isoTimeMs(line['@timestamp']),
    request: method === null || path === null ? null : requestOf(`${method} ${path}`),
    method,
    status: jsonNumber(line['DownstreamStatus']) ?? jsonNumber(line['OriginStatus']),
    sizeBytes: sizeOf(line),
    router: text(line['RouterName']) ?? text(line['FrontendName']),
    server: jsonNumber(line['OriginDuration']) === 0 ? null : serverOf(line),
    // The configuration may leave out fields. A missing field means nothing, unless its neighbours are there.
    // Time at an origin shows that there was one, so that its name was left out.
    namesServer: serverOf(line) !== null || jsonNumber(line['OriginDuration']) === 0,
    durationMs: durationNs === null ? null : durationNs / 1_000_000,
    applicationSign: signOf(line),
  };
  return findingOfAccess(access, 'JSON');
}

/** The size of the origin's body, if logged: a middleware may have replaced the body with an error page. */
function sizeOf(line: JsonLine): number | null {
  const isSame = jsonNumber(line['OriginStatus']) === jsonNumber(line['DownstreamStatus']);
  const origin = isSame ? jsonNumber(line['OriginContentSize']) : null;
  return origin ?? jsonNumber(line['DownstreamContentSize']);
}

function serverOf(line: JsonLine): string | null {
  for (const name of ['ServiceURL', 'ServiceAddr', 'BackendURL', 'BackendAddr']) {
    // Older versions log the parts of the URL separately.
    const server = text(line[name]) ?? text(jsonObject(line[name])?.['Host']);
    if (server !== null) return server;
  }
  return null;
}

/** The response headers, if the configuration keeps them. Traefik's own responses have none of these. */
function signOf(line: JsonLine): string | null {
  for (const name of [
    'origin_Date',
    'origin_Server',
    'origin_Content-Type',
    'origin_Content-Length',
    'origin_X-Powered-By',
  ]) {
    const value = text(line[name]);
    if (value !== null) return `${name}=${value.slice(0, 80)}`;
  }
  return null;
}

function text(value: unknown): string | null {
  const found = jsonText(value);
  return found === null || found === '' || found === '-' ? null : found;
}
