import assert from 'node:assert/strict';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { describe, it } from 'node:test';
import { certificateAuthority, selfSignedCertificate } from './certificates.ts';

const wallTime = Date.parse('2026-01-15T12:00:00Z');
const dayMs = 86_400_000;

describe('a certificate authority', () => {
  const authority = certificateAuthority(wallTime, 'Authority of This Test');
  const root = new X509Certificate(authority.certificate);

  it("signs its own certificate, which is an authority's", () => {
    assert.deepEqual([root.ca, root.subject, root.issuer], [true, 'CN=Authority of This Test', root.subject]);
    assert.equal(root.verify(root.publicKey), true);
  });

  it('issues certificates for names and addresses, with their keys', () => {
    const issued = authority.issue({ names: ['app.internal', '*.app.internal', '127.0.0.1', '::1', '2001:db8::a:0'] });
    const certificate = new X509Certificate(issued.certificate);
    assert.equal(certificate.verify(root.publicKey) && certificate.checkIssued(root), true);
    assert.equal(certificate.checkPrivateKey(createPrivateKey(issued.key)), true);
    assert.equal(certificate.ca, false);
    for (const name of ['app.internal', 'api.app.internal']) assert.notEqual(certificate.checkHost(name), undefined);
    for (const address of ['127.0.0.1', '::1', '2001:db8::a:0']) {
      assert.notEqual(certificate.checkIP(address), undefined, address);
    }
    assert.equal(certificate.checkHost('other.internal'), undefined);
    assert.deepEqual(certificate.keyUsage, ['1.3.6.1.5.5.7.3.1']);
  });

  const periods: readonly (readonly [notBefore: string, notAfter: string])[] = [
    ['2020-02-29T23:59:59.000Z', '2020-03-01T00:00:00.000Z'],
    // RFC 5280 §4.1.2.5: years are written otherwise from 2050 on.
    ['2049-12-31T23:59:59.000Z', '2050-01-01T00:00:00.000Z'],
  ];
  for (const [notBefore, notAfter] of periods) {
    it(`issues certificates that are valid from ${notBefore} to ${notAfter}`, () => {
      const period = { notBefore: Date.parse(notBefore), notAfter: Date.parse(notAfter) };
      const certificate = new X509Certificate(authority.issue({ names: ['a.test'], ...period }).certificate);
      assert.equal(certificate.validFromDate.toISOString(), notBefore);
      assert.equal(certificate.validToDate.toISOString(), notAfter);
    });
  }

  it('issues certificates for thirty days by default, and never the same one twice', () => {
    const [first, second] = [1, 2].map(() => new X509Certificate(authority.issue({ names: ['a.test'] }).certificate));
    assert.equal(first?.validToDate.getTime(), wallTime + 30 * dayMs);
    assert.notEqual(first?.serialNumber, second?.serialNumber);
  });

  it('issues through an intermediate authority, whose certificate is in the chain', () => {
    const below = authority.intermediate('Below');
    const between = new X509Certificate(below.certificate);
    const issued = below.issue({ names: ['a.test'], client: true });
    assert.equal(between.verify(root.publicKey) && between.ca, true);
    const leaf = new X509Certificate(issued.certificate);
    assert.equal(leaf.verify(between.publicKey), true);
    assert.deepEqual(leaf.keyUsage, ['1.3.6.1.5.5.7.3.2']);
    assert.ok(issued.certificate.endsWith(below.certificate));
  });
});

describe('a self-signed certificate', () => {
  it('is signed by its own key', () => {
    const issued = selfSignedCertificate(wallTime, { names: ['a.test'] });
    const certificate = new X509Certificate(issued.certificate);
    assert.equal(certificate.verify(certificate.publicKey) && certificate.issuer === certificate.subject, true);
    assert.equal(certificate.checkPrivateKey(createPrivateKey(issued.key)), true);
  });
});
