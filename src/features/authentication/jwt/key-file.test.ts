import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { test } from 'node:test';
import { readPublicKeys } from './key-file.ts';

const [weak, whole] = [1024, 2048].map(
  (modulusLength) => generateKeyPairSync('rsa', { modulusLength, publicExponent: 3 }).publicKey,
);
const pem = [whole, weak].map((key) => key?.export({ type: 'spki', format: 'pem' }));
const jwks = [whole, weak].map((key) => key?.export({ format: 'jwk' }));

for (const [form, text] of [
  ['PEM', pem.join('')],
  ['JSON', JSON.stringify({ keys: jwks })],
] as const)
  test(`a key whose signatures can be forged is refused, in ${form}`, () =>
    assert.equal(readPublicKeys(text).flaw?.message, 'its key 2 has 1024 bits, and 2048 are the least of RSA'));

test('long keys are taken', () => assert.deepEqual(readPublicKeys(String(pem[0])).types, ['RSA']));

test('a key with the exponent 1 is refused: everybody could sign with it', () =>
  assert.match(readPublicKeys(JSON.stringify({ ...jwks[0], e: 'AQ' })).flaw?.message ?? '', /has the exponent 1/));
