import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { certificateAuthority, type IssuedCertificate, selfSignedCertificate } from '../../src/testing/certificates.ts';
import { headerOf } from '../../src/testing/testing.ts';
import { startFromYaml } from '../gateway/start-from-yaml.ts';
import { NotingOrigin } from './noting-origin.ts';

// Who vouches for an origin, and which of them is at fault when one does not.

const dayMs = 86_400_000;
const now = Date.now();
const names = ['app.test'];
const current = { names, notBefore: now - dayMs, notAfter: now + 30 * dayMs };

const good = certificateAuthority(now, 'Good Authority');
const other = certificateAuthority(now, 'Other Authority');
/** Intermediate ones are valid for 300 days, authorities for a year, from a day before. */
const aged = certificateAuthority(now - 320 * dayMs, 'Aged Authority');
const dead = certificateAuthority(now - 500 * dayMs, 'Dead Authority');
const unborn = certificateAuthority(now + 10 * dayMs, 'Unborn Authority');
const own = selfSignedCertificate(now, { names });

interface Case {
  readonly what: string;
  readonly shows: IssuedCertificate;
  /** The files of `ca_file`. */
  readonly trusts: readonly string[];
  /** What the answer says; null for a good one. */
  readonly says: RegExp | null;
}

const table: readonly Case[] = [
  { what: 'an authority of the file', shows: good.issue(current), trusts: [good.certificate], says: null },
  {
    what: 'the second of several files',
    shows: good.issue(current),
    trusts: [other.certificate, good.certificate],
    says: null,
  },
  {
    what: 'the second of one file',
    shows: good.issue(current),
    trusts: [`${other.certificate}${good.certificate}`],
    says: null,
  },
  { what: 'a certificate that is trusted itself', shows: own, trusts: [own.certificate], says: null },
  {
    what: 'nobody whom the file does not have',
    shows: good.issue(current),
    trusts: [other.certificate],
    says: /tls_certificate_untrusted: .*Good Authority/,
  },
  {
    what: 'no intermediate certificate that has run out',
    shows: aged.intermediate('Aged Intermediate').issue(current),
    trusts: [aged.certificate],
    says: /tls_certificate_expired: The certificate of .{0,2}CN=Aged Intermediate.{0,2}, the issuer of/,
  },
  {
    what: 'no authority that has run out',
    shows: dead.issue(current),
    trusts: [dead.certificate],
    says: /tls_certificate_expired: The certificate of .{0,2}CN=Dead Authority.{0,2}, the issuer of/,
  },
  {
    what: 'no authority whose time has not come',
    shows: unborn.issue(current),
    trusts: [unborn.certificate],
    says: /tls_certificate_not_yet_valid: The certificate of .{0,2}CN=Unborn Authority.{0,2}, the issuer of/,
  },
  {
    what: 'no certificate of its own that has run out',
    shows: good.issue({ names, notBefore: now - 30 * dayMs, notAfter: now - dayMs }),
    trusts: [good.certificate],
    says: /tls_certificate_expired: The certificate that /,
  },
];

describe('a gateway believes', () => {
  for (const { what, shows, trusts, says } of table) {
    test(what, async () => {
      const origin = await new NotingOrigin(shows, null).listen();
      const files = Object.fromEntries(trusts.map((text, at) => [`ca-${at}.pem`, text]));
      const tls = `{ server_name: app.test, ca_file: [${Object.keys(files).join(', ')}] }`;
      const upstream = `{ endpoints: "https://127.0.0.1:${origin.port}", check: none, tls: ${tls} }`;
      const gateway = await startFromYaml(`disclosure: operator\nupstreams: { app: ${upstream} }`, { files });
      try {
        const response = await gateway.get('/');
        assert.equal(response.status, says === null ? 200 : 502);
        if (says !== null) assert.match(headerOf(response, 'proxy-status') ?? '', says);
      } finally {
        await gateway.stop();
        await origin.close();
      }
    });
  }
});
