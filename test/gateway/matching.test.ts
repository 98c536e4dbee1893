import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { requestText, startFromYaml, type YamlGateway } from './start-from-yaml.ts';

// What routes match, from the text of a configuration to the bytes.

let edge: YamlGateway;

before(async () => {
  edge = await startFromYaml(`
listeners: { http: "127.0.0.1:0", internal: "127.0.0.1:0" }
trusted_peers: [127.0.0.1]
routes:
  - { listener: internal, path: /metrics, respond: { body: internal } }
  - { path: "= /login", respond: { body: exact } }
  - { path: ["*.php", "/users/*/edit"], respond: { body: glob } }
  - { path: "~ ^/orders/(?<id>[0-9]+)$", respond: { body: pattern } }
  - { host: '~ ^s[0-9]+\\.test$', respond: { body: host-pattern } }
  - { host: "shop-*.test", respond: { body: host-glob } }
  - { path: /h, headers: { X-A: { prefix: a, suffix: z } }, respond: { body: header } }
  - { path: /h, headers: { X-A: { pattern: "^[0-9]+$" } }, respond: { body: header-pattern } }
  - { path: /h, headers: { X-A: { present: false } }, respond: { body: header-absent } }
  - { path: /q, query: { "a b": "1&2" }, respond: { body: query } }
  - { path: /c, cookies: { beta: { present: true } }, respond: { body: cookie } }
  - { path: /n, client_address: [10.0.0.0/8], respond: { body: network } }
  - { path: /s, scheme: https, respond: { body: https } }
  - { path: /x, not: { methods: GET }, respond: { body: not } }
  - { path: /x, any: [{ query: { k: v } }, { headers: { X-Api-Key: hunter2-secret } }], respond: { body: any } }
`);
});
after(() => edge.stop());

const table: readonly (readonly [target: string, headers: readonly string[], route: string | null])[] = [
  ['/login?x', [], 'exact'],
  ['/%6Cogin', [], 'exact'],
  ['/login/', [], null],
  ['/a/b.php?c', [], 'glob'],
  ['/a/b%2Ephp', [], 'glob'],
  ['/users/1/edit', [], 'glob'],
  ['/users/1/2/edit', [], null],
  ['/orders/12?x=y', [], 'pattern'],
  ['/x/../orders/%31', [], 'pattern'],
  ['/orders/12/', [], null],
  ['/', ['Host: s12.test:80'], 'host-pattern'],
  ['/', ['Host: shop-1.test'], 'host-glob'],
  ['/', ['Host: shop-1.x.test'], null],
  ['/h', ['X-A: abz'], 'header'],
  ['/h', ['X-A: 12'], 'header-pattern'],
  ['/h', [], 'header-absent'],
  ['/h', ['X-A: x'], null],
  ['/q?c&a+b=1%262', [], 'query'],
  ['/q?a+b=1', [], null],
  ['/q?__proto__=1&%=%ff', [], null],
  ['/c', ['Cookie: a=b; beta=x'], 'cookie'],
  ['/c', ['Cookie: alphabeta=x'], null],
  ['/n', ['X-Forwarded-For: 10.1.1.1'], 'network'],
  ['/n', ['X-Forwarded-For: ::ffff:10.1.1.1'], 'network'],
  ['/n', ['X-Forwarded-For: 11.1.1.1'], null],
  ['/n', [], null],
  ['/s', ['X-Forwarded-Proto: https', 'X-Forwarded-For: 11.1.1.1'], 'https'],
  ['/s', [], null],
  ['/x?k=v', [], 'any'],
  ['/x', ['X-Api-Key: hunter2-secret'], 'any'],
  ['/x', [], null],
  ['/metrics', [], null],
];

describe('a request takes the route whose conditions hold', () => {
  for (const [target, headers, route] of table)
    test(`${target} ${headers.join(', ')}: ${route ?? 'none'}`, async () => {
      const { status, body } = await edge.send(requestText('GET', target, headers));
      assert.deepEqual(
        [status, status === 404 ? null : Buffer.from(body).toString()],
        [route === null ? 404 : 200, route],
      );
    });

  test('of one method, unless it is excluded', async () => {
    const { body } = await edge.send(requestText('POST', '/x', ['Content-Length: 0']));
    assert.equal(Buffer.from(body).toString(), 'not');
  });

  test('of one listener', async () => {
    const { body } = await edge.send(requestText('GET', '/metrics'), 'internal');
    assert.equal(Buffer.from(body).toString(), 'internal');
  });
});

test('the value of a condition is in no id, status, metrics or explanation', async () => {
  const client = { address: '', listener: '', scheme: 'http' as const };
  const question = { method: 'GET', authority: 'a', target: '/x', headers: new Map([['x-api-key', 'wrong']]), client };
  const explained = await edge.gateway.explainRoute(question);
  assert.match(JSON.stringify(explained), /the header x-api-key has another value than that of the route/);
  for (const shown of [explained, edge.gateway.status(), edge.gateway.effectiveConfiguration(), edge.events])
    assert.doesNotMatch(JSON.stringify(shown), /hunter2/);
});
