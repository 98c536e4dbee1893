import { isoTimeMs } from '../json-fields.ts';
import { requestOf } from '../line-text.ts';
import type { EnvoyExchange } from './exchange.ts';
import { looksLikeFlags } from './flags.ts';

interface Token {
  readonly text: string;
  readonly isQuoted: boolean;
}

const tokensMax = 60;

/** The end of a quoted field: the quotation mark before a space or the end of the line. Envoy escapes none inside. */
function quotedEnd(line: string, from: number): number {
  for (let at = line.indexOf('"', from); at >= 0; at = line.indexOf('"', at + 1))
    if (at + 1 >= line.length || line[at + 1] === ' ') return at;
  return line.length;
}

/** Older versions write spaces inside the braces of `upstream_reset_before_response_started{...}`. */
function bareEnd(line: string, from: number): number {
  const space = line.indexOf(' ', from);
  const end = space < 0 ? line.length : space;
  const open = line.indexOf('{', from);
  if (open < 0 || open > end || line.slice(open, end).includes('}')) return end;
  const close = line.indexOf('} ', open);
  return close < 0 ? end : close + 1;
}

function tokensOf(line: string, from: number): readonly Token[] {
  const tokens: Token[] = [];
  for (let at = from; at < line.length && tokens.length < tokensMax; ) {
    if (line[at] === ' ') {
      at += 1;
      continue;
    }
    const isQuoted = line[at] === '"';
    const end = isQuoted ? quotedEnd(line, at + 1) : bareEnd(line, at);
    tokens.push({ text: line.slice(isQuoted ? at + 1 : at, end), isQuoted });
    at = end + (isQuoted ? 1 : 0);
  }
  return tokens;
}

const isCount = (token: Token | undefined): boolean =>
  token !== undefined && !token.isQuoted && /^(?:\d{1,19}|-)$/.test(token.text);

const startTime = /^(?:ACCESS )?\[(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:?\d\d))\] (?=")/;

/** The format: Istio's has more fields than Envoy's own, and names the cluster after the host. */
interface TextLine {
  readonly exchange: EnvoyExchange;
  readonly isIstio: boolean;
}

/**
 * Envoy's default format (Emissary writes ACCESS before it), and Istio's. Time, request, code and flags; optionally
 * details and reason; bytes received, bytes sent and duration; the service time; five quoted fields, the host last; then
 * Istio's additional fields.
 */
export function textLine(line: string): TextLine | null {
  const time = startTime.exec(line);
  if (time === null) return null;
  const [request, code, flags, ...rest] = tokensOf(line, time[0].length);
  if (request === undefined || code === undefined || flags === undefined || !request.isQuoted) return null;
  if (flags.isQuoted || !/^(?:\d{1,3}|-)$/.test(code.text) || !looksLikeFlags(flags.text)) return null;
  const counts = rest.findIndex((_, at) => isCount(rest[at]) && isCount(rest[at + 1]) && isCount(rest[at + 2]));
  if (counts < 0) return null;
  return build(line, { time: time[1] ?? '', request: request.text, code: code.text, flags: flags.text }, rest, counts);
}

interface Head {
  readonly time: string;
  readonly request: string;
  readonly code: string;
  readonly flags: string;
}

function build(line: string, head: Head, rest: readonly Token[], counts: number): TextLine {
  const between = rest.slice(0, counts);
  const quoted = rest.slice(counts + 3).filter(({ isQuoted }) => isQuoted);
  const hostAt = quoted.length >= 5 ? rest.indexOf(quoted[4] as Token) : -1;
  const details = between.find(({ isQuoted }) => !isQuoted);
  const reason = between.findLast(({ isQuoted }) => isQuoted);
  const isTcp = head.request.startsWith('- - -');
  const exchange: EnvoyExchange = {
    flags: head.flags === '-' ? [] : head.flags.split(','),
    flagsText: head.flags,
    details: present(details?.text),
    reason: present(reason?.text),
    code: number(head.code),
    isTcp,
    request: isTcp ? null : requestOf(head.request),
    host: present(rest[hostAt]?.text),
    namesHost: hostAt >= 0,
    cluster: hostAt < 0 ? null : present(rest[hostAt + 1]?.text),
    serviceTimeMs: number(rest[counts + 3]?.isQuoted === false ? rest[counts + 3]?.text : undefined),
    durationMs: number(rest[counts + 2]?.text),
    requestId: quoted.length >= 5 ? present(quoted[2]?.text) : null,
    atMs: isoTimeMs(head.time),
  };
  return { exchange, isIstio: between.length >= 2 || /\b(?:in|out)bound\|\d/.test(line) };
}

function present(text: string | undefined): string | null {
  return text === undefined || text === '-' || text === '' ? null : text;
}

function number(text: string | undefined): number | null {
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : null;
}
