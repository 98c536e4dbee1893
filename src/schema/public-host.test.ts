import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isPublicHost } from './public-host.ts';

test('a host is public unless it is an address or a name of this machine or of a private network', () => {
  const hosts: readonly string[][] = [
    [
      'login.example.org',
      'LOGIN.Example.ORG.',
      '9.9.9.9',
      '172.32.0.1',
      '2620:fe::fe',
      '[2620:fe::fe]',
      '::ffff:9.9.9.9',
    ],
    [
      'login',
      'localhost',
      'LOCALHOST',
      'a.localhost.',
      'keycloak.auth.svc',
      'keycloak.auth.svc.cluster.local',
      'id.lan',
    ],
    ['127.0.0.1', '10.1.2.3', '172.31.0.1', '192.168.1.1', '100.64.0.1', '169.254.1.1', '0.0.0.0'],
    ['::1', '[::1]', 'fd00::1', 'fe80::1%eth0', '::ffff:10.0.0.1'],
  ];
  assert.deepEqual(
    hosts.map((some) => some.filter(isPublicHost)),
    [hosts[0], [], [], []],
  );
});
