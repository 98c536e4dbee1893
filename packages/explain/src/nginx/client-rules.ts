import { lineEvidence } from './connect-rules.ts';
import type { NginxErrorLine } from './error-line.ts';
import { stageOf } from './error-line.ts';
import { fix } from './fixes.ts';
import type { NginxVerdict } from './verdict.ts';
import { clientLeft, harmless } from './verdict.ts';

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
