import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { headerOf } from '../../src/testing/testing.ts';
import { requestText, startFromYaml, type YamlGateway } from './start-from-yaml.ts';

let edge: YamlGateway;

before(async () => {
  edge = await startFromYaml(`
routes:
  - { host: old.test, redirect: "https://new.test" }
  - { host: slash.test, redirect: { location: "https://new.test/", status: 301 } }
  - { host: home.test, redirect: { location: "https://new.test/", keep_path: false } }
  - { host: page.test, redirect: "https://new.test/page" }
  - { host: query.test, redirect: "https://new.test/search{query}" }
  - { host: [plain.test, "*.plain.test"], redirect: "https://{host}" }
  - { path: /v1, redirect: "/v2{path}{query}" }
  - { path: /any, redirect: "https://{host}{path}" }
  - { redirect: "/moved" }
`);
});
after(() => edge.stop());

const location = async (host: string, target: string) =>
  headerOf(await edge.send(requestText('GET', target, [`Host: ${host}`])), 'location');

describe('a redirect', () => {
  for (const [host, target, expected] of [
    ['old.test', '/a/b?c=d&e', 'https://new.test/a/b?c=d&e'],
    ['old.test', '/', 'https://new.test/'],
    ['old.test', '//evil.test/%2e%2e/x', 'https://new.test/x'],
    ['slash.test', '/a?b', 'https://new.test/a?b'],
    ['home.test', '/a?b', 'https://new.test/'],
    ['page.test', '/a?b', 'https://new.test/page'],
    ['query.test', '/a?b', 'https://new.test/search?b'],
    ['plain.test:8080', '/a?b', 'https://plain.test/a?b'],
    ['www.plain.test', '/a', 'https://www.plain.test/a'],
    ['x.test', '/v1/a?b', '/v2/v1/a?b'],
    ['x.test', '/else?b', '/moved'],
  ] as const)
    test(`of ${host}${target} leads to ${expected}`, async () => assert.equal(await location(host, target), expected));

  test('keeps a path and query as long as a target may be', async () => {
    const target = `/${'p'.repeat(7000)}?${'q'.repeat(9000)}`;
    assert.equal(await location('old.test', target), `https://new.test${target}`);
  });

  test('to the host of the request is refused if the request names none', async () => {
    const response = await edge.send('GET /any/x HTTP/1.0\r\n\r\n');
    assert.equal(response.status, 400);
    const record = await edge.record(response);
    assert.deepEqual([record.cause, record.end, record.status], ['request_refused', 'generated', 400]);
    assert.match(record.detail ?? '', /Host/);
  });
});
