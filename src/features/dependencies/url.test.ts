import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from '../../../test/properties.ts';
import { dependencyOf } from './url.ts';

const of = (url: string) => {
  const found = dependencyOf(url);
  assert.ok(found.ok, found.ok ? '' : found.failure.message);
  return found.value;
};

describe('the URL of a dependency', () => {
  for (const [url, shown] of [
    ['postgres://127.0.0.1/shop', 'postgres://127.0.0.1:5432/shop'],
    ['postgresql://ann:pw@db.example:6432/shop', 'postgresql://db.example:6432/shop'],
    ['postgres://ann:p@:w@[::1]/shop', 'postgres://[::1]:5432/shop'],
    ['postgres:///shop?host=/run/postgresql', 'postgres:/run/postgresql/.s.PGSQL.5432/shop'],
    ['postgres://ann@%2Frun%2Fpostgresql/shop', 'postgres:/run/postgresql/.s.PGSQL.5432/shop'],
    ['mysql://ann@localhost/shop?socket=/run/mysqld.sock', 'mysql:/run/mysqld.sock/shop'],
    ['mariadb://10.0.0.1', 'mariadb://10.0.0.1:3306'],
    ['redis://:pw@127.0.0.1/3', 'redis://127.0.0.1:6379'],
    ['rediss://cache.example', 'rediss://cache.example:6379'],
    ['https://api.example/health?key=pw', 'https://api.example:443'],
    ['tcp://127.0.0.1:25', 'tcp://127.0.0.1:25'],
    ['unix:///run/a.sock', 'unix:/run/a.sock'],
  ] as const)
    test(`${url} is shown as ${shown}, without what may be secret`, () => {
      assert.equal(of(url).shown, shown);
    });

  test('has user, password and database, decoded', () => {
    const { user, password, database, tls } = of('postgres://a%40b:p%2Fw:x@127.0.0.1/sh%20op?sslmode=verify-full');
    assert.deepEqual([user, password, database, tls], ['a@b', 'p/w:x', 'sh op', true]);
    assert.equal(of('postgres://127.0.0.1/shop').password, null);
    assert.equal(of('postgres://127.0.0.1/shop?sslmode=prefer').tls, false);
  });

  test('over HTTP has the path with its query, and the Host header', () => {
    const { path, host, tls } = of('http://127.0.0.1:3000/health?full=1');
    assert.deepEqual([path, host, tls], ['/health?full=1', '127.0.0.1:3000', false]);
    assert.deepEqual([of('https://api.example').path, of('https://api.example').host], ['/', 'api.example']);
  });

  for (const [url, message] of [
    ['127.0.0.1:5432', 'this is no URL'],
    ['amqp://127.0.0.1', 'no check is known for the scheme amqp'],
    ['tcp://127.0.0.1', 'the URL has no port'],
    ['postgres://127.0.0.1:70000/shop', 'this is no port'],
    ['postgres:///shop', 'the URL has no host'],
    ['unix://', 'the path of the socket is missing'],
    ['redis://a:%zz@127.0.0.1', 'a % has no two hexadecimal digits behind it'],
    ['postgres://ann:12/x@127.0.0.1/shop', 'there is an @ behind the host'],
    ['redis://ann:12?x@127.0.0.1', 'there is an @ behind the host'],
    ['http://ann:pw@127.0.0.1/', 'a check over HTTP or of a connection sends no user and no password'],
  ] as const)
    test(`${url}: ${message}`, () => {
      const found = dependencyOf(url);
      assert.equal(found.ok ? 'accepted' : found.failure.message, message);
    });

  test('of any form throws nothing, and what is wrong repeats nothing of a password', () => {
    const part = fc.oneof(
      fc.constantFrom('postgres://', 'redis://', 'http://', '@', ':', '/', '?', '%', '[', ']', 'host='),
      fc.string(),
    );
    fc.assert(
      fc.property(fc.array(part, { maxLength: 8 }), (parts) => {
        const found = dependencyOf(`postgres://ann:Kn4rvz8Q2@${parts.join('')}`);
        const said = found.ok ? found.value.shown : `${found.failure.message} ${found.failure.suggestion}`;
        assert.ok(!said.includes('Kn4rvz8Q2') || parts.join('').includes('@') || parts.join('').includes('Kn4'));
        dependencyOf(parts.join(''));
      }),
      { numRuns: 2000 },
    );
  });
});
