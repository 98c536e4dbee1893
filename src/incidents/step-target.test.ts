import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LiveIncident } from '../core/live-incident.ts';
import { withTarget } from './step-target.ts';

const step = 'curl http://HOST:PORT/PATH | cat; openssl s_client -connect HOST:PORT';
const said = (route: string, ...endpoints: readonly (readonly [endpoint: string, failed: number])[]): string =>
  withTarget(step, {
    ...{ cause: 'response_framing', routes: [{ route, failed: 3 }] },
    endpoints: endpoints.map(([endpoint, failed]) => ({ endpoint, attempts: 9, failed })),
  } as unknown as LiveIncident);

test('a step names the endpoint and the route with the most failures', () => {
  const cases: readonly (readonly [route: string, endpoint: string, address: string, path: string])[] = [
    ['/orders', 'api/10.0.0.1:3000', '10.0.0.1:3000', '/orders'],
    ['shop.example/v1/pay', 'api/[::1]:80', '[::1]:80', '/v1/pay'],
    ['all', 'web/web/2/127.0.0.1:4000', '127.0.0.1:4000', '/'],
    ['/$(id)', 'api/10.0.0.1:3000', '10.0.0.1:3000', '/'],
  ];
  for (const [route, endpoint, address, path] of cases)
    assert.equal(
      said(route, ['api/10.0.0.9:1', 1], [endpoint, 5]),
      `curl http://${address}${path} | cat; openssl s_client -connect ${address}`,
    );
});

test('a step uses TLS where the gateway does, but for what TLS itself fails with', () => {
  const of = (cause: string, tls: boolean): string =>
    withTarget(
      'curl -v http://HOST:PORT/PATH | cat; openssl s_client -connect HOST:PORT',
      {
        ...{ cause, routes: [{ route: '/orders', failed: 3 }] },
        endpoints: [{ endpoint: 'api/10.0.0.1:443', attempts: 9, failed: 9 }],
      } as unknown as LiveIncident,
      { application: null, endpoints: [], ...(tls ? { tls: true as const } : {}) },
    );
  const other = ' | cat; openssl s_client -connect 10.0.0.1:443';
  assert.equal(of('response_framing', true), `curl -k -v https://10.0.0.1:443/orders${other}`);
  assert.equal(of('response_framing', false), `curl -v http://10.0.0.1:443/orders${other}`);
  assert.equal(of('tls_plaintext_peer', true), `curl -v http://10.0.0.1:443/orders${other}`);
});

test('a step stays as it is where the endpoint has no address that a command takes', () => {
  assert.equal(said('/orders'), step);
  assert.equal(said('/orders', ['api/unix:/run/api.sock', 5]), step);
});
