import type { Stage } from '../../core/stage.ts';
import { words } from './connect-rules.ts';
import type { ErrorLine } from './error-line.ts';
import { fix } from './fixes.ts';
import type { Verdict } from './verdict.ts';
import { failed } from './verdict.ts';

/** Handshakes with the application; those with clients are not its business. */
export function judgeTls(line: ErrorLine, stage: Stage | null): Verdict | null {
  const { text } = line;
  if (text.startsWith('upstream SSL certificate ')) return wrongCertificate(line);
  if (stage !== 'tls') return null;
  if (text.includes('certificate verify failed')) return wrongCertificate(line);
  if (text.startsWith('peer closed connection in SSL handshake') || text.includes('unexpected eof'))
    return closedInHandshake(line);
  if (/\balert\b/.test(text)) return alerted(line);
  if (/^SSL_|\(SSL: /.test(text)) return protocolError(line);
  return line.errno !== null ? closedInHandshake(line) : null;
}

const tlsFailure = (line: ErrorLine, rest: Pick<Verdict, 'type' | 'sentence' | 'fix'>): Verdict =>
  failed({ shape: 'unreachable', stage: 'tls', whose: 'operator', evidence: words(line), ...rest });

function wrongCertificate(line: ErrorLine): Verdict {
  const isOtherName = line.text.includes('does not match');
  return tlsFailure(line, {
    type: 'tls_certificate_error',
    sentence: isOtherName
      ? "The application's certificate is for another name than the one the gateway asked for."
      : "The gateway does not trust the application's certificate.",
    fix: isOtherName
      ? fix(
          'Name what the certificate is for in `proxy_ssl_name`',
          'proxy_ssl_name app.example.com;\nproxy_ssl_server_name on;',
        )
      : fix(
          'Put the authority that signed it into `proxy_ssl_trusted_certificate`, or renew the certificate if it is out of date',
          'proxy_ssl_trusted_certificate /etc/ssl/certs/ca-certificates.crt;\nproxy_ssl_verify_depth 3;',
        ),
  });
}

function closedInHandshake(line: ErrorLine): Verdict {
  return failed({
    shape: 'reset',
    type: 'connection_terminated',
    stage: 'tls',
    whose: 'application',
    evidence: line.errnoText === null ? words(line) : [line.errnoText, ...words(line)],
    sentence: 'The application closed the connection in the middle of the TLS handshake.',
    fix: fix(
      'See that this port speaks TLS, and send the name that it expects',
      'proxy_ssl_server_name on;\nproxy_ssl_name app.example.com;',
    ),
  });
}

function alerted(line: ErrorLine): Verdict {
  return tlsFailure(line, {
    type: 'tls_alert_received',
    sentence:
      'The application refused the TLS handshake and said so with an alert; most often it was not told the name it expects.',
    fix: fix(
      'Send the name of the server in the handshake, or offer a version and ciphers that it takes (`proxy_ssl_protocols`, `proxy_ssl_ciphers`)',
      'proxy_ssl_server_name on;\nproxy_ssl_name app.example.com;',
    ),
  });
}

function protocolError(line: ErrorLine): Verdict {
  const isPlain = /wrong version number|unknown protocol|http request|packet length too long/.test(line.text);
  return tlsFailure(line, {
    type: 'tls_protocol_error',
    sentence: isPlain
      ? 'What answered does not speak TLS: the scheme or the port is wrong.'
      : 'The two sides could not agree in the TLS handshake.',
    fix: isPlain
      ? fix(
          'Write `http://` in `proxy_pass`, or the port on which the application speaks TLS',
          'proxy_pass http://HOST:PORT;',
        )
      : fix('Let both offer a version and ciphers in common', 'proxy_ssl_protocols TLSv1.2 TLSv1.3;'),
  });
}
