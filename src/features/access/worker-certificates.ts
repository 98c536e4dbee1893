import type { ClientCertificateFacts } from '../../core/transport.ts';
import { starTest } from './glob.ts';
import type { CertificateRule } from './settings.ts';

/** Whether one of the rules holds for a certificate. */
export function certificateTest(rules: readonly CertificateRule[]): (certificate: ClientCertificateFacts) => boolean {
  const tests = rules.map(({ subject, issuer, fingerprint }) => {
    const [ofSubject, ofIssuer] = [subject, issuer].map((glob) => (glob === undefined ? null : nameTest(glob)));
    return (certificate: ClientCertificateFacts): boolean =>
      (ofSubject?.(certificate.subject) ?? true) &&
      (ofIssuer?.(certificate.issuer) ?? true) &&
      (fingerprint ?? certificate.fingerprint) === certificate.fingerprint;
  });
  return (certificate) => tests.some((test) => test(certificate));
}

/**
 * A type in a pattern, such as `OU=`, must be that of an attribute: `*OU=Machines*` does not hold for `CN=x OU=Machines`, where the holder chose
 * the value of CN. A line feed, which no name has, marks the beginning of each attribute in both.
 */
function nameTest(glob: string): (name: string) => boolean {
  const test = starTest(glob.replace(beginningsInGlob, '\n'));
  return (name) => test(name.replace(beginnings, '\n'));
}

/** Behind ", " or " + ", unless a backslash makes them a part of a value (RFC 4514 §2.4); two backslashes are one in it. */
const beginnings = /(?<=^|(?:^|[^\\])(?:\\\\)*(?:, | \+ ))(?=[\w.]+=)/g;
const beginningsInGlob = /(?<=^|\*|(?:^|[^\\])(?:\\\\)*(?:, | \+ ))(?=[\w.]+=)/g;
