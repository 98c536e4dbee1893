import type { Stage } from '../../../failures/src/stage.ts';
import { lineEvidence } from './connect-rules.ts';
import type { NginxErrorLine } from './error-line.ts';
import type { FixContext } from './fixes.ts';
import { commonVersion, nameInCertificate, nameInHandshake, speakPlainly, trustAuthority } from './tls-fixes.ts';
import type { NginxVerdict } from './verdict.ts';
import { failed } from './verdict.ts';

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
