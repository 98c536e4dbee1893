import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createSecureServer, createServer, type Http2SecureServer, type Http2Server } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { certificateAuthority, type FaultOrigin, startFaultOrigin } from '../../src/testing/testing.ts';
import { systemClock } from '../../src/system/system.ts';
import { probeUrl } from './probe-options.ts';

const authority = certificateAuthority(systemClock.wallTime());
let plain: Http2Server;
let secure: Http2SecureServer;
let origin: FaultOrigin;
before(async () => {
  const { certificate: cert, key } = authority.issue({ names: ['127.0.0.1'] });
  plain = createServer((_request, response) => response.end('two\n')).listen(0, '127.0.0.1');
  secure = createSecureServer({ cert, key, allowHTTP1: true }, (_request, response) => response.end('two\n'));
  secure.listen(0, '127.0.0.1');
  await Promise.all([once(plain, 'listening'), once(secure, 'listening')]);
  origin = await startFaultOrigin();
});
after(async () => {
  plain.close();
  secure.close();
  await origin.close();
});

const portOf = (server: Http2Server | Http2SecureServer): number => (server.address() as AddressInfo).port;
const tls = { verify: true, ca: authority.certificate };

describe('a probe over HTTP/2', () => {
  test('within TLS speaks the protocol that the server agrees to, on one connection', async () => {
    const url = `https://127.0.0.1:${portOf(secure)}/`;
    const { direct, verdict } = await probeUrl(url, { tls, http2: true, requests: 5 });
    assert.equal(verdict.works, true, verdict.sentence);
    assert.deepEqual([direct.get?.version, direct.get?.status, direct.tls?.alpn], ['HTTP/2', 200, 'h2']);
    assert.deepEqual([direct.series?.reused, direct.series?.connections], [4, 1]);
    assert.equal(direct.head?.status, 200);
  });

  test('in clear text needs no negotiation', async () => {
    const { direct, verdict } = await probeUrl(`http://127.0.0.1:${portOf(plain)}/`, { http2: true, requests: 5 });
    assert.equal(verdict.works, true, verdict.sentence);
    assert.deepEqual([direct.get?.version, direct.series?.reused], ['HTTP/2', 4]);
  });

  test('without it the server is asked over HTTP/1.1, and the probe says that it could speak HTTP/2', async () => {
    const { direct } = await probeUrl(`https://127.0.0.1:${portOf(secure)}/`, { tls });
    assert.deepEqual([direct.get?.version, direct.tls?.alpn], ['HTTP/1.1', 'h2']);
  });

  test('finds the server that speaks only HTTP/2 in clear text', async () => {
    const { verdict } = await probeUrl(`http://127.0.0.1:${portOf(plain)}/`);
    assert.deepEqual([verdict.works, verdict.shape], [false, 'garbage'], verdict.sentence);
  });

  test('finds the server that speaks only HTTP/1.1', async () => {
    const { verdict } = await probeUrl(`${origin.url}/ok`, { http2: true });
    assert.deepEqual([verdict.works, verdict.layer], [false, 'application'], verdict.sentence);
  });
});
