// Only `npm run test:complete` runs this file: it renews certificates under the load of several workers. `npm test` changes them
// in `test/tls/reload.test.ts`.

import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, test } from 'node:test';
import { until, type YamlGateway } from '../gateway/start-from-yaml.ts';
import { originForTests } from '../gateway/origin-for-tests.ts';
import { authority, startTlsEdge, trusting } from './tls-edge.ts';
import { TlsLoad, visitOnce } from './tls-load.ts';

// Certificates that change while clients are served by several workers: no request fails, and no session is resumed with a
// certificate that its client has not seen.

const origin = originForTests('from the application');
let edge: YamlGateway;
let load: TlsLoad | null = null;
afterEach(async () => {
  await load?.stop();
  load = null;
  await edge?.stop();
});

const renewals = 4;

async function start(workers: number): Promise<void> {
  edge = await startTlsEdge({ host: '127.0.0.1', port: origin.port }, { https: '' }, `workers: ${workers}\n`);
  load = new TlsLoad(edge.address('https'), trusting());
}

/** Another certificate of edge.test with another key; returns its serial number. */
async function renew(): Promise<string> {
  const { certificate, key } = authority.issue({ names: ['edge.test', '*.wild.test'] });
  await writeFile(join(edge.folder, 'edge.pem'), certificate);
  await writeFile(join(edge.folder, 'edge.key'), key);
  const outcome = await edge.gateway.reload('the certificate was renewed');
  assert.ok(outcome.ok, JSON.stringify(outcome));
  return new X509Certificate(certificate).serialNumber;
}

async function answeredMore(count: number): Promise<void> {
  const wanted = (load?.answered ?? 0) + count;
  await until(`${count} more requests are answered`, () => (load?.answered ?? 0) >= wanted, 30_000);
}

describe('certificates that are renewed under load', { timeout: 120_000 }, () => {
  for (const workers of [1, 2])
    test(`fail no request, and every new client is shown the new one: ${workers} workers`, async () => {
      await start(workers);
      for (let count = 0; count < renewals; count++) {
        await answeredMore(50);
        const serial = await renew();
        // The reload is over: each worker has it.
        for (let visits = 0; visits < 4; visits++) {
          const { status, serial: shown } = await visitOnce(edge.address('https'), trusting());
          assert.deepEqual([status, shown], [200, serial]);
        }
      }
      await answeredMore(50);
      const { answered, failed } = (await load?.stop()) ?? assert.fail();
      assert.deepEqual(failed, []);
      assert.ok(answered >= 50 * renewals, `${answered} answers`);
      assert.deepEqual(edge.gateway.counts().failedHandshakes, []);
    });

  test('end the sessions of the old one: their clients are shown the new one', async () => {
    await start(1);
    for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
      const only = trusting({ minVersion: version, maxVersion: version });
      const { session } = await visitOnce(edge.address('https'), only);
      assert.ok(session !== null);
      assert.equal((await visitOnce(edge.address('https'), { ...only, session })).isResumed, true);
      const serial = await renew();
      const { status, isResumed, serial: shown } = await visitOnce(edge.address('https'), { ...only, session });
      assert.deepEqual([status, isResumed, shown], [200, false, serial]);
    }
  });

  test('keep the sessions of a host whose certificate stays', async () => {
    await start(1);
    const other = trusting({ servername: 'other.test' });
    const first = await visitOnce(edge.address('https'), other);
    assert.ok(first.session !== null);
    await renew();
    assert.equal((await visitOnce(edge.address('https'), { ...other, session: first.session })).isResumed, true);
  });

  test('that cannot be used are refused by the reload, and fail no request', async () => {
    await start(2);
    for (const text of ['no certificate', '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n']) {
      await writeFile(join(edge.folder, 'edge.pem'), text);
      assert.equal((await edge.gateway.reload('the test')).ok, false);
      await answeredMore(30);
    }
    assert.deepEqual((await load?.stop())?.failed, []);
  });
});

describe('a session', { timeout: 60_000 }, () => {
  for (const version of ['TLSv1.2', 'TLSv1.3'] as const)
    test(`of ${version} is resumed at every worker`, async () => {
      edge = await startTlsEdge({ host: '127.0.0.1', port: origin.port }, { https: '' }, 'workers: 2\n');
      const only = trusting({ minVersion: version, maxVersion: version });
      const { session } = await visitOnce(edge.address('https'), only);
      assert.ok(session !== null);
      const seen = new Set<number>();
      await until(
        'both workers have served it',
        async () => {
          const { isResumed, id } = await visitOnce(edge.address('https'), { ...only, session });
          assert.equal(isResumed, true);
          seen.add((await edge.record(id ?? assert.fail('an id'))).worker);
          return seen.size === 2;
        },
        30_000,
      );
    });
});
