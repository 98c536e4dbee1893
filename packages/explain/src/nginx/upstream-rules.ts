import type { Stage } from '../../../failures/src/stage.ts';
import { judgeConnect, judgeTimeout, lineEvidence } from './connect-rules.ts';
import { errnoSense } from './errno.ts';
import type { NginxErrorLine } from './error-line.ts';
import { stageOf } from './error-line.ts';
import type { FixContext } from './fixes.ts';
import { checkAddress, fix, keepApplicationConnected, readErrorLog } from './fixes.ts';
import { judgeTls } from './tls-rules.ts';
import type { NginxVerdict } from './verdict.ts';
import { failed, harmless } from './verdict.ts';

/** The stage on the application's side, if the action has one. */
function upstreamStage(line: NginxErrorLine): Stage | null {
  const stage = stageOf(line.action);
  // While nginx sends to the client, it reads the response from the application.
  if (line.action === 'sending to client' && /^(?:upstream |recv\(\)|readv\(\)|SSL_read\(\))/.test(line.text))
    return 'body';
  return stage === 'client' ? null : stage;
}

/** Lines about the way to the application, from the name lookup to the last byte of the response. */
export function judgeUpstream(line: NginxErrorLine, context: FixContext): NginxVerdict | null {
  const { text } = line;
  const stage = upstreamStage(line);
  if (/^upstream (?:request )?timed out/.test(text) && line.action === null && line.client === null)
    return cutTimeout(line, context);
  if (/^upstream (?:request )?timed out/.test(text) || (line.isStream && text.startsWith('connection timed out')))
    return judgeTimeout(line, context, stage);
  if (text.startsWith('connect() ') && (line.client !== null || isCutInConnect(line)) && !isOfLua(line))
    return judgeConnect(line, context);
  if (text.startsWith('proxy_connect: '))
    return text.includes('timed out') ? judgeTimeout(line, context, 'connect') : judgeConnect(line, context);
  if (text.startsWith('socket() failed') && line.upstream !== null) return judgeConnect(line, context);
  if (text.startsWith('no live upstreams')) return noneAlive(line, context);
  // The OCSP status of the gateway's own certificate comes from its authority, not from an application.
  if (text.includes(' could not be resolved ('))
    return line.action?.startsWith('requesting certificate status') === true
      ? harmless('event')
      : judgeResolution(line);
  const tls = judgeTls(line, context, stage);
  if (tls !== null) return tls;
  if (/^upstream prematurely closed |^upstream closed |^upstream prematurely closed$/.test(text))
    return brokenOff(line, context, stage);
  if (text.startsWith('upstream rejected request with error ') || text.startsWith('upstream sent goaway with error ')) {
    return brokenOff(line, context, stage);
  }
  return judgeSocketCall(line, context, stage) ?? judgeNumber(line, context, stage);
}

/** Words of nginx with others before them: the error's number and the action decide. */
function judgeNumber(line: NginxErrorLine, context: FixContext, stage: Stage | null): NginxVerdict | null {
  const sense = line.errno === null ? null : errnoSense(line.errno);
  const isGrave = /^(?:error|crit|alert)$/.test(line.level);
  if (sense === null || stage === null || !isGrave || line.client === null || isOfLua(line)) return null;
  if (!ownCall.test(line.text)) return null;
  if (sense === 'timed_out') return judgeTimeout(line, context, stage);
  return stage === 'connect' || sense === 'refused' ? judgeConnect(line, context) : brokenOff(line, context, stage);
}

const ownCall =
  /\bupstream timed out \(|\b(?:connect|recv|recvmsg|send|sendmsg|writev|readv|SSL_read|SSL_write)\(\) (?:to \S{1,200} )?failed \(/;

/** Only the action tells a connection that could not be made from a response that did not come. */
function cutTimeout(line: NginxErrorLine, context: FixContext): NginxVerdict {
  return failed({
    shape: 'unknown',
    type: null,
    stage: null,
    whose: null,
    evidence: lineEvidence(line),
    sentence: 'A timeout of nginx ran out. The line ends before it says whether nginx was connecting or waiting.',
    fix: checkAddress('Read the whole line: the words after "while" decide', context),
  });
}

/** A pasted line may end where the terminal did: then the fields are missing, and the action is incomplete. */
const isCutInConnect = (line: NginxErrorLine): boolean =>
  /^connecting(?: to upstream)?(?:, ?[a-z]{0,6})? ?(?:…|\.\.\.)?$/.test(line.action ?? '');

/** Connections that Lua code opens by itself do not carry the request to the application. */
const isOfLua = (line: NginxErrorLine): boolean =>
  line.whole.includes(', context: ngx.timer') || line.text.startsWith('lua ');

/** `recv() failed (104: …) while reading response header from upstream` and similar lines. */
function judgeSocketCall(line: NginxErrorLine, context: FixContext, stage: Stage | null): NginxVerdict | null {
  const isCall =
    /^(?:recv|recvmsg|send|sendmsg|writev|readv|sendfile|kevent|SSL_read|SSL_write|SSL_shutdown)\(\) /.test(line.text);
  if (!isCall || stage === null || isOfLua(line)) return null;
  const sense = line.errno === null ? null : errnoSense(line.errno);
  // UDP has no connection: sending shows that nothing listens.
  if (stage === 'connect' || sense === 'refused') return judgeConnect(line, context);
  if (sense === 'timed_out') return judgeTimeout(line, context, stage);
  // With TLS 1.3 the application may refuse the gateway's certificate only after the handshake.
  if (/^SSL_(?:read|write)\(\)/.test(line.text) && /\balert\b/.test(line.text))
    return judgeTls(line, context, 'tls') ?? brokenOff(line, context, stage);
  return brokenOff(line, context, stage);
}

function brokenOff(line: NginxErrorLine, context: FixContext, stage: Stage | null): NginxVerdict {
  const hasBegun = stage === 'body';
  return failed({
    shape: 'reset',
    type: hasBegun ? 'http_response_incomplete' : 'connection_terminated',
    stage: stage ?? 'response',
    whose: 'application',
    evidence: line.errnoText === null ? lineEvidence(line) : [line.errnoText, ...lineEvidence(line)],
    sentence: hasBegun
      ? 'The application closed the connection in the middle of its response: the client got an incomplete response, whatever its status.'
      : 'The application accepted the connection, and closed it before it answered.',
    fix: keepApplicationConnected(context),
  });
}

function noneAlive(line: NginxErrorLine, context: FixContext): NginxVerdict {
  return failed(
    {
      shape: 'refused_by_gateway',
      type: 'destination_unavailable',
      stage: 'route',
      whose: 'application',
      evidence: lineEvidence(line),
      sentence:
        'Every server of the upstream is out after earlier failures, so no server was contacted. The cause is in the lines before.',
      fix: fix(
        'Fix the first failures before this line; with a single application, switch the counting of failures off',
        context.product === 'nginx' || context.product === 'openresty' ? 'server HOST:PORT max_fails=0;' : null,
      ),
    },
    true,
  );
}

function judgeResolution(line: NginxErrorLine): NginxVerdict {
  const number = line.errno;
  const isLate = number !== null && errnoSense(number) === 'timed_out';
  return failed({
    shape: 'unreachable',
    type: isLate ? 'dns_timeout' : 'dns_error',
    stage: 'dns',
    whose: number === 3 ? 'operator' : 'network',
    evidence: lineEvidence(line),
    sentence: isLate
      ? "The name server did not answer in time, so the application's address is not known."
      : number === 3
        ? "The name does not exist on the name server, so the application's address is not known."
        : "The name server returned no address for the application's name.",
    fix: isLate
      ? fix(
          'Set `resolver` to a name server that the gateway can reach',
          'resolver 10.0.0.2 valid=10s;\nresolver_timeout 5s;',
        )
      : fix(
          'Correct the name, and set `resolver` to a name server that has it (nginx does not read /etc/hosts here)',
          'resolver 10.0.0.2 valid=10s;',
        ),
  });
}

/** Any other error about an upstream is `unknown`. */
export function judgeUnfamiliar(line: NginxErrorLine, context: FixContext): NginxVerdict {
  const isGrave = /^(?:error|crit|alert|emerg)$/.test(line.level);
  if (!isGrave || line.upstream === null || upstreamStage(line) === null)
    return harmless(line.client === null ? 'event' : 'error');
  return failed({
    shape: 'unknown',
    type: null,
    stage: upstreamStage(line),
    whose: null,
    evidence: lineEvidence(line),
    sentence: 'The request failed on the way to the application, with an error that Candor does not know.',
    fix: line.level === 'error' ? checkAddress('Read the lines around it', context) : readErrorLog(context.product),
  });
}
