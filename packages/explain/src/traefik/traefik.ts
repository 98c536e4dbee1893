import { type Dialect, dialect } from '../dialect.ts';
import type { Finding, LineKind } from '../finding.ts';
import { type JsonLine, jsonLine, isoTimeMs, jsonText, parseLogfmt } from '../json-fields.ts';
import { judgedText } from '../line-text.ts';
import { isJsonAccess, readCommonLine, readJsonAccess } from './access-line.ts';
import { type GoError, readGoError, readGoErrorInContent } from '../go-errors.ts';
import { clientLeftVerdict, unknownVerdict, findingOf, type Verdict, harmlessVerdict } from '../verdict.ts';
import { raiseLevel, traefikFixes } from './access-verdict.ts';

interface Recognised {
  readonly line: TraefikLine;
  /** 2: Traefik wrote it. 1: another program with the same library may have written it. */
  readonly certainty: 1 | 2;
}

const ownTexts =
  /^'?\d{3} [A-Z][A-Za-z ]{2,40}(?:' caused by: |$)|vulcand\/oxy|traefik|Health check (?:failed|still|up)|Error while (?:dialing|connecting to) backend|Error while handling TCP/i;
const errorLevel = /^(?:error|fatal|panic)$/;
const ownFields = ['entryPointName', 'routerName', 'serviceName', 'middlewareName', 'middlewareType', 'providerName'];

/** time="2026-09-21T10:00:00Z" level=debug msg="...": versions 1 and 2. */
function logfmtLine(line: string): Recognised | null {
  if (!/^time="?\d{4}-\d\d-\d\dT[^"\s]{8,24}"? level=[a-z]{4,7} msg=/.test(line)) return null;
  const pairs = parseLogfmt(line);
  const text = pairs.get('msg') ?? '';
  const service = pairs.get('serviceName') ?? pairs.get('backendName') ?? null;
  const isOwn = ownTexts.test(text) || ownFields.some((name) => pairs.has(name));
  const read: TraefikLine = {
    form: 'logfmt',
    atMs: isoTimeMs(pairs.get('time')),
    isError: errorLevel.test(pairs.get('level') ?? ''),
    text,
    error: pairs.get('error') ?? '',
    service,
  };
  return { line: read, certainty: isOwn ? 2 : 1 };
}

const consoleHead =
  /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)) (TRC|DBG|INF|WRN|ERR|FTL|PNC) (?:(\S{1,200}\.go:\d{1,6}) > )?/;

/** 2026-09-21T10:00:00Z DBG github.com/traefik/.../proxy.go:121 > text error="...": version 3. */
function consoleLine(coloured: string): Recognised | null {
  if (!/^(?:\d{4}-\d\d-|\x1b)/.test(coloured)) return null;
  const line = coloured.includes('\x1b') ? coloured.replace(/\x1b\[[\d;]{0,12}m/g, '') : coloured;
  const head = consoleHead.exec(line);
  if (head === null) return null;
  const rest = line.slice(head[0].length);
  const fieldsAt = rest.search(/ [A-Za-z][A-Za-z0-9_.-]{0,40}=/);
  const text = fieldsAt < 0 ? rest : rest.slice(0, fieldsAt);
  const pairs = fieldsAt < 0 ? new Map<string, string>() : parseLogfmt(rest.slice(fieldsAt + 1));
  const isOwn = (head[3] ?? '').includes('traefik') || ownTexts.test(text) || ownFields.some((name) => pairs.has(name));
  const service = pairs.get('serviceName') ?? null;
  const read: TraefikLine = {
    form: 'console',
    atMs: isoTimeMs(head[1]),
    isError: /^(?:ERR|FTL|PNC)$/.test(head[2] ?? ''),
    text,
    error: pairs.get('error') ?? '',
    service,
  };
  return { line: read, certainty: isOwn ? 2 : 1 };
}

/** {"level":"debug","error":"...","time":"...","message":"..."}: version 3; `msg` in versions 1 and 2. */
function jsonLogLine(fields: JsonLine): Recognised | null {
  const text = jsonText(fields['message']) ?? jsonText(fields['msg']);
  if (text === null || typeof fields['level'] !== 'string' || isoTimeMs(fields['time']) === null) return null;
  const error = jsonText(fields['error']) ?? '';
  // Many programs write such lines: without a mark of Traefik's the line is not recognised.
  const isOwn = ownFields.some((name) => name in fields) || (jsonText(fields['caller']) ?? '').includes('/traefik/');
  if (!isOwn && !ownTexts.test(text)) return null;
  const service = jsonText(fields['serviceName']);
  const isError = errorLevel.test(fields['level']);
  return { line: { form: 'JSON', atMs: isoTimeMs(fields['time']), isError, text, error, service }, certainty: 2 };
}

/** A line of Traefik's own log, of any version and in any format. */
interface TraefikLine {
  readonly form: 'logfmt' | 'console' | 'JSON';
  readonly atMs: number | null;
  /** Whether its level is `error` or above. */
  readonly isError: boolean;
  readonly text: string;
  /** The fields that newer versions write beside the text; empty if there are none. */
  readonly error: string;
  readonly service: string | null;
}

/** Versions 1 and 2 write "'502 Bad Gateway' caused by: EOF", version 3 "502 Bad Gateway" with the cause in a field. */
const causedBy = /^'(\d{3}) [A-Za-z ]{2,40}' caused by: (.{1,4000})$/s;
const statusText = /^(\d{3}) [A-Z][A-Za-z ]{1,40}$/;

/** Texts for requests that failed, or for connections of TCP routers. */
const dialTexts = /^Error while (?:connecting to|dialing) backend|^Error while handling TCP connection/;
const copyTexts =
  /^(?:httputil: )?ReverseProxy read error during body copy|^reverseproxy: |^Error while copying response/i;

function readTraefikLine(line: TraefikLine): Finding {
  const older = causedBy.exec(line.text);
  if (older !== null)
    return failed(line, { status: Number(older[1]), known: readGoError(older[2] ?? ''), text: line.text });
  const newer = line.error === '' ? null : statusText.exec(line.text);
  if (newer !== null) {
    const text = `${line.text} error="${line.error}"`;
    return failed(line, { status: Number(newer[1]), known: readGoError(line.error), text });
  }
  return withoutStatus(line);
}

function withoutStatus(line: TraefikLine): Finding {
  const whole = line.error === '' ? line.text : `${line.text}: ${line.error}`;
  if (copyTexts.test(line.text)) return failed(line, { status: null, known: readGoErrorInContent(whole), text: whole });
  const isClient = line.text.includes('http: TLS handshake error from');
  if (isClient || dialTexts.test(line.text))
    return failed(line, { status: null, known: readGoError(whole), text: whole });
  const passed = roundTrip.exec(line.text);
  if (passed !== null) return ofRoundTrip(line, Number(passed[2]), passed[1] ?? null, passed[0]);
  return findingOf({ ...factsOf(line, 'event'), ...healthWords(whole) }, harmlessVerdict);
}

/** Version 2 at level `debug`: "Round trip: URL, code: 504, Length: 15, duration: 30s", whoever wrote that status. */
const roundTrip = /\bRound trip: (\S{1,300}), code: (\d{3})\b/;

function ofRoundTrip(line: TraefikLine, status: number, upstream: string | null, words: string): Finding {
  const facts = { ...factsOf(line, 'access'), status, upstream };
  if (status === 499)
    return findingOf(
      { ...facts, evidence: [words] },
      clientLeftVerdict('The client left before Traefik had answered.'),
    );
  if (status < 500) return findingOf(facts, harmlessVerdict);
  const sentence = `The client got ${status}; this line does not say whether Traefik or the application wrote it.`;
  return findingOf({ ...facts, evidence: [words] }, unknownVerdict('reverse-proxy', sentence, raiseLevel));
}

function healthWords(text: string): { readonly evidence: readonly string[] } {
  return { evidence: /^Health ?check/i.test(text) ? [text.slice(0, 240)] : [] };
}

function factsOf(line: TraefikLine, kind: LineKind) {
  const gateway = 'traefik' as const;
  return { gateway, format: `Traefik log (${line.form})`, kind, atMs: line.atMs, upstream: line.service };
}

interface Failed {
  readonly status: number | null;
  readonly known: GoError | null;
  readonly text: string;
}

function failed(line: TraefikLine, { status, known, text }: Failed): Finding {
  const facts = { ...factsOf(line, 'error'), status, evidence: [text.slice(0, 280)] };
  if (known === null) return findingOf(facts, unknownFailure);
  const { shape, type, stage, born, whose, sentence, cause, endpoint } = known;
  const verdict: Verdict = { shape, type, stage, born, whose, sentence, fix: traefikFixes[cause] };
  return findingOf({ ...facts, upstream: endpoint ?? facts.upstream }, verdict);
}

const unknownFailure: Verdict = {
  ...harmlessVerdict,
  shape: 'unknown',
  born: 'reverse-proxy',
  sentence: 'Traefik could not answer a request, for a reason that Candor does not know.',
  fix: raiseLevel,
};

const common = dialect(
  'traefik',
  'Traefik access log (CLF)',
  (line) => (readCommonLine(judgedText(line)) === null ? 0 : 2),
  (line) => readCommonLine(judgedText(line)),
);

function ofJson(line: string): JsonLine | null {
  return line.startsWith('{') ? jsonLine(judgedText(line)) : null;
}

const json = dialect(
  'traefik',
  'Traefik access log (JSON)',
  (line) => {
    const object = ofJson(line);
    return object !== null && isJsonAccess(object) ? 2 : 0;
  },
  (line) => {
    const object = ofJson(line);
    return object !== null && isJsonAccess(object) ? readJsonAccess(object) : null;
  },
);

function recognised(line: string): Recognised | null {
  const text = judgedText(line);
  if (text.startsWith('time=')) return logfmtLine(text);
  const object = ofJson(line);
  if (object !== null) return isJsonAccess(object) ? null : jsonLogLine(object);
  return consoleLine(text);
}

const own = dialect(
  'traefik',
  'Traefik log',
  (line) => recognised(line)?.certainty ?? 0,
  (line): Finding | null => {
    const read = recognised(line);
    if (read === null || (read.certainty < 2 && read.line.isError)) return null;
    return readTraefikLine(read.line);
  },
);

/** Traefik's access log in both formats, and its own log of versions 1 to 3. */
export const traefikDialects: readonly Dialect[] = [common, json, own];
