import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { metricsText } from '../../src/control/metrics/metrics.ts';
import { systemClock } from '../../src/system/system.ts';
import { certificateAuthority, type IssuedCertificate } from '../../src/testing/certificates.ts';
import { startFromYaml, until, type YamlGateway } from './start-from-yaml.ts';

// The gateway remembers when the certificates expire that it sees in its handshakes with endpoints.

const dayMs = 86_400_000;
const authority = certificateAuthority(systemClock.wallTime());
/** Whole seconds, as certificates have them. */
const soon = Math.floor(systemClock.wallTime() / 1000) * 1000 + 5 * dayMs;
const later = soon + 60 * dayMs;
const expiring = authority.issue({ names: ['origin.test', '127.0.0.1'], notAfter: soon });
const renewed = authority.issue({ names: ['origin.test', '127.0.0.1'], notAfter: later });

let origin: Server;
let port: number;
let handshakes = 0;

function show({ certificate, key }: IssuedCertificate): void {
  origin.setSecureContext({ cert: certificate, key });
}

function shown(edge: YamlGateway): { names: readonly string[]; notAfter: string } | null {
  return edge.gateway.status().upstreams[0]?.endpoints[0]?.certificate ?? null;
}

const yaml = (check: string): string => `
upstreams:
  app: { endpoints: "https://127.0.0.1:${port}", tls: { ca_file: ca.pem }, check: ${check} }
`;
const files = { 'ca.pem': authority.certificate };

before(async () => {
  origin = createServer({ cert: expiring.certificate, key: expiring.key }, (_, response) => {
    response.setHeader('Connection', 'close');
    response.end('served');
  });
  origin.on('secureConnection', () => handshakes++);
  await new Promise<void>((resolve) => origin.listen(0, '127.0.0.1', resolve));
  ({ port } = origin.address() as AddressInfo);
});
after(() => origin.close());

describe('the certificate of an endpoint', () => {
  for (const check of ['tcp', '/'])
    test(`is known from health checks (${check}): status, metric, event; and its successor`, async () => {
      show(expiring);
      const edge = await startFromYaml(yaml(`${check === '/' ? '{ path: /, ' : '{ '}interval: 100ms }`), { files });
      try {
        await until('a check has seen it', () => shown(edge) !== null);
        const notAfter = new Date(soon).toISOString();
        const unknown = { notBefore: null, issuer: null };
        assert.deepEqual(shown(edge), { names: ['origin.test', '127.0.0.1'], notAfter, ...unknown });
        const sample = `candor_upstream_certificate_not_after_seconds{upstream="app",endpoint="127.0.0.1:${port}"} ${soon / 1000}`;
        const { parts } = await metricsText(edge.gateway, systemClock);
        assert.ok(Buffer.concat(parts).toString().includes(sample));
        const [event] = edge.eventsOf('certificate_expiring');
        assert.equal(event?.subject, `endpoint:app/127.0.0.1:${port}`);
        assert.match(
          event.reason,
          /^the certificate of the endpoint for origin.test expires in 4 days, on [0-9-]+: renew it there$/,
        );
        show(renewed);
        await until('a check has seen the new one', () => shown(edge)?.notAfter === new Date(later).toISOString());
        assert.equal(edge.eventsOf('certificate_expiring').length, 1);
      } finally {
        await edge.stop();
      }
    });

  test('is known from requests where there are no checks, and costs no connection', async () => {
    show(expiring);
    const edge = await startFromYaml(yaml('none'), { files });
    try {
      assert.equal(shown(edge), null);
      handshakes = 0;
      assert.equal((await edge.get('/')).status, 200);
      await edge.gateway.refreshCounts();
      assert.equal(shown(edge)?.notAfter, new Date(soon).toISOString());
      show(renewed);
      assert.equal((await edge.get('/')).status, 200);
      await edge.gateway.refreshCounts();
      assert.equal(shown(edge)?.notAfter, new Date(later).toISOString());
      assert.equal(handshakes, 2);
    } finally {
      await edge.stop();
    }
  });
});
