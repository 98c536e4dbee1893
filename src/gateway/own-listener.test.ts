import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isOwnListener } from './own-listener.ts';

const table: [listener: string, endpoint: string, own: boolean][] = [
  ['127.0.0.1', '127.0.0.1', true],
  ['127.0.0.1', '127.0.0.2', false],
  ['localhost', '127.0.0.1', true],
  ['localhost', '::1', true],
  ['0.0.0.0', '127.0.0.1', true],
  ['0.0.0.0', '192.168.1.5', true],
  ['0.0.0.0', '0.0.0.0', true],
  ['0.0.0.0', '192.168.1.6', false],
  ['0.0.0.0', '::1', false],
  ['0.0.0.0', 'fe80::5', false],
  ['::', 'fe80::5', true],
  ['::', '::1', true],
  ['::', '127.0.0.1', true],
  ['::', '::ffff:127.0.0.1', true],
  ['::', '10.9.9.9', false],
  ['192.168.1.5', '127.0.0.1', false],
];

describe('an endpoint on the port of a listener', () => {
  const addresses = (): string[] => ['127.0.0.1', '::1', '192.168.1.5', 'fe80::5'];
  for (const [listener, endpoint, own] of table) {
    it(`${endpoint} ${own ? 'is' : 'is not'} the listener at ${listener}`, () => {
      assert.equal(isOwnListener(endpoint, 8080, [{ host: listener, port: 8080 }], addresses), own);
      assert.equal(isOwnListener(endpoint, 8081, [{ host: listener, port: 8080 }], addresses), false);
    });
  }
});
