import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { certificateAuthority } from '../../src/testing/certificates.ts';
import { systemCertificates } from '../../src/transport/upstream-tls-contexts.ts';
import { startFromYaml } from '../gateway/start-from-yaml.ts';
import { NotingOrigin } from './noting-origin.ts';

// Without `ca_file` the authorities of the machine are believed, those of an organisation among them. This file has a
// process of its own, since whom a process trusts is settled once.

const ours = certificateAuthority(Date.now(), 'Our Own Authority');
const stranger = certificateAuthority(Date.now(), 'An Authority Nobody Knows');
let folder: string;
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'candor-authorities-'));
  writeFileSync(join(folder, 'system.pem'), `# those of this machine\n${ours.certificate}`);
  writeFileSync(join(folder, 'empty.pem'), '');
  process.env['SSL_CERT_FILE'] = join(folder, 'system.pem');
});
after(() => rmSync(folder, { recursive: true, force: true }));

describe('without a file of authorities', () => {
  for (const [who, authority, tls, status] of [
    ['one whom the system trusts is believed', ours, '', 200],
    ['one whom nobody trusts is not', stranger, '', 502],
    ['one whom nobody trusts is not, told "true"', stranger, ', tls: true', 502],
  ] as const) {
    test(who, async () => {
      const origin = await new NotingOrigin(authority.issue({ names: ['127.0.0.1'] }), null).listen();
      const upstream = `{ endpoints: "https://127.0.0.1:${origin.port}", check: none${tls} }`;
      const gateway = await startFromYaml(`upstreams: { app: ${upstream} }`);
      try {
        const response = await gateway.get('/');
        assert.equal(response.status, status);
        if (status === 502) assert.equal((await gateway.record(response)).cause, 'tls_certificate_untrusted');
      } finally {
        await gateway.stop();
        await origin.close();
      }
    });
  }
});

test('the first place that has certificates is that of the system', () => {
  const at = (name: string): string => join(folder, name);
  assert.equal(systemCertificates(['', at('missing.pem'), at('empty.pem'), at('system.pem')]).length, 1);
  assert.deepEqual(systemCertificates([at('missing.pem')]), []);
});
