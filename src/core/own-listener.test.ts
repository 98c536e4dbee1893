import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ownListener } from './own-listener.ts';

const table: [listener: string, endpoint: string, own: boolean][] = [
  ['127.0.0.1', '127.0.0.1', true],
  ['127.0.0.1', '127.0.0.2', false],
  ['127.0.0.1', 'localhost', true],
  ['localhost', 'localhost', true],
  ['localhost', '127.0.0.1', true],
  ['localhost', '::1', true],
  ['localhost', '192.168.1.5', false],
  ['0.0.0.0', '127.0.0.1', true],
  ['0.0.0.0', 'localhost', true],
  ['0.0.0.0', '192.168.1.5', true],
  ['0.0.0.0', '0.0.0.0', true],
  ['0.0.0.0', '192.168.1.6', false],
  ['0.0.0.0', 'app.internal', false],
  ['0.0.0.0', '::1', false],
  ['0.0.0.0', 'fe80::5', false],
  ['::', 'fe80::5', true],
  ['::', '::1', true],
  ['::', '127.0.0.1', true],
  ['::', '::ffff:127.0.0.1', true],
  ['::', '10.9.9.9', false],
  ['0.0.0.0', '::ffff:192.168.1.5', true],
  ['0.0.0.0', '127.0.0.9', true],
  ['::', 'fe80::5%eth0', true],
  ['::', '0.0.0.0', true],
  ['127.0.0.1', '::ffff:127.0.0.1', true],
  ['127.0.0.1', '0.0.0.0', true],
  ['::1', '::', true],
  ['::1', '0.0.0.0', false],
  ['localhost', '0.0.0.0', true],
  ['192.168.1.5', '0.0.0.0', false],
  ['192.168.1.5', '::ffff:192.168.1.5', true],
  ['192.168.1.5', '127.0.0.1', false],
  ['192.168.1.5', 'localhost', false],
];

describe('an endpoint on the port of a listener', () => {
  const addresses = (): string[] => ['127.0.0.1', '::1', '192.168.1.5', 'fe80::5'];
  for (const [host, endpoint, own] of table) {
    it(`${endpoint} ${own ? 'is' : 'is not'} the listener at ${host}`, () => {
      const listeners = [{ host, port: 8080 }];
      assert.equal(ownListener({ host: endpoint, port: 8080 }, listeners, addresses), own ? listeners[0] : null);
      assert.equal(ownListener({ host: endpoint, port: 8081 }, listeners, addresses), null);
    });
  }

  it('is not the listener while the system has not chosen its port', () => {
    assert.equal(ownListener({ host: '::1', port: 0 }, [{ host: '::1', port: 0 }], addresses), null);
  });
});
