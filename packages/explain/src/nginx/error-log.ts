import { requestOf } from '../line-text.ts';
import { requestCharactersMax } from '../verdict.ts';
import type { Dialect } from '../dialect.ts';
import { dialect } from '../dialect.ts';
import type { Finding } from '../finding.ts';
import { judgeAnswer, judgeUnfamiliar, judgeUpstream } from './upstream-rules.ts';
import { judgeClient, judgeStart } from './client-rules.ts';
import { type NginxErrorLine, parseErrorLine, LimitedMap } from './error-line.ts';
import { moduleOf } from './fixes.ts';
import { judgeGateway, judgeTunnel } from './gateway-rules.ts';
import { type NginxProduct, type NginxVerdict, harmless } from './verdict.ts';

/** The rules for one line: the first rule that matches decides. */
function judge(line: NginxErrorLine): NginxVerdict {
  const context = { product: line.product, module: moduleOf(line.upstream), isStream: line.isStream };
  if (line.level === 'debug') return harmless('event');
  if (line.level === 'emerg' && line.client === null) return judgeStart(line.text);
  if (line.text.startsWith('upstream server temporarily disabled')) {
    return harmless('event', 'nginx takes this server out for a while, since its failures have reached `max_fails`.');
  }
  if (line.isStream && line.level === 'info') return harmless('event');
  const ofTunnel = judgeTunnel(line);
  if (ofTunnel !== null) return ofTunnel;
  // Rules about the upstream come before rules about the action: nginx may have been sending to the client at that moment.
  return (
    (line.text.startsWith('upstream ') ? (judgeAnswer(line, context) ?? judgeUpstream(line, context)) : null) ??
    judgeClient(line) ??
    judgeGateway(line, context) ??
    judgeAnswer(line, context) ??
    judgeUpstream(line, context) ??
    judgeUnfamiliar(line, context)
  );
}

const verdicts = new LimitedMap<string, NginxVerdict>();

/** The same verdict for lines that differ in their times, clients, requests and upstreams only. */
function verdictOf(line: NginxErrorLine): NginxVerdict {
  // The text after the message decides only in what Lua code writes.
  const { upstream, sayingId } = line;
  if (line.product !== 'nginx' || line.client === null || sayingId === null) return judge(line);
  const socket = upstream?.includes('unix:') === true ? 'unix' : 'tcp';
  const key = `${line.level} ${line.isStream ? 's' : 'h'} ${schemeOf(upstream)} ${socket} ${sayingId}`;
  return verdicts.get(key) ?? verdicts.keep(key, judge(line));
}

export const upstreamCharactersMax = 200;

/** `http:/`, `fastcgi:/`: what the fixes depend on. */
export function schemeOf(upstream: string | null): string {
  return upstream === null ? '-' : upstream.slice(0, upstream.indexOf('/') + 1).slice(0, 12);
}

/** The request line of a line as a finding has it. */
export function requestOfLine(request: string | null): string | null {
  return (request === null ? null : requestOf(request))?.slice(0, requestCharactersMax) ?? null;
}

function read(text: string): Finding | null {
  const line = parseErrorLine(text);
  if (line === null) return null;
  const verdict = verdictOf(line);
  // Written out: `findingOf` spreads both, which costs as much as reading the line.
  return {
    confidence: 'certain',
    atMs: line.atMs,
    status: null,
    upstream: line.upstream === null ? null : line.upstream.slice(0, upstreamCharactersMax),
    durationMs: null,
    evidence: verdict.evidence,
    joins: joinsOf(line),
    isConsequence: verdict.isConsequence,
    gateway: line.product,
    format: formats[line.product],
    kind: verdict.kind,
    request: requestOfLine(line.request),
    shape: verdict.shape,
    type: verdict.type,
    stage: verdict.stage,
    born: verdict.born,
    whose: verdict.whose,
    sentence: verdict.sentence,
    fix: verdict.fix,
  };
}

export const errorLogFormat = 'nginx error log';

const formats: Readonly<Record<NginxProduct, string>> = {
  nginx: errorLogFormat,
  openresty: 'openresty error log',
  'ingress-nginx': 'ingress-nginx error log',
  kong: 'kong error log',
  apisix: 'apisix error log',
};

function joinsOf({ requestId, connection }: NginxErrorLine): string | null {
  if (requestId !== null) return `request ${requestId}`;
  return connection === null ? null : `connection ${connection}`;
}

/** One dialect for each product, so that the lines of a mixed file keep their product: each line belongs to exactly one. */
export function errorLogOf(product: NginxProduct): Dialect {
  return dialect(product, `${product} error log`, (line) => (parseErrorLine(line)?.product === product ? 2 : 0), read);
}
