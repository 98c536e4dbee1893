import type { Stage } from '../../core/stage.ts';
import { words } from './connect-rules.ts';
import type { ErrorLine } from './error-line.ts';
import type { Place } from './fixes.ts';
import { commonVersion, nameInCertificate, nameInHandshake, speakPlainly, trustAuthority } from './tls-fixes.ts';
import type { Verdict } from './verdict.ts';
import { failed } from './verdict.ts';

/** Handshakes with the application; those with clients are not its business. */
export function judgeTls(line: ErrorLine, place: Place, stage: Stage | null): Verdict | null {
  const { text } = line;
  if (text.startsWith('upstream SSL certificate ')) return wrongCertificate(line, place);
  if (stage !== 'tls') return null;
  if (text.includes('certificate verify failed')) return wrongCertificate(line, place);
  if (text.startsWith('peer closed connection in SSL handshake') || text.includes('unexpected eof'))
    return closedInHandshake(line, place);
  if (/\balert\b/.test(text)) return alerted(line, place);
  if (/^SSL_|\(SSL: /.test(text)) return protocolError(line, place);
  return line.errno !== null ? closedInHandshake(line, place) : null;
}

const tlsFailure = (line: ErrorLine, rest: Pick<Verdict, 'type' | 'sentence' | 'fix'>): Verdict =>
  failed({ shape: 'unreachable', stage: 'tls', whose: 'operator', evidence: words(line), ...rest });

function wrongCertificate(line: ErrorLine, place: Place): Verdict {
  const isOtherName = line.text.includes('does not match');
  return tlsFailure(line, {
    type: 'tls_certificate_error',
    sentence: isOtherName
      ? "The application's certificate is for another name than the one the gateway asked for."
      : "The gateway does not trust the application's certificate.",
    fix: isOtherName ? nameInCertificate(place) : trustAuthority(place),
  });
}

function closedInHandshake(line: ErrorLine, place: Place): Verdict {
  return failed({
    shape: 'reset',
    type: 'connection_terminated',
    stage: 'tls',
    whose: 'application',
    evidence: line.errnoText === null ? words(line) : [line.errnoText, ...words(line)],
    sentence: 'The application closed the connection in the middle of the TLS handshake.',
    fix: nameInHandshake('See that this port speaks TLS, and send the name that it expects', place),
  });
}

function alerted(line: ErrorLine, place: Place): Verdict {
  return tlsFailure(line, {
    type: 'tls_alert_received',
    sentence:
      'The application refused the TLS handshake and said so with an alert; most often it was not told the name it expects.',
    fix: nameInHandshake(
      'Send the name of the server in the handshake, or offer a version and ciphers that it takes',
      place,
    ),
  });
}

function protocolError(line: ErrorLine, place: Place): Verdict {
  const isPlain = /wrong version number|unknown protocol|http request|packet length too long/.test(line.text);
  return tlsFailure(line, {
    type: 'tls_protocol_error',
    sentence: isPlain
      ? 'What answered does not speak TLS: the scheme or the port is wrong.'
      : 'The two sides could not agree in the TLS handshake.',
    fix: isPlain ? speakPlainly(place) : commonVersion(place),
  });
}
