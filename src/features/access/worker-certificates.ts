import type { ClientCertificateFacts } from '../../core/transport.ts';
import { starTest } from './glob.ts';
import type { CertificateRule } from './settings.ts';

/** Whether one of the rules holds for a certificate. */
export function certificateTest(rules: readonly CertificateRule[]): (certificate: ClientCertificateFacts) => boolean {
  const tests = rules.map(({ subject, issuer, fingerprint }) => {
    const [ofSubject, ofIssuer] = [subject, issuer].map((glob) => (glob === undefined ? null : starTest(glob)));
    return (certificate: ClientCertificateFacts): boolean =>
      (ofSubject?.(certificate.subject) ?? true) &&
      (ofIssuer?.(certificate.issuer) ?? true) &&
      (fingerprint ?? certificate.fingerprint) === certificate.fingerprint;
  });
  return (certificate) => tests.some((test) => test(certificate));
}
