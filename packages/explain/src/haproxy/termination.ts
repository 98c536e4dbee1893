import type { Verdict } from '../verdict.ts';
import { fixOf, harmlessVerdict } from '../verdict.ts';

/** The fields of a HAProxy line that show how a session ended (configuration manual, sections 8.2 and 8.5). */
export interface Ending {
  /** First character: which side ended the session. Second: what the session was doing. "SC", "sH", "--". */
  readonly code: string;
  /** Null in TCP mode; -1 if no status was sent. */
  readonly status: number | null;
  readonly frontend: string;
  readonly backend: string;
  readonly server: string;
  /** Milliseconds; -1 if that step was not reached; null if the format has no such timer. */
  readonly connectMs: number | null;
  readonly responseMs: number | null;
}

const gatewayBorn = { born: 'reverse-proxy' } as const;

const clientLeft: Verdict = {
  shape: 'client_abort',
  type: null,
  stage: null,
  born: 'client',
  whose: 'client',
  sentence:
    'The client left before the response was complete, or was silent for too long; the gateway and the application did not fail.',
  fix: null,
};

const badRequest: Verdict = {
  ...clientLeft,
  type: 'http_request_error',
  stage: 'request',
  sentence: 'The client sent an invalid request, and HAProxy answered it itself.',
};

const unknownEnding: Verdict = {
  ...gatewayBorn,
  shape: 'unknown',
  type: null,
  stage: null,
  whose: null,
  sentence: 'The session failed, but its termination state and its timers contradict each other.',
  fix: fixOf(
    'Log with `option httplog`, which has the termination state and all timers',
    'defaults',
    '    option httplog',
    '    log global',
  ),
};

const refused: Verdict = {
  ...gatewayBorn,
  shape: 'unreachable',
  type: 'connection_refused',
  stage: 'connect',
  whose: 'application',
  sentence: 'The server refused the connection: nothing listens at that address, or a firewall rejects it.',
  fix: fixOf(
    'Start the application, or correct the address of its `server` line; if that line has `ssl`, check the TLS handshake too',
    'server app1 10.0.0.5:8080 check',
  ),
};

const noServer: Verdict = {
  ...gatewayBorn,
  shape: 'refused_by_gateway',
  type: 'destination_unavailable',
  stage: 'route',
  whose: 'application',
  sentence: 'HAProxy had no server to send the request to: all of them were down, or no backend was chosen.',
  fix: fixOf(
    'Read the lines "Server … is DOWN" before it for the cause, and check that a `default_backend` is set',
    'frontend web',
    '    default_backend app',
  ),
  isConsequence: true,
};

const connectTimeout: Verdict = {
  ...gatewayBorn,
  shape: 'unreachable',
  type: 'connection_timeout',
  stage: 'connect',
  whose: 'network',
  sentence: 'The server did not accept the connection within `timeout connect`.',
  fix: fixOf(
    'Check that packets reach the server (address, firewall, security group) and that its accept queue is not full; then raise `timeout connect`',
    'defaults',
    '    timeout connect 5s',
  ),
};

const closedEarly: Verdict = {
  ...gatewayBorn,
  shape: 'reset',
  type: 'connection_terminated',
  stage: 'response',
  whose: 'application',
  sentence: 'The server closed the connection before its response had begun.',
  fix: fixOf(
    'Check whether the application crashed; if it only closes idle connections, have HAProxy keep none (`pool-max-conn 0`), or retry',
    'backend app',
    '    retry-on conn-failure empty-response',
  ),
};

const silent: Verdict = {
  ...gatewayBorn,
  shape: 'too_slow',
  type: 'connection_read_timeout',
  stage: 'response',
  whose: 'application',
  sentence: 'The server got the request, but did not begin its response within `timeout server`.',
  fix: fixOf(
    'Make the application answer sooner, or raise `timeout server` above what it needs',
    'backend app',
    '    timeout server 60s',
  ),
};

const cutShort: Verdict = {
  ...gatewayBorn,
  shape: 'reset',
  type: 'http_response_incomplete',
  stage: 'body',
  whose: 'application',
  sentence: 'The server closed the connection in the middle of its response.',
  fix: fixOf('Read the log of the application at that time: it crashed, was restarted, or broke off the response'),
};

const stalled: Verdict = {
  ...silent,
  stage: 'body',
  sentence: 'The server sent nothing in the middle of its response for longer than `timeout server`.',
  fix: fixOf(
    'Raise `timeout server` above the longest silence of a stream, or `timeout tunnel` for WebSocket and the like',
    'backend app',
    '    timeout server 60s',
    '    timeout tunnel 1h',
  ),
};

const queueFull: Verdict = {
  ...gatewayBorn,
  shape: 'refused_by_gateway',
  type: 'connection_limit_reached',
  stage: 'queue',
  whose: 'application',
  sentence: 'The request waited in the queue for a free server for longer than `timeout queue`.',
  fix: fixOf(
    'Add servers or make them faster; raise `maxconn` of the `server` line only if the application can handle more connections',
    'server app1 10.0.0.5:8080 check maxconn 200',
  ),
};

const limited: Verdict = {
  ...queueFull,
  stage: 'connect',
  whose: 'operator',
  sentence: 'HAProxy did not open a connection because a limit on connections was reached.',
  fix: fixOf(
    'Raise `maxconn` in the `global` section, and the limit of descriptors with it',
    'global',
    '    maxconn 20000',
  ),
};

const exhausted: Verdict = {
  ...gatewayBorn,
  shape: 'refused_by_gateway',
  type: 'connection_limit_reached',
  stage: 'connect',
  whose: 'operator',
  sentence: 'HAProxy had run out of file descriptors, memory, or source ports.',
  fix: fixOf(
    'Read the system log to see which; raise the limit of descriptors, or give `source` a wider range of ports',
    'global',
    '    ulimit-n 65536',
  ),
};

const ownFault: Verdict = {
  ...exhausted,
  type: 'proxy_internal_error',
  stage: null,
  whose: 'gateway',
  sentence: 'HAProxy had an internal error.',
  fix: fixOf('Update HAProxy, and report it with this line'),
};

const badAnswer: Verdict = {
  ...gatewayBorn,
  shape: 'garbage',
  type: 'http_protocol_error',
  stage: 'response',
  whose: 'application',
  sentence:
    "HAProxy blocked the server's response: it was not valid HTTP, its head was too large, or a rule forbids it.",
  fix: fixOf(
    'Have HAProxy show the response that it blocked: it keeps the last one',
    'echo "show errors" | socat stdio /run/haproxy/admin.sock',
  ),
};

const badChunks: Verdict = {
  ...badAnswer,
  type: 'http_response_transfer_coding',
  stage: 'body',
  sentence: 'The chunks of the message were malformed, and HAProxy ended it.',
};

const rewriteFailed: Verdict = {
  ...exhausted,
  type: 'proxy_internal_error',
  stage: 'response',
  sentence: 'HAProxy could not apply its rules to the message: the buffer was full.',
  fix: fixOf(
    'Raise `tune.maxrewrite` (and `tune.bufsize` with it), or send smaller headers',
    'global',
    '    tune.bufsize 32768',
    '    tune.maxrewrite 4096',
  ),
};

const denied: Verdict = {
  ...gatewayBorn,
  shape: 'refused_by_gateway',
  type: 'http_request_denied',
  stage: 'route',
  whose: 'client',
  sentence: 'A rule of HAProxy (`deny`, `reject`, `tarpit`) refused the request.',
  fix: fixOf('If it should be allowed, find the `http-request deny` or `tcp-request … reject` rule that matches it'),
};

const answeredItself: Verdict = {
  ...denied,
  type: 'proxy_internal_response',
  whose: 'operator',
  sentence: 'HAProxy made this response itself, because of a rule or an error page in its configuration.',
  fix: fixOf('If that is wrong, check `http-request return`, `errorfile` and Lua services in the frontend'),
};

const markedDown: Verdict = {
  ...closedEarly,
  stage: null,
  sentence: 'HAProxy closed the session because the server had been marked as down.',
  fix: fixOf('Read the line "Server … is DOWN" for the cause; `on-marked-down shutdown-sessions` closes the sessions'),
};

const killed: Verdict = {
  ...markedDown,
  whose: 'operator',
  sentence: 'HAProxy closed the session: an administrator asked for it, or a primary server came back.',
  fix: fixOf(
    'Nothing, if it was intended; otherwise check `shutdown session` commands and `on-marked-up shutdown-backup-sessions`',
  ),
};

/** Judges how a session ended, by the termination state first and the timers second. */
export function judgeEnding(ending: Ending): Verdict {
  const cause = ending.code[0] ?? '-';
  if (cause === '-') return judgeNormalEnd(ending);
  if (cause === 'C' || cause === 'c') return clientLeft;
  if (cause === 'S' || cause === 's') return judgeServerSide(ending);
  if (cause === 'P') return judgeProxySide(ending);
  if (cause === 'L') return (ending.status ?? 0) >= 500 ? answeredItself : harmlessVerdict;
  if (cause === 'R') return exhausted;
  if (cause === 'I') return ownFault;
  if (cause === 'D')
    return ending.code[1] === 'D' && ending.status !== null ? { ...cutShort, ...pick(markedDown) } : markedDown;
  if (cause === 'U' || cause === 'K') return killed;
  return unknownEnding;
}

/** Takes the sentence and fix of one verdict for the shape of another. */
function pick({ sentence, fix }: Verdict): Pick<Verdict, 'sentence' | 'fix'> {
  return { sentence, fix };
}

export function hasServer({ server }: Pick<Ending, 'server'>): boolean {
  return !server.startsWith('<') && server !== '-';
}

function judgeNormalEnd(ending: Ending): Verdict {
  if ((ending.status ?? 0) < 500) return harmlessVerdict;
  if (!hasServer(ending)) return answeredItself;
  if (ending.responseMs === -1) return unknownEnding;
  return {
    shape: 'app_error',
    type: null,
    stage: null,
    born: 'application',
    whose: 'application',
    sentence: 'The application itself sent this error; HAProxy passed it on.',
    fix: fixOf('Read the log of the application at that time'),
  };
}

function judgeServerSide(ending: Ending): Verdict {
  const isTimeout = ending.code[0] === 's';
  const connected = ending.connectMs !== null && ending.connectMs >= 0;
  switch (ending.code[1]) {
    case 'Q':
      return isTimeout ? queueFull : noServer;
    case 'C':
      if (!hasServer(ending)) return isTimeout ? unknownEnding : noServer;
      if (connected && (ending.responseMs ?? -1) >= 0) return unknownEnding;
      return isTimeout ? connectTimeout : refused;
    case 'H':
      if (ending.connectMs === -1 || (ending.responseMs ?? -1) >= 0) return unknownEnding;
      return isTimeout ? silent : closedEarly;
    case 'D':
      return judgeContent(ending, isTimeout);
    case 'L':
      return cutShort;
    default:
      return isTimeout ? { ...silent, stage: null } : { ...closedEarly, stage: null };
  }
}

function judgeContent(ending: Ending, isTimeout: boolean): Verdict {
  if (isTimeout) return stalled;
  // In TCP mode there is no HTTP response to be incomplete, and without a head none had begun.
  if (ending.status === null) {
    return {
      ...closedEarly,
      stage: 'body',
      sentence: 'The server closed the connection while data was being sent.',
    };
  }
  return ending.responseMs === -1 ? closedEarly : cutShort;
}

function judgeProxySide(ending: Ending): Verdict {
  const { status } = ending;
  const phase = ending.code[1];
  if (phase === 'C') return limited;
  if (phase === 'Q') return { ...limited, stage: 'queue' };
  if (phase === 'T') return { ...denied, sentence: 'A `tarpit` rule of HAProxy held the request and then refused it.' };
  if (status === 400 || status === 408 || status === 413 || status === 414 || status === 431) return badRequest;
  if (phase === 'D' || phase === 'L') return badChunks;
  if (phase === 'H') {
    if (status === 500) return rewriteFailed;
    return status === 502 || status === null || status === -1 ? badAnswer : denied;
  }
  return status === 500 ? { ...rewriteFailed, stage: 'request' } : denied;
}
