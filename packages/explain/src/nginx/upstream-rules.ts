import type { Stage } from '../../../failures/src/stage.ts';
import { judgeConnect, judgeTimeout, lineEvidence, errnoSense } from './connect-rules.ts';
import { type NginxErrorLine, stageOf } from './error-line.ts';
import {
  type FixContext,
  checkAddress,
  fix,
  keepApplicationConnected,
  readErrorLog,
  enlargeHeadBuffer,
} from './fixes.ts';
import { judgeTls } from './client-rules.ts';
import { type NginxVerdict, failed, harmless, answeredSo } from './verdict.ts';
import type { ProxyErrorType } from '../../../failures/src/proxy-error.ts';

/** Lines about the application's response. */
export function judgeAnswer(line: NginxErrorLine, context: FixContext): NginxVerdict | null {
  const { text } = line;
  if (text.startsWith('FastCGI sent in stderr: ') || text.startsWith('uwsgi sent in stderr'))
    return applicationSaid(line);
  if (!/^(?:upstream|memcached sent) /.test(text)) return null;
  // `goaway` is HTTP/2's GOAWAY: the response is broken off, and its form is valid.
  if (text.startsWith('upstream sent goaway')) return null;
  if (text.startsWith('upstream sent more data than specified in'))
    return harmless('error', 'The application sent more bytes than it had announced; nginx dropped the rest.');
  const type = typeOf(text);
  if (type === null) return null;
  // nginx logs an error if it gives up on a response. With a warning it only leaves out the invalid part.
  if (line.level === 'warn')
    return harmless('error', 'A part of the response head was invalid; nginx left it out and passed on the response.');
  const stage = stageOf(line.action);
  return failed({
    shape: 'garbage',
    type,
    stage: stage === null || stage === 'client' ? 'response' : stage,
    whose: type === 'http_response_header_section_size' ? 'operator' : 'application',
    evidence: lineEvidence(line),
    sentence: sentenceOf(type, text),
    fix: fixOf(type, text, context),
  });
}

/** The beginnings of nginx's messages about a response, and their verdicts; the first that matches counts. */
const types: readonly (readonly [string, ProxyErrorType])[] = [
  ['upstream sent too big header', 'http_response_header_section_size'],
  ['upstream sent too large header', 'http_response_header_section_size'],
  ['upstream sent too big trailer', 'http_response_trailer_section_size'],
  ['upstream sent invalid trailer', 'http_protocol_error'],
  ['upstream sent unknown "Transfer-Encoding"', 'http_response_transfer_coding'],
  ['upstream sent invalid "Transfer-Encoding"', 'http_response_transfer_coding'],
  ['upstream sent "Content-Length" and "Transfer-Encoding"', 'http_response_transfer_coding'],
  ['upstream sent "Transfer-Encoding"', 'http_response_transfer_coding'],
  ['upstream sent invalid chunked response', 'http_response_transfer_coding'],
  ['upstream sent data after final chunk', 'http_response_transfer_coding'],
  ['upstream sent response body larger than indicated', 'http_protocol_error'],
  ['upstream response is too big', 'http_response_body_size'],
  ['upstream prematurely sent response', 'http_protocol_error'],
  ['upstream sent ', 'http_protocol_error'],
  ['memcached sent ', 'http_protocol_error'],
  ['upstream returned invalid', 'http_protocol_error'],
];

function typeOf(text: string): ProxyErrorType | null {
  return types.find(([start]) => text.startsWith(start))?.[1] ?? null;
}

function sentenceOf(type: ProxyErrorType, text: string): string {
  if (type === 'http_response_header_section_size') {
    return "The head of the application's response is larger than nginx's buffer for it.";
  }
  if (type === 'http_response_trailer_section_size')
    return "The trailer of the application's response is larger than nginx accepts.";
  if (type === 'http_response_transfer_coding')
    return "The length of the application's response is ambiguous: nginx may not guess where it ends.";
  if (type === 'http_response_body_size') return 'The response is larger than nginx may store.';
  if (isOtherProtocol(text)) return 'The upstream speaks another protocol than the one configured for it.';
  if (text.startsWith('upstream prematurely sent')) return 'The application sent a response before it got a request.';
  return "The application's response is not valid HTTP.";
}

const isOtherProtocol = (text: string): boolean =>
  /no valid HTTP\/1\.0 header|FastCGI (?:record|protocol)|too large http2 frame|unexpected http2 frame|invalid http2|invalid status/i.test(
    text,
  );

function fixOf(type: ProxyErrorType, text: string, context: FixContext): NginxVerdict['fix'] {
  if (type === 'http_response_header_section_size') return enlargeHeadBuffer(context);
  if (isOtherProtocol(text)) {
    return fix(
      `Check that \`${context.module}_pass\` names the port of an application that speaks that protocol: HTTP, FastCGI, uwsgi and gRPC each need their own directive`,
      context.module === 'fastcgi' || context.module === 'uwsgi' || context.module === 'grpc'
        ? 'proxy_pass http://HOST:PORT;'
        : null,
    );
  }
  if (type === 'http_response_transfer_coding') {
    return fix('Have the application send either `Content-Length` or `Transfer-Encoding: chunked`, never both', null);
  }
  return fix("Correct the application's response; the line names the header or the bytes", null);
}

function applicationSaid(line: NginxErrorLine): NginxVerdict {
  if (line.text.includes('Primary script unknown')) {
    return {
      ...harmless('error', 'PHP did not find the script and answered with a 404.'),
      evidence: ['Primary script unknown'],
      fix: fix(
        'Give `SCRIPT_FILENAME` the path as PHP sees it',
        'fastcgi_param SCRIPT_FILENAME $document_root$fastcgi_script_name;',
      ),
    };
  }
  if (/PHP (?:Fatal|Parse|Recoverable fatal) error|Uncaught /.test(line.text)) {
    return answeredSo([line.text.slice(0, 200)], 'error', 'The application itself failed and logged it.');
  }
  return harmless('error', 'The application wrote this to its error output; the gateway only logged it.');
}

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
