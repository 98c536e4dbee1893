import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exposedAt } from './exposure.ts';

test('a port is exposed where it is open on every address, of either family', () => {
  assert.equal(exposedAt([{ host: '0.0.0.0', port: 3000 }], 3000), '0.0.0.0:3000');
  const two = [
    { host: '127.0.0.1', port: 3000 },
    { host: '::', port: 3000 },
  ];
  assert.equal(exposedAt(two, 3000), '[::]:3000');
});

test('a port of loopback is not exposed, whatever else the application listens on', () => {
  for (const host of ['127.0.0.1', '::1', '::ffff:127.0.0.1', '192.0.2.1'])
    assert.equal(exposedAt([{ host, port: 3000 }], 3000), null);
  assert.equal(exposedAt([{ host: '0.0.0.0', port: 9090 }], 3000), null);
  assert.equal(exposedAt([], 3000), null);
});
