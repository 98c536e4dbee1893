import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { startTlsFaultOrigin, type TlsFaultOrigin } from '../../src/testing/testing.ts';
import type { ProbeReport } from '../../src/probe/probe-report.ts';
import { expectedOutcomes } from '../tls/expected-outcomes.ts';
import { limits, probeUrl } from './probe-options.ts';

// Direct probes of every TLS fault, judged by the table that the gateway is judged by.

let origin: TlsFaultOrigin;
before(async () => {
  origin = await startTlsFaultOrigin();
});
after(() => origin.close());

function probeTls(fault: string | null, verify = true): Promise<ProbeReport> {
  const { host, port } = fault === null ? origin.address : origin.addressOf(fault);
  return probeUrl(`https://${host}:${port}/ok`, {
    host: origin.serverName,
    requests: 1,
    tls: { verify, ca: origin.authority.certificate },
    limits: { ...limits, headMs: 2000, idleMs: 1000 },
  });
}

describe('each behaviour of a TLS origin has its stage and its shape', { concurrency: 8 }, () => {
  for (const [name, { cause, shape, evidence }] of Object.entries(expectedOutcomes)) {
    test(`${name}: ${cause ?? 'works'}`, async () => {
      const { verdict, direct } = await probeTls(name);
      assert.deepEqual([verdict.shape, verdict.cause, verdict.works], [shape, cause, cause === null]);
      if (cause === null) return;
      const failure = direct.addresses[0]?.failure ?? direct.get?.failure;
      for (const [key, value] of Object.entries(evidence ?? {})) assert.deepEqual(failure?.evidence[key], value, key);
      const stage = cause.startsWith('response_body') ? 'body' : /^(?:closed|reset)_/.test(cause) ? 'response' : 'tls';
      // An alert of TLS 1.3 comes after the handshake.
      assert.equal(verdict.stage, name === 'tls-client-certificate' ? 'response' : stage);
    });
  }
});

describe('a server with TLS', () => {
  test('shows its chain, its names and its expiry', async () => {
    const { tls } = (await probeTls('tls-chain')).direct;
    assert.equal(tls?.refusal, null);
    assert.deepEqual(
      tls?.chain.map(({ subject }) => subject),
      ['CN=origin.test', 'CN=Intermediate', 'CN=Candor Test Authority'],
    );
    assert.equal(tls?.chain[0]?.names, 'origin.test');
    assert.ok((tls?.chain[0]?.daysLeft ?? 0) >= 29);
    assert.match(tls?.version ?? '', /^TLSv1\.[23]$/);
    assert.deepEqual([tls?.serverName, tls?.withoutName], ['origin.test', 'same']);
  });

  test('shows a certificate that is not accepted as well', async () => {
    const { direct } = await probeTls('certificate-expired');
    assert.equal(direct.tls?.refusal, 'CERT_HAS_EXPIRED');
    assert.ok((direct.tls?.chain[0]?.daysLeft ?? 0) < 0);
  });

  test('whose certificate is not accepted works if the probe accepts any, and a note says so', async () => {
    const { verdict } = await probeTls('certificate-self-signed', false);
    assert.equal(verdict.works, true);
    assert.ok(verdict.notes.some((note) => note.includes('DEPTH_ZERO_SELF_SIGNED_CERT')));
  });

  test('keeps its connection for every request of the series', async () => {
    const { host, port } = origin.address;
    const { direct } = await probeUrl(`https://${host}:${port}/ok`, {
      tls: { verify: true, ca: origin.authority.certificate },
      requests: 30,
    });
    assert.deepEqual([direct.series?.requests, direct.series?.reused, direct.series?.connections], [30, 29, 1]);
  });

  test('gets the name of the URL where no other is given', async () => {
    const { host, port } = origin.address;
    const { verdict, direct } = await probeUrl(`https://${host}:${port}/ok`, {
      tls: { verify: true, ca: origin.authority.certificate },
    });
    assert.deepEqual([verdict.works, direct.tls?.serverName, direct.tls?.withoutName], [true, null, 'unknown']);
  });
});
