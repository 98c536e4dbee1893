import { errnoWordOf } from '../apache/error-line.ts';
import type { Verdict } from '../verdict.ts';
import { fixOf } from '../verdict.ts';

const gatewayBorn = { born: 'reverse-proxy' } as const;

const refused: Verdict = {
  ...gatewayBorn,
  shape: 'unreachable',
  type: 'connection_refused',
  stage: 'connect',
  whose: 'application',
  sentence: 'Nothing listens at the address of the backend.',
  fix: fixOf(
    'Start the application, or correct the address and port of the backend',
    'backend default {',
    '    .host = "127.0.0.1";',
    '    .port = "8080";',
    '}',
  ),
};

const connectFailed: Verdict = {
  ...refused,
  type: null,
  whose: null,
  sentence: 'Varnish could not connect to the backend.',
};

const unroutable: Verdict = {
  ...refused,
  type: 'destination_ip_unroutable',
  whose: 'network',
  sentence: 'There is no route from Varnish to the address of the backend.',
  fix: fixOf('Check routes and firewalls between the two, or correct `.host`', 'ip route get ADDRESS'),
};

const connectTimeout: Verdict = {
  ...refused,
  type: 'connection_timeout',
  whose: 'network',
  sentence: 'The backend did not accept the connection within `connect_timeout`.',
  fix: fixOf(
    'Check that packets reach the backend (address, firewall); then raise the timeout',
    'backend default {',
    '    .connect_timeout = 3.5s;',
    '}',
  ),
};

const firstByteTimeout: Verdict = {
  ...gatewayBorn,
  shape: 'too_slow',
  type: 'connection_read_timeout',
  stage: 'response',
  whose: 'application',
  sentence: 'The backend did not begin its answer within `first_byte_timeout`. Varnish calls this a 503.',
  fix: fixOf(
    'Make the application answer sooner, or raise the limit above what it needs',
    'backend default {',
    '    .first_byte_timeout = 120s;',
    '}',
  ),
};

const betweenBytesTimeout: Verdict = {
  ...firstByteTimeout,
  sentence: 'The backend began its response and then sent nothing for longer than `between_bytes_timeout`.',
  fix: fixOf(
    'Have the application send without such pauses, or raise the limit',
    'backend default {',
    '    .between_bytes_timeout = 60s;',
    '}',
  ),
};

const contentTimeout: Verdict = { ...betweenBytesTimeout, stage: 'body' };

const writeTimeout: Verdict = {
  ...firstByteTimeout,
  type: 'connection_write_timeout',
  stage: 'send',
  sentence: 'The backend did not read the request body in time.',
  fix: fixOf('Find out why the application does not read the request'),
};

const closedEarly: Verdict = {
  ...gatewayBorn,
  shape: 'reset',
  type: 'connection_terminated',
  stage: 'response',
  whose: 'application',
  sentence: 'The backend closed the connection before its response had begun.',
  fix: fixOf(
    'Check whether the application crashed; if it only closes idle connections, have Varnish close them sooner than the application does',
    'varnishadm param.set backend_idle_timeout 4',
  ),
};

const closedWhileSending: Verdict = {
  ...closedEarly,
  stage: 'send',
  sentence: 'The backend closed the connection while Varnish was sending it the request.',
};

const cutShort: Verdict = {
  ...gatewayBorn,
  shape: 'reset',
  type: 'http_response_incomplete',
  stage: 'body',
  whose: 'application',
  sentence: 'The backend closed the connection in the middle of its response.',
  fix: fixOf('Read the log of the application at that time: it crashed, was restarted, or broke off the response'),
};

const headTooLarge: Verdict = {
  ...gatewayBorn,
  shape: 'garbage',
  type: 'http_response_header_section_size',
  stage: 'response',
  whose: 'application',
  sentence: "The response head is larger than Varnish's buffer for it.",
  fix: fixOf(
    'Send smaller headers (often cookies), or raise the limits for heads',
    'varnishadm param.set http_resp_size 64k',
    'varnishadm param.set http_resp_hdr_len 16k',
    'varnishadm param.set workspace_backend 128k',
  ),
};

const badAnswer: Verdict = {
  ...headTooLarge,
  type: 'http_protocol_error',
  sentence: "The backend's response is not valid HTTP.",
  fix: fixOf(
    'Send a request directly to the application and look at the first lines of the response: it may not speak HTTP at that port',
    'curl -v http://127.0.0.1:8080/',
  ),
};

const badChunks: Verdict = {
  ...badAnswer,
  type: 'http_response_transfer_coding',
  stage: 'body',
  sentence: 'The chunks of the response are malformed.',
};

const badGzip: Verdict = {
  ...badAnswer,
  type: 'http_response_content_coding',
  stage: 'body',
  sentence: 'The response is marked as compressed, but cannot be decompressed.',
  fix: fixOf(
    'Check whether the application compresses the body twice; until then have Varnish not decompress it',
    'sub vcl_backend_response {',
    '    set beresp.do_gunzip = false;',
    '}',
  ),
};

const unhealthy: Verdict = {
  ...gatewayBorn,
  shape: 'refused_by_gateway',
  type: 'destination_unavailable',
  stage: 'route',
  whose: 'application',
  sentence: 'Varnish did not contact the backend: its health probe fails.',
  fix: fixOf('Check the results of the probe, and fix the cause', "varnishadm backend.list -p '*.*'"),
  isConsequence: true,
};

/** Varnish writes the number 0 for these: it made no attempt to connect, so there was no error. */
const heldDown: Verdict = {
  ...unhealthy,
  sentence:
    'Varnish did not try to connect: a connection to that address had failed shortly before, and it waits before the next attempt.',
  fix: fixOf(
    'Fix the cause in the lines before; a parameter sets how long Varnish waits',
    'varnishadm param.show backend_remote_error_holddown',
  ),
};

/** `Error` in a transaction to a backend: the response's length and transfer coding contradict each other. */
export const unreadableBody: Verdict = {
  ...badAnswer,
  sentence: 'The end of the response body cannot be determined: its transfer coding or its length is not valid.',
};

const noBackend: Verdict = {
  ...unhealthy,
  sentence: 'Varnish had no backend for the request: none is configured, or all backends of a director are sick.',
};

const busy: Verdict = {
  ...unhealthy,
  type: 'connection_limit_reached',
  stage: 'queue',
  sentence: 'Varnish has reached `max_connections` to the backend.',
  fix: fixOf(
    'Make the application faster or add backends; raise the limit only if the application can handle more connections',
    'backend default {',
    '    .max_connections = 300;',
    '}',
  ),
  isConsequence: false,
};

const outOfRoom: Verdict = {
  ...gatewayBorn,
  shape: 'refused_by_gateway',
  type: 'proxy_internal_error',
  stage: 'response',
  whose: 'operator',
  sentence: 'Varnish had no memory left for this response: its workspace or its storage was full.',
  fix: fixOf(
    'Raise the workspace, or the size of the storage (`-s malloc,SIZE`)',
    'varnishadm param.set workspace_backend 128k',
  ),
};

export const clientBrokeOff: Verdict = {
  shape: 'client_abort',
  type: 'http_request_error',
  stage: 'request',
  born: 'client',
  whose: 'client',
  sentence: 'The client closed the connection while it was sending the request body.',
  fix: null,
};

export const unknownFetchError: Verdict = {
  ...gatewayBorn,
  shape: 'unknown',
  type: null,
  stage: null,
  whose: null,
  sentence: 'Varnish could not fetch the response; its message does not show the cause.',
  fix: fixOf('Read the whole transaction of the backend', "varnishlog -g request -q 'FetchError'"),
};

/** HTC_… of Varnish's source, by name and by number: how reading a head ended. */
const headEndings: Readonly<Record<string, Verdict>> = {
  junk: badAnswer,
  '-5': badAnswer,
  close: closedEarly,
  '-4': closedEarly,
  timeout: betweenBytesTimeout,
  '-3': betweenBytesTimeout,
  overflow: headTooLarge,
  '-2': headTooLarge,
  eof: closedEarly,
  '-1': closedEarly,
  idle: firstByteTimeout,
  '3': firstByteTimeout,
};

type Rule = readonly [RegExp, Verdict | ((match: RegExpExecArray) => Verdict)];

/** Tried in this order. From Varnish 3 to 7; newer versions with more words in the message come first. */
const rules: readonly Rule[] = [
  [/^backend [^:]{1,200}: unhealthy/, unhealthy],
  [/^backend [^:]{1,200}: busy/, busy],
  [/^backend [^:]{1,200}: fail errno (\d{1,6})/, (match) => judgeConnect(Number(match[1]))],
  [/^backend [^:]{1,200}: proxy write/, closedWhileSending],
  [/^No backend|returned no backend/, noBackend],
  [/^first byte timeout|^Timed out reusing backend/, firstByteTimeout],
  [/^between bytes timeout/, contentTimeout],
  [/^timeout$/, betweenBytesTimeout],
  [/^backend closed/, closedEarly],
  [/^http (?:first )?read error: -1 (\d{1,6})/, (match) => judgeRead(Number(match[1]))],
  [/^overflow|^http (?:first )?read error: overflow/, headTooLarge],
  [/^Received junk|^http format error/, badAnswer],
  [/^HTC status (-?\d)/, (match) => headEndings[match[1] ?? ''] ?? unknownFetchError],
  [/^HTC (\w{1,20})/, (match) => headEndings[(match[1] ?? '').toLowerCase()] ?? unknownFetchError],
  [/^req\.body read error/, clientBrokeOff],
  [/^backend write error: (\d{1,6})/, (match) => (errnoIs(match, 'backlog_full') ? writeTimeout : closedWhileSending)],
  [/gunzip|gzip/i, badGzip],
  [/^chunked read err|insufficient bytes|^eof socket fail|^straight read_error/, cutShort],
  [/^chunked |^bogusly large chunk size|^straight length field bogus/, badChunks],
  [/^Could not get storage|out of workspace|[Ww]orkspace overflow|workspace_\w+ overflow/, outOfRoom],
  // The system's message for reading a body: Varnish writes no number for these.
  [/^Resource temporarily unavailable$|^Connection timed out$|^Operation timed out$/, contentTimeout],
  [/^Connection reset by peer$|^Broken pipe$|^Software caused connection abort$/, cutShort],
];

/** Judges the text after `FetchError`; null for text that Varnish does not write. */
export function judgeFetchError(words: string): Verdict | null {
  const text = words.slice(0, 500).trim();
  for (const [pattern, verdict] of rules) {
    const match = pattern.exec(text);
    if (match !== null) return typeof verdict === 'function' ? verdict(match) : verdict;
  }
  return null;
}

/** The name of the backend, if the text has it. */
export function backendOf(words: string): string | null {
  return /^backend ([^:]{1,200}): /.exec(words)?.[1] ?? null;
}

/** EINPROGRESS of Linux and of the BSDs: older versions leave it behind when their own timeout ends the waiting. */
const connectInProgress: readonly number[] = [115, 36];

function judgeConnect(errno: number): Verdict {
  if (errno === 0) return heldDown;
  if (connectInProgress.includes(errno)) return connectTimeout;
  switch (errnoWordOf(errno)) {
    case 'refused':
    case 'missing':
    case 'not_permitted':
    case 'backlog_full':
    case 'reset':
      return refused;
    case 'timed_out':
      return connectTimeout;
    case 'unroutable':
      return unroutable;
    case 'ports_spent':
    case 'descriptors_spent':
      return {
        ...busy,
        stage: 'connect',
        whose: 'gateway',
        sentence: 'Varnish had no local port or descriptor left for another connection.',
      };
    default:
      return connectFailed;
  }
}

function judgeRead(errno: number): Verdict {
  const word = errnoWordOf(errno);
  if (word === 'backlog_full' || word === 'timed_out') return firstByteTimeout;
  return word === 'reset' ? closedEarly : unknownFetchError;
}

function errnoIs(match: RegExpExecArray, word: ReturnType<typeof errnoWordOf>): boolean {
  return errnoWordOf(Number(match[1])) === word;
}
