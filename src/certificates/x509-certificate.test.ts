// Starts processes: OpenSSL reads what was made.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import { certificateAuthority } from '../testing/certificates.ts';
import { readCertificate, renewalIdOf } from './certificate-facts.ts';
import { createSigningRequest, challengeCertificate, pem } from './x509-certificate.ts';

const now = Date.UTC(2026, 0, 1);
const hasOpenssl = spawnSync('openssl', ['version']).status === 0 ? {} : { skip: 'openssl is not here' };

function openssl(args: readonly string[], input: string): string {
  const ran = spawnSync('openssl', args, { input, encoding: 'utf8' });
  assert.equal(ran.status, 0, ran.stderr);
  return ran.stdout + ran.stderr;
}

test('openssl verifies a signing request, and finds its names and its curve', hasOpenssl, () => {
  const { der } = createSigningRequest(['example.org', '*.example.org', '192.0.2.1', '2001:db8::1']);
  const text = openssl(['req', '-verify', '-noout', '-text'], pem('CERTIFICATE REQUEST', der));
  assert.match(text, /verify OK/);
  assert.match(
    text,
    /DNS:example\.org, DNS:\*\.example\.org, IP Address:192\.0\.2\.1, IP Address:2001:DB8:0:0:0:0:0:1/,
  );
  assert.match(text, /prime256v1/);
});

test('the certificate of a TLS-ALPN-01 challenge has the name and, critical, the digest (RFC 8737)', hasOpenssl, () => {
  const { certificate, key } = challengeCertificate('example.org', 'token.thumbprint', now);
  const text = openssl(['x509', '-noout', '-text'], certificate);
  assert.match(text, /1\.3\.6\.1\.5\.5\.7\.1\.31: critical/);
  assert.match(text, /DNS:example\.org\n/);
  assert.ok(readCertificate(certificate, key));
  assert.ok(new X509Certificate(certificate).verify(new X509Certificate(certificate).publicKey));
});

test('a certificate gives its names, its period, and the identifier for renewal information (RFC 9773)', () => {
  const issued = certificateAuthority(now).issue({
    names: ['Example.org', '192.0.2.1'],
    notBefore: now,
    notAfter: now + 1000,
  });
  const facts = readCertificate(issued.certificate, issued.key);
  assert.ok(facts);
  assert.deepEqual([facts.names, facts.notBefore, facts.notAfter], [['example.org', '192.0.2.1'], now, now + 1000]);
  const serial = Buffer.from(facts.renewalId?.split('.')[1] ?? '', 'base64url')
    .toString('hex')
    .toUpperCase();
  assert.equal(serial, new X509Certificate(issued.certificate).serialNumber);
});

/** RFC 9773 appendix A. */
const example = `-----BEGIN CERTIFICATE-----
MIIBQzCB66ADAgECAgUAh2VDITAKBggqhkjOPQQDAjAVMRMwEQYDVQQDEwpFeGFt
cGxlIENBMCIYDzAwMDEwMTAxMDAwMDAwWhgPMDAwMTAxMDEwMDAwMDBaMBYxFDAS
BgNVBAMTC2V4YW1wbGUuY29tMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEeBZu
7cbpAYNXZLbbh8rNIzuOoqOOtmxA1v7cRm//AwyMwWxyHz4zfwmBhcSrf47NUAFf
qzLQ2PPQxdTXREYEnKMjMCEwHwYDVR0jBBgwFoAUaYhba4dGQEHhs3uEe6CuLN4B
yNQwCgYIKoZIzj0EAwIDRwAwRAIge09+S5TZAlw5tgtiVvuERV6cT4mfutXIlwTb
+FYN/8oCIClDsqBklhB9KAelFiYt9+6FDj3z4KGVelYM5MdsO3pK
-----END CERTIFICATE-----
`;

test('another key than that of the certificate is noticed', () => {
  const authority = certificateAuthority(now);
  const [one, other] = [authority.issue({ names: ['a.test'] }), authority.issue({ names: ['a.test'] })];
  assert.equal(readCertificate(one.certificate, other.key), null);
  assert.equal(readCertificate('garbage', one.key), null);
});

test('the identifier for renewal information is that of the example of RFC 9773', () => {
  assert.equal(renewalIdOf(new X509Certificate(example).raw), 'aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE');
});
