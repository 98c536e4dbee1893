import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EndpointId } from '../core/endpoint.ts';
import type { UpstreamSnapshot } from '../core/snapshot.ts';
import { EndpointCertificates } from './endpoint-certificates.ts';

const certificate = { names: ['a.test'], notAfter: 1 };

function upstream(tls: object | null, ...ids: readonly string[]): Pick<UpstreamSnapshot, 'tls' | 'endpoints'> {
  return { tls, endpoints: ids.map((id) => ({ id })) } as unknown as UpstreamSnapshot;
}

test('certificates of endpoints that are gone, or without TLS now, are watched no more and forgotten', () => {
  let upstreams = [upstream({}, 'app/a', 'app/b'), upstream({}, 'other/c')];
  const certificates = new EndpointCertificates(() => upstreams);
  for (const endpoint of ['app/a', 'app/b', 'other/c']) certificates.note({ endpoint, certificate });
  assert.deepEqual(
    certificates.watched().map(({ subject }) => subject),
    ['endpoint:app/a', 'endpoint:app/b', 'endpoint:other/c'],
  );
  upstreams = [upstream({}, 'app/b', 'app/new'), upstream(null, 'other/c')];
  assert.deepEqual(certificates.watched(), [{ subject: 'endpoint:app/b', ...certificate }]);
  assert.equal(certificates.of('app/a' as EndpointId), null);
  assert.deepEqual(certificates.of('app/b' as EndpointId), certificate);
});
