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
    'The client left before the answer was complete, or was silent for too long; no fault of the gateway or the application.',
  fix: null,
};

const badRequest: Verdict = {
  ...clientLeft,
  type: 'http_request_error',
  stage: 'request',
  sentence: 'The client sent what is no acceptable request, and HAProxy answered it by itself.',
};

const unknownEnding: Verdict = {
  ...gatewayBorn,
  shape: 'unknown',
  type: null,
  stage: null,
  whose: null,
  sentence: 'The session ended badly, but its termination state and its timers do not agree on how.',
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
  sentence:
    'The server refused the connection: nothing listens at that address, or something on the way turns it away.',
  fix: fixOf(
    'Start the application, or correct the address of its `server` line; where that line says `ssl`, look at the handshake too',
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
    'Look at the lines "Server … is DOWN" before it for why, and see that a `default_backend` is set',
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
    'See that packets reach the server (address, firewall, security group) and that its accept queue is not full; only then raise `timeout connect`',
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
  sentence: 'The server closed the connection before its answer had begun.',
  fix: fixOf(
    'Look whether the application crashed; where it only drops idle connections, let HAProxy keep none (`pool-max-conn 0`), or try again',
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
  sentence: 'The server took the request, but did not begin its answer within `timeout server`.',
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
  sentence: 'The server closed the connection in the middle of its answer.',
  fix: fixOf('Look in the log of the application at that time: it crashed, was restarted, or gave up on the answer'),
};

const stalled: Verdict = {
  ...silent,
  stage: 'body',
  sentence: 'The server fell silent in the middle of its answer, for longer than `timeout server`.',
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
  sentence: 'The request waited in the queue for a free place at a server until `timeout queue` had passed.',
  fix: fixOf(
    'Add servers or make them faster; raise `maxconn` of the `server` line only if the application can bear it',
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
  sentence: 'HAProxy had run out of something it needs: descriptors, memory, or source ports.',
  fix: fixOf(
    'Look in the system log for which one; raise the limit of descriptors, or give `source` a wider range of ports',
    'global',
    '    ulimit-n 65536',
  ),
};

const ownFault: Verdict = {
  ...exhausted,
  type: 'proxy_internal_error',
  stage: null,
  whose: 'gateway',
  sentence: 'HAProxy found an error within itself.',
  fix: fixOf('Update HAProxy, and report it with this line'),
};

const badAnswer: Verdict = {
  ...gatewayBorn,
  shape: 'garbage',
  type: 'http_protocol_error',
  stage: 'response',
  whose: 'application',
  sentence: 'HAProxy blocked the answer of the server: it was no valid HTTP, too large a head, or forbidden by a rule.',
  fix: fixOf(
    'Ask HAProxy for the answer that it refused: it keeps the last one',
    'echo "show errors" | socat stdio /run/haproxy/admin.sock',
  ),
};

const badChunks: Verdict = {
  ...badAnswer,
  type: 'http_response_transfer_coding',
  stage: 'body',
  sentence: 'The chunks of the message were not written as HTTP wants them, and HAProxy ended it.',
};

const rewriteFailed: Verdict = {
  ...exhausted,
  type: 'proxy_internal_error',
  stage: 'response',
  sentence: 'HAProxy could not change the message as its rules want it: there was no room left in the buffer.',
  fix: fixOf(
    'Raise `tune.maxrewrite` (and `tune.bufsize` with it), or send smaller fields',
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
  sentence: 'A rule of HAProxy (`deny`, `reject`, `tarpit`) turned the request away.',
  fix: fixOf(
    'If it should have passed, look for the `http-request deny` or `tcp-request … reject` rule that matches it',
  ),
};

const answeredItself: Verdict = {
  ...denied,
  type: 'proxy_internal_response',
  whose: 'operator',
  sentence: 'HAProxy gave this answer itself, as a rule or a page of its configuration says.',
  fix: fixOf('If it should not, look for `http-request return`, `errorfile` or a Lua service in the frontend'),
};

const markedDown: Verdict = {
  ...closedEarly,
  stage: null,
  sentence: 'HAProxy closed the session because the server had been marked as down meanwhile.',
  fix: fixOf(
    'Look at the line "Server … is DOWN" for why; `on-marked-down shutdown-sessions` is what closes sessions then',
  ),
};

const killed: Verdict = {
  ...markedDown,
  whose: 'operator',
  sentence: 'HAProxy closed the session: an administrator asked for it, or a primary server came back.',
  fix: fixOf(
    'None is needed if it was meant; look for `shutdown session` commands and `on-marked-up shutdown-backup-sessions`',
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
    sentence: 'The application answered with an error of its own, and HAProxy passed it on as it came.',
    fix: fixOf('Look in the log of the application at that time'),
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
      sentence: 'The server broke off the connection while data was passing.',
    };
  }
  return ending.responseMs === -1 ? closedEarly : cutShort;
}

function judgeProxySide(ending: Ending): Verdict {
  const { status } = ending;
  const phase = ending.code[1];
  if (phase === 'C') return limited;
  if (phase === 'Q') return { ...limited, stage: 'queue' };
  if (phase === 'T')
    return { ...denied, sentence: 'A `tarpit` rule of HAProxy held the request and then turned it away.' };
  if (status === 400 || status === 408 || status === 413 || status === 414 || status === 431) return badRequest;
  if (phase === 'D' || phase === 'L') return badChunks;
  if (phase === 'H') {
    if (status === 500) return rewriteFailed;
    return status === 502 || status === null || status === -1 ? badAnswer : denied;
  }
  return status === 500 ? { ...rewriteFailed, stage: 'request' } : denied;
}
