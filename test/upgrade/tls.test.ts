// Starts processes: an upgrade replaces a process.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, describe, test } from 'node:test';
import { freePort } from '../free-port.ts';
import { responseOn } from '../gateway/start-from-yaml.ts';
import { type Address, SecureClient } from '../tls-clients/secure-client.ts';
import { authority, certificatesIn, edgeFiles, trusting } from '../tls-clients/tls-edge.ts';
import { TlsLoad, visitOnce } from '../tls-clients/tls-load.ts';
import { GatewayProgram } from './gateway-program.ts';
import { isWholeSweep } from '../../src/testing/sweep.test-support.ts';

// Upgrades and reloads of a gateway whose clients come within TLS, with real processes.

const skip = process.platform === 'linux' ? false : 'processes are identified through /proc';

let folder: string;
let gateway: GatewayProgram;
let load: TlsLoad | null = null;
let address: Address;

before(() => {
  folder = mkdtempSync(join(tmpdir(), 'candor-upgrade-tls-'));
});
after(() => rmSync(folder, { recursive: true, force: true }));
afterEach(async () => {
  await load?.stop();
  load = null;
  await gateway.end();
});

function settings(workers: number): string {
  const tls = `{ ${certificatesIn(`${folder}/`)}, redirect_http: false }`;
  const https = `{ bind: '127.0.0.1:${address.port}', tls: ${tls} }`;
  return `workers: ${workers}\nlisteners:\n  http: '127.0.0.1:0'\n  https: ${https}\n`;
}

async function start(workers = 2): Promise<void> {
  for (const [name, text] of Object.entries(edgeFiles)) writeFileSync(join(folder, name), text);
  address = { host: '127.0.0.1', port: await freePort() };
  gateway = new GatewayProgram(settings(workers));
  await gateway.serves();
}

async function answeredMore(count: number): Promise<void> {
  const wanted = (load?.answered ?? 0) + count;
  await gateway.until(async () => (load?.answered ?? 0) >= wanted);
}

async function upgrade(): Promise<void> {
  const { lines } = await gateway.upgrade();
  assert.equal(lines.at(-1)?.outcome, 'done', JSON.stringify(lines.at(-1)));
}

/** The workers, by process and number, that have served these requests. */
function workersOf(ids: ReadonlySet<string>): ReadonlySet<string> {
  const found = gateway.records().filter(({ id }) => ids.has(id));
  return new Set(found.map(({ process, worker }) => `${process} ${worker}`));
}

describe('an upgrade under load within TLS', { skip, timeout: 180_000 }, () => {
  test('loses no request, also while certificates change', async () => {
    await start();
    load = new TlsLoad(address, trusting());
    await answeredMore(50);
    await upgrade();
    assert.equal(await gateway.exited, 0);
    await answeredMore(50);
    const { certificate, key } = authority.issue({ names: ['edge.test'] });
    writeFileSync(join(folder, 'edge.pem'), certificate);
    writeFileSync(join(folder, 'edge.key'), key);
    gateway.configure(settings(3));
    await upgrade();
    await answeredMore(50);
    const { answered, failed } = await load.stop();
    assert.deepEqual(failed, []);
    assert.ok(answered >= 150, `${answered} answers`);
    const kinds = gateway.events().map(({ kind }) => kind);
    assert.ok(!kinds.includes('tls_handshakes_failed') && !kinds.includes('worker_lost'), kinds.join());
  });

  test('keeps the sessions of both versions: the successor resumes them at every worker', async () => {
    await start();
    const versions = ['TLSv1.2', 'TLSv1.3'] as const;
    const clients = versions.map((version) => trusting({ minVersion: version, maxVersion: version }));
    const sessions = await Promise.all(clients.map(async (client) => (await visitOnce(address, client)).session));
    await upgrade();
    assert.equal(await gateway.exited, 0);
    for (const [index, client] of clients.entries()) {
      const session = sessions[index] ?? assert.fail('no session');
      const ids = new Set<string>();
      const outcomes = new Set<string>();
      await gateway.until(async () => {
        const { isResumed, status, id } = await visitOnce(address, { ...client, session });
        outcomes.add(`${status} ${isResumed ? 'resumed' : 'full handshake'}`);
        ids.add(id ?? '');
        return workersOf(ids).size === 2;
      });
      assert.deepEqual([...outcomes], ['200 resumed'], String(versions[index]));
    }
  });

  // `npm test` shows it of downloads in clear text (`upgrade.test.ts`).
  if (isWholeSweep)
    test('serves a request within TLS that was in flight to its end', async () => {
      await start();
      const client = new SecureClient(address, trusting());
      client.write('GET /download HTTP/1.1\r\nHost: edge.test\r\n\r\n');
      assert.ok(await client.waitFor(() => client.bytes.includes('\r\n\r\n'), 10_000), 'the response has begun');
      await upgrade();
      assert.equal((await responseOn(client)).body.length, 40_000);
      client.close();
    });
});

// `npm test` reloads without load (`test/tls/reload.test.ts`).
if (isWholeSweep)
  describe('a reload under load within TLS', { skip, timeout: 180_000 }, () => {
    test('loses no request, with any number of workers', async () => {
      await start();
      load = new TlsLoad(address, trusting());
      for (const workers of [3, 1, 2]) {
        await answeredMore(50);
        gateway.configure(settings(workers));
        assert.equal(((await gateway.ask('POST', '/v1/reload')) as { ok: boolean }).ok, true);
      }
      await answeredMore(50);
      assert.deepEqual((await load.stop()).failed, []);
    });
  });
