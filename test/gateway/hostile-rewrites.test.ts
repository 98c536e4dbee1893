import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { headerOf } from '../../src/testing/testing.ts';
import { originForTests } from './origin-for-tests.ts';
import type { RawOrigin } from './raw-origin.ts';
import { requestText, startFromYaml, type YamlGateway } from './start-from-yaml.ts';

/** What a client writes into a path stays within the folder and the host that the configuration names. */

const origin: RawOrigin = originForTests('of the application');
let edge: YamlGateway | undefined;

before(async () => {
  await origin.listen();
  edge = await startFromYaml(`
upstreams: { app: ${origin.address} }
routes:
  - { path: '~ ^/all/(.*)$', to: app, rewrite: { path: "/in/{capture.1}" } }
  - { path: '~ ^/part-([^/]*)', to: app, rewrite: { path: "/in/{capture.1}/x" } }
  - { path: '~ ^/top/(.*)$', to: app, rewrite: { path: "/{capture.1}" } }
  - { path: /docs, to: app, rewrite: { path: /in/docs } }
  - { path: /below, to: app, rewrite: { path: "/in{path}" } }
  - { path: /as-it-is, to: app }
  - { path: /tenant, to: app, rewrite: { path: "/in/{header.X-Tenant}" } }
  - { path: '~ ^/query/(.*)$', to: app, rewrite: { path: /q, query: { set: { id: "{capture.1}" } } } }
  - { path: '~ ^/go/(.*)$', redirect: "/{capture.1}" }
  - { path: '~ ^/away/(.*)$', redirect: "https://new.test/in/{capture.1}{query}" }
  - { path: '~ ^/login/(.*)$', redirect: "/login?next={capture.1}&x=1" }
`);
});
after(async () => {
  await edge?.stop();
  await origin.close();
});

const long = 'a/%C3%BC/'.repeat(700);

describe('the target of a request to an application', () => {
  const send = async (target: string, lines: readonly string[] = []) => {
    origin.forget();
    await edge!.send(requestText('GET', target, ['Host: www.test', ...lines]));
    const [, sent = ''] = /^GET (\S+) HTTP\/1\.1$/.exec(origin.last.line) ?? [];
    return sent;
  };

  for (const [target, sent] of [
    ['/all/%0d%0aX-Injected:%20a', '/in/%0D%0AX-Injected:%20a'],
    ['/all/%0aa%00b%09c', '/in/%0Aa%00b%09c'],
    ['/all//evil.test', '/in/evil.test'],
    ['/all/x/..//../all/y', '/in/y'],
    ['/all/..%2f..%2Fetc', '/in/%252E%252E%2F%252E%252E%2Fetc'],
    ['/all/%2e%2e%5cetc', '/in/%252E%252E%5Cetc'],
    ['/all/..;a=b/etc', '/in/%252E%252E;a=b/etc'],
    ['/all/a.b/..c', '/in/a.b/..c'],
    ['/all/%252e%252e%252fetc', '/in/%252e%252e%252fetc'],
    ['/all/%c0%ae%c0%ae/etc', '/in/%C0%AE%C0%AE/etc'],
    ['/all/%zz%', '/in/%zz%'],
    ['/all/%41%7e?a=%41&../..', '/in/A~?a=%41&../..'],
    ['/all/a%3Fb%23c?d', '/in/a%3Fb%23c?d'],
    ['/docs/..%2f..%2Fadmin?..%2f', '/in/docs/%252E%252E%2f%252E%252E%2Fadmin?..%2f'],
    ['/docs/..;/%2e.%5cadmin', '/in/docs/%252E%252E;/%252E%252E%5cadmin'],
    ['/docs/a%2Fb/..c', '/in/docs/a%2Fb/..c'],
    ['/below/..%2f..%2fadmin', '/in/below/%252E%252E%2F%252E%252E%2Fadmin'],
    ['/as-it-is/..%2fadmin', '/as-it-is/..%2fadmin'],
    ['/part-..', '/in/%252E%252E/x'],
    ['/part-%2e', '/in/%252E/x'],
    ['/part-..%2F..', '/in/%252E%252E%2F%252E%252E/x'],
    ['/top//evil.test', '/evil.test'],
    ['/top/%2F/evil.test', '/%2F/evil.test'],
    ['/top/http://evil.test/', '/http:/evil.test/'],
    ['/query/a%26b=c%23?x=1&id=2', '/q?x=1&id=a%26b%3Dc%23'],
    ['/query/%0d%0a', '/q?id=%0D%0A'],
    [`/all/${long}`, `/in/${long}`],
  ] as const)
    test(`${target.slice(0, 40)} is ${sent.slice(0, 50)}`, async () => assert.equal(await send(target), sent));

  for (const [value, sent] of [
    ['../../etc', '/in/%252E%252E%2F%252E%252E%2Fetc/shop'],
    ['a?b#c', '/in/a%3Fb%23c/shop'],
    ['%2e%2e', '/in/%252e%252e/shop'],
    ['a b\tc', '/in/a%20b%09c/shop'],
    ['', '/in/shop'],
  ] as const)
    test(`/tenant/shop for the tenant ${JSON.stringify(value)} is ${sent}`, async () =>
      assert.equal(await send('/tenant/shop', [`X-Tenant: ${value}`]), sent));
});

describe('the location of a redirect', () => {
  for (const [target, location] of [
    ['/go//evil.test', '/evil.test'],
    ['/go///evil.test', '/evil.test'],
    ['/go/./%2e//evil.test', '/evil.test'],
    ['/go/%2Fevil.test', '/%2Fevil.test'],
    ['/go/%5Cevil.test', '/%5Cevil.test'],
    ['/go/%09/evil.test', '/%09/evil.test'],
    ['/go/..%2F/evil.test', '/%252E%252E%2F/evil%252Etest'],
    ['/go/https://evil.test', '/https:/evil.test'],
    ['/go/%0d%0aSet-Cookie:%20a=1', '/%0D%0ASet-Cookie:%20a=1'],
    ['/go/?//evil.test', '/'],
    ['/away/@evil.test', 'https://new.test/in/@evil.test'],
    ['/away/..%2f..?a=..', 'https://new.test/in/%252E%252E%2F%252E%252E?a=..'],
    ['/away/x?a%0d%0ab', 'https://new.test/in/x?a%0d%0ab'],
    ['/away/%23a%3Fb', 'https://new.test/in/%23a%3Fb'],
    ['/login/a%26x=2%23', '/login?next=a%26x%3D2%23&x=1'],
    ['/login///evil.test', '/login?next=evil.test&x=1'],
    [`/go/${long}`, `/${long}`],
  ] as const)
    test(`${target.slice(0, 40)} is ${location.slice(0, 50)}`, async () => {
      const response = await edge!.send(requestText('GET', target, ['Host: www.test']));
      assert.deepEqual([response.status, headerOf(response, 'location')], [307, location]);
      assert.equal(headerOf(response, 'set-cookie'), null);
      const { host } = new URL(location, 'http://www.test/');
      assert.equal(host, target.startsWith('/away') ? 'new.test' : 'www.test');
    });
});
