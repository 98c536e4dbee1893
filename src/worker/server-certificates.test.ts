import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ServerCertificates } from './server-certificates.ts';

test('a certificate is reported once for each endpoint, and again when it is another one', () => {
  const certificates = new ServerCertificates();
  const [old, renewed] = [
    { names: ['a.test'], notAfter: 1 },
    { names: ['a.test'], notAfter: 2 },
  ];
  for (const endpoint of ['a', 'b', 'a']) certificates.note(endpoint, old);
  const taken = certificates.take();
  assert.deepEqual(
    taken.map(({ endpoint }) => endpoint),
    ['a', 'b'],
  );
  certificates.note('a', renewed);
  certificates.note('b', old);
  assert.deepEqual(certificates.take(), [{ endpoint: 'a', certificate: renewed }]);
  assert.deepEqual(certificates.take(), []);
});
