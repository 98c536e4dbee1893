import { isoTimeMs, type JsonLine, jsonText } from '../json-fields.ts';
import { parseLogfmt } from '../logfmt.ts';
import type { TraefikLine } from './error-line.ts';

export interface Recognised {
  readonly line: TraefikLine;
  /** 2: Traefik wrote it. 1: another program with the same library may have written it. */
  readonly certainty: 1 | 2;
}

const ownTexts =
  /^'?\d{3} [A-Z][A-Za-z ]{2,40}(?:' caused by: |$)|vulcand\/oxy|traefik|Health check (?:failed|still|up)|Error while (?:dialing|connecting to) backend|Error while handling TCP/i;
const errorLevel = /^(?:error|fatal|panic)$/;
const ownFields = ['entryPointName', 'routerName', 'serviceName', 'middlewareName', 'middlewareType', 'providerName'];

/** time="2026-09-21T10:00:00Z" level=debug msg="...": versions 1 and 2. */
export function logfmtLine(line: string): Recognised | null {
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
export function consoleLine(coloured: string): Recognised | null {
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
export function jsonLogLine(fields: JsonLine): Recognised | null {
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
