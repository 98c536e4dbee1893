import { lineEvidence } from './connect-rules.ts';
import { type NginxErrorLine, stageOf } from './error-line.ts';
import {
  fix,
  type FixContext,
  commonVersion,
  nameInCertificate,
  nameInHandshake,
  speakPlainly,
  trustAuthority,
} from './fixes.ts';
import { type NginxVerdict, clientLeft, harmless, failed } from './verdict.ts';
import type { Stage } from '../../../failures/src/stage.ts';
import { type Dialect, dialect } from '../dialect.ts';

/** Why nginx does not start, or keeps its old configuration. Such a line concerns no request, but explains failures after it. */
export function judgeStart(text: string): NginxVerdict {
  const known = reasons.find(([start]) => text.includes(start));
  if (known?.[0] === 'host not found in upstream') {
    return {
      ...failed({
        shape: 'refused_by_gateway',
        type: 'proxy_configuration_error',
        stage: 'dns',
        whose: 'operator',
        evidence: [text.slice(0, 200)],
        sentence: known[1],
        fix: fix(known[2], known[3]),
      }),
      kind: 'event',
    };
  }
  return {
    ...harmless('event', known?.[1] ?? 'nginx does not start with this configuration, or keeps the previous one.'),
    evidence: [text.slice(0, 200)],
    whose: 'operator',
    fix: fix(
      known?.[2] ?? 'Correct the setting that the line names, and test the configuration before loading it',
      known?.[3] ?? 'nginx -t',
    ),
  };
}

const reasons: readonly (readonly [string, string, string, string])[] = [
  [
    'host not found in upstream',
    'nginx does not start: it looks up the names of its upstreams at start, and this name does not exist yet.',
    'Start the application first, or look the name up at every request with `resolver` and a variable',
    'resolver 127.0.0.11 valid=10s;\nset $app http://app:8080;\nproxy_pass $app;',
  ],
  [
    'bind() to ',
    'nginx does not start: it cannot listen on that address and port.',
    'Find the process that uses the port, or allow nginx to use it',
    'ss -ltnp',
  ],
];

const startForm = /^nginx: \[(?:emerg|alert|crit|error|warn)\] (.{1,2048})/;

/** The lines that nginx writes to standard error before its log is open: `nginx: [emerg] …`. */
export const startLog: Dialect = dialect(
  'nginx',
  'nginx error output',
  (line) => (startForm.test(line.slice(0, 4096)) ? 2 : 0),
  (line) => {
    const found = startForm.exec(line.slice(0, 4096));
    if (found === null) return null;
    const { isConsequence: _, ...verdict } = line.startsWith('nginx: [warn]')
      ? harmless('event')
      : judgeStart(found[1] ?? '');
    return {
      ...verdict,
      gateway: 'nginx',
      format: 'nginx error output',
      confidence: 'certain',
      atMs: null,
      status: null,
      upstream: null,
      request: null,
      durationMs: null,
      joins: null,
      isConsequence: false,
    };
  },
);

/** Handshakes with the application. Handshakes with clients have their own rules. */
export function judgeTls(line: NginxErrorLine, context: FixContext, stage: Stage | null): NginxVerdict | null {
  const { text } = line;
  if (text.startsWith('upstream SSL certificate ')) return wrongCertificate(line, context);
  if (stage !== 'tls') return null;
  if (text.includes('certificate verify failed')) return wrongCertificate(line, context);
  if (text.startsWith('peer closed connection in SSL handshake') || text.includes('unexpected eof'))
    return closedInHandshake(line, context);
  if (/\balert\b/.test(text)) return alerted(line, context);
  if (/^SSL_|\(SSL: /.test(text)) return protocolError(line, context);
  return line.errno !== null ? closedInHandshake(line, context) : null;
}

const tlsFailure = (line: NginxErrorLine, rest: Pick<NginxVerdict, 'type' | 'sentence' | 'fix'>): NginxVerdict =>
  failed({ shape: 'unreachable', stage: 'tls', whose: 'operator', evidence: lineEvidence(line), ...rest });

function wrongCertificate(line: NginxErrorLine, context: FixContext): NginxVerdict {
  const isOtherName = line.text.includes('does not match');
  return tlsFailure(line, {
    type: 'tls_certificate_error',
    sentence: isOtherName
      ? "The application's certificate is for another name than the one that the gateway connects to."
      : "The gateway does not trust the application's certificate.",
    fix: isOtherName ? nameInCertificate(context) : trustAuthority(context),
  });
}

function closedInHandshake(line: NginxErrorLine, context: FixContext): NginxVerdict {
  return failed({
    shape: 'reset',
    type: 'connection_terminated',
    stage: 'tls',
    whose: 'application',
    evidence: line.errnoText === null ? lineEvidence(line) : [line.errnoText, ...lineEvidence(line)],
    sentence: 'The application closed the connection in the middle of the TLS handshake.',
    fix: nameInHandshake('Check that this port speaks TLS, and send the name that it expects', context),
  });
}

function alerted(line: NginxErrorLine, context: FixContext): NginxVerdict {
  return tlsFailure(line, {
    type: 'tls_alert_received',
    sentence:
      'The application refused the TLS handshake with an alert; most often the gateway did not send the server name that it expects.',
    fix: nameInHandshake(
      'Send the server name in the handshake, or offer a version and ciphers that the application supports',
      context,
    ),
  });
}

function protocolError(line: NginxErrorLine, context: FixContext): NginxVerdict {
  const isPlain = /wrong version number|unknown protocol|http request|packet length too long/.test(line.text);
  return tlsFailure(line, {
    type: 'tls_protocol_error',
    sentence: isPlain
      ? 'The upstream does not speak TLS at that port: the scheme or the port is wrong.'
      : 'The gateway and the application could not agree on TLS parameters.',
    fix: isPlain ? speakPlainly(context) : commonVersion(context),
  });
}

/** Lines about the client's side: none of them is a failure of the gateway. */
export function judgeClient(line: NginxErrorLine): NginxVerdict | null {
  const { text } = line;
  // The end of a session of `stream {}`. Clients end such sessions at any time.
  if (text.startsWith('client disconnected, bytes from/to')) return harmless('event');
  if (
    /^client [^ ]{1,64} closed keepalive connection|^client closed keepalive|^client (?:closed|timed out).{0,80}$/.test(
      text,
    )
  ) {
    return line.action === 'waiting for request' || text.includes('keepalive') || line.action === 'keepalive'
      ? harmless('event')
      : left(line);
  }
  if (/client prematurely closed|^client disconnected|^client canceled|^client terminated|^client violated/.test(text))
    return left(line);
  if (text.startsWith('client intended to send too large')) {
    return clientLeft(
      {
        type: 'http_request_error',
        evidence: lineEvidence(line),
        sentence: "The client's request body is larger than the gateway accepts; the client got a 413.",
        fix: fix('Raise `client_max_body_size` if such uploads should be allowed', 'client_max_body_size 20m;'),
      },
      'error',
    );
  }
  if (
    /^client sent |^invalid (?:host|URI) in request|^broken header: |^recv\(\) failed .{0,80}reading client/.test(text)
  )
    return malformed(line);
  if (text.startsWith('no "ssl_certificate" is defined')) return null;
  return isOfTheConnection(text) && isOnTheirSide(line) ? left(line) : null;
}

/**
 * While nginx forwards a response or a tunnel, it reads and writes both sides. Its log level distinguishes them: errors
 * of a client's connection have the level `info`, errors of an application's connection the level `error`.
 */
function isOnTheirSide(line: NginxErrorLine): boolean {
  if (line.action === 'proxying upgraded connection') return line.level === 'info';
  if (stageOf(line.action) !== 'client') return false;
  const isReading = /^(?:recv|readv|SSL_read)\(\)/.test(line.text);
  return !(line.action === 'sending to client' && isReading && line.level === 'error' && line.upstream !== null);
}

const isOfTheConnection = (text: string): boolean =>
  /^(?:recv|send|writev|sendfile|SSL_\w{1,24}|epoll_wait|kevent|readv|recvmsg|sendmsg)\(\)|^peer closed connection in SSL handshake|^readv|^http2 /.test(
    text,
  );

function left(line: NginxErrorLine): NginxVerdict {
  return clientLeft(
    {
      type: null,
      evidence: lineEvidence(line),
      sentence:
        line.action === 'SSL handshaking'
          ? "The TLS handshake with the client failed on the client's side."
          : 'The client closed the connection before the response was complete.',
      fix: null,
    },
    'error',
  );
}

function malformed(line: NginxErrorLine): NginxVerdict {
  return clientLeft(
    {
      type: 'http_request_error',
      evidence: lineEvidence(line),
      sentence: 'The client sent an invalid request.',
      fix: null,
    },
    'error',
  );
}
