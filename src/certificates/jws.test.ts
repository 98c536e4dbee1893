import assert from 'node:assert/strict';
import { createHmac, createPublicKey, verify } from 'node:crypto';
import { test } from 'node:test';
import { AccountSigner, bindExternalAccount, generateAccountKey, isAccountKey, thumbprintOf } from './jws.ts';

/** RFC 7515 appendix A.3. */
const jwk = {
  kty: 'EC',
  crv: 'P-256',
  x: 'f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU',
  y: 'x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0',
};
const input =
  'eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ';
const signature = 'DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q';

function verifies(text: string, signed: string, key: typeof jwk): boolean {
  const publicKey = createPublicKey({ key, format: 'jwk' });
  return verify(
    'sha256',
    Buffer.from(text),
    { key: publicKey, dsaEncoding: 'ieee-p1363' },
    Buffer.from(signed, 'base64url'),
  );
}

test('a signature verifies as the example of RFC 7515 does, and has its form', () => {
  assert.ok(verifies(input, signature, jwk));
  const signer = new AccountSigner(generateAccountKey());
  const jws = signer.sign({ kid: 'https://ca.test/1', nonce: 'n', url: 'https://ca.test/' }, { a: 'ä' });
  assert.ok(verifies(`${jws.protected}.${jws.payload}`, jws.signature, signer.jwk as typeof jwk));
  assert.equal(jws.signature.length, signature.length);
  const header = JSON.parse(Buffer.from(jws.protected, 'base64url').toString());
  assert.deepEqual(header, { alg: 'ES256', kid: 'https://ca.test/1', nonce: 'n', url: 'https://ca.test/' });
});

test('POST-as-GET has an empty payload, and an empty object has not', () => {
  const signer = new AccountSigner(generateAccountKey());
  assert.equal(signer.sign({}, null).payload, '');
  assert.equal(signer.sign({}, {}).payload, 'e30');
});

test('the thumbprint is the digest of the required members in alphabetical order (RFC 7638)', () => {
  // Computed with: printf '{"crv":"P-256","kty":"EC","x":"…","y":"…"}' | openssl dgst -sha256 -binary | basenc --base64url
  assert.equal(thumbprintOf({ ...jwk, use: 'sig' } as typeof jwk), 'oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U');
});

test('an external account is bound by the HMAC of the account key (RFC 8555 §7.3.4)', () => {
  const bound = bindExternalAccount({ keyId: 'kid-1', hmacKey: 'c2VjcmV0' }, jwk, 'https://ca.test/new-account');
  const mac = createHmac('sha256', 'secret').update(`${bound.protected}.${bound.payload}`).digest('base64url');
  assert.equal(bound.signature, mac);
  assert.deepEqual(JSON.parse(Buffer.from(bound.payload, 'base64url').toString()), jwk);
  const header = JSON.parse(Buffer.from(bound.protected, 'base64url').toString());
  assert.deepEqual(header, { alg: 'HS256', kid: 'kid-1', url: 'https://ca.test/new-account' });
});

test('what is no private key on P-256 is no account key', () => {
  assert.deepEqual(['', 'garbage', generateAccountKey()].map(isAccountKey), [false, false, true]);
});
