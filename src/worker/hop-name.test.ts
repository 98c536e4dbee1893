import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ListenerSpec } from '../core/listener-spec.ts';
import { hopNameOf } from './hop-name.ts';

function named(deployment: string, member: string, ...ports: readonly number[]): string {
  const listeners = ports.map(
    (port): ListenerSpec => ({ id: 'http', host: '::', port, proxyProtocol: false, http2: false, tls: null }),
  );
  return hopNameOf({ deployment, member, listeners });
}

describe('a gateway calls itself', () => {
  it('by the configured name of its deployment, on every member', () => {
    assert.equal(named('edge', 'host-1', 8080), 'edge');
    assert.equal(named('edge', 'host-2', 8080), 'edge');
  });

  it('by host and port if its deployment has no configured name, so that two gateways on a host have different names', () => {
    assert.equal(named('host', 'host', 80, 443), 'host:80');
    assert.notEqual(named('host', 'host', 8080), named('host', 'host', 8081));
  });

  it('by its name alone if the system chooses the port', () => {
    assert.equal(named('host', 'host', 0), 'host');
    assert.equal(named('host', 'host'), 'host');
  });
});
