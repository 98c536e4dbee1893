import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { startTlsFaultOrigin, type TlsFaultOrigin } from '../../src/testing/testing.ts';
import { startFromYaml, until, type YamlGateway } from '../gateway/start-from-yaml.ts';

// What an operator can say of TLS to an upstream, from the text of a configuration to the handshake.

let origin: TlsFaultOrigin;
before(async () => {
  origin = await startTlsFaultOrigin();
});
after(() => origin.close());

async function gatewayTo(fault: string | null, tls: string, check = 'none'): Promise<YamlGateway> {
  const { host, port } = fault === null ? origin.address : origin.addressOf(fault);
  const own = origin.authority.issue({ names: ['gateway.test'], client: true });
  // One worker, since each has connections of its own.
  const upstream = `{ endpoints: "https://${host}:${port}", tls: ${tls}, check: ${check} }`;
  return startFromYaml(`workers: 1\nupstreams: { app: ${upstream} }`, {
    files: { 'ca.pem': origin.authority.certificate, 'own.pem': own.certificate, 'own.key': own.key },
  });
}

describe('TLS to an upstream', () => {
  const table: readonly (readonly [what: string, fault: string | null, tls: string, status: number])[] = [
    ['verifies the name that it is told', null, '{ server_name: origin.test, ca_file: ca.pem }', 200],
    ['verifies the address where it is told no name', null, '{ ca_file: ca.pem }', 200],
    ['trusts nobody but the system without a file of authorities', null, '{ server_name: origin.test }', 502],
    ['believes no other name', null, '{ server_name: other.test, ca_file: ca.pem }', 502],
    ['believes everybody when told to', 'certificate-expired', '{ verify: false }', 200],
    [
      'shows no certificate that it does not have',
      'tls-client-certificate',
      '{ server_name: origin.test, ca_file: ca.pem }',
      502,
    ],
    ...['tls-client-certificate', 'tls12-client-certificate'].map(
      (fault) =>
        [
          `shows its own when asked for it (${fault})`,
          fault,
          '{ server_name: origin.test, ca_file: ca.pem, certificate_file: own.pem, key_file: own.key }',
          200,
        ] as const,
    ),
  ];
  for (const [what, fault, tls, status] of table) {
    test(what, async () => {
      const gateway = await gatewayTo(fault, tls);
      try {
        assert.equal((await gateway.get('/ok')).status, status);
        assert.equal(gateway.counts().unclassified, 0);
      } finally {
        await gateway.stop();
      }
    });
  }

  test('is kept for the next request', async () => {
    const gateway = await gatewayTo(null, '{ server_name: origin.test, ca_file: ca.pem }');
    try {
      await gateway.get('/ok');
      const { attempts } = await gateway.record(await gateway.get('/ok'));
      assert.deepEqual([attempts[0]?.reused, attempts[0]?.tls_ms], [true, null]);
    } finally {
      await gateway.stop();
    }
  });

  for (const [fault, says] of [
    ['certificate-expired', /ran out at \d{4}-/],
    ['tls-alert-80', /alert 80 \(internal_error\)/],
    ['tls-plain-http', /in plain HTTP/],
  ] as const) {
    test(`is what health checks see too (${fault})`, async () => {
      const tls = '{ server_name: origin.test, ca_file: ca.pem }';
      const gateway = await gatewayTo(fault, tls, '{ path: /ok, interval: 100ms, timeout: 1s }');
      const endpoint = () => gateway.gateway.status().upstreams[0]?.endpoints[0];
      try {
        await until('it is unhealthy', () => endpoint()?.state === 'unhealthy');
        assert.match(endpoint()?.reason ?? '', says);
      } finally {
        await gateway.stop();
      }
    });
  }
});
