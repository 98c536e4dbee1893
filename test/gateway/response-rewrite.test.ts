import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { headerOf } from '../../src/testing/testing.ts';
import { ok, RawOrigin } from './raw-origin.ts';
import { requestText, startFromYaml, type YamlGateway } from './start-from-yaml.ts';

let edge: YamlGateway | undefined;
let origin: RawOrigin;

before(async () => {
  // It answers with the header that the query names.
  origin = await RawOrigin.start(({ line }) => {
    const [, query = ''] = /\?(\S*)/.exec(line) ?? [];
    const header = decodeURIComponent(query).replaceAll('ORIGIN', `http://${origin.address}`);
    return ok('', [header], '302 Found');
  });
  edge = await startFromYaml(`
response_cookies: { same_site: lax }
upstreams: { app: ${origin.address} }
routes:
  - { to: app, path: /app, rewrite: { path: / } }
  - { to: app, path: /all, rewrite: { path: / }, response_urls: true, response_cookies: true }
  - { to: app, path: /off, rewrite: { path: / }, response_urls: false, response_cookies: false }
  - { to: app, path: /named, rewrite: { host: app.internal } }
  - { to: app, path: /hosts, response_urls: { hosts: "old.internal:8080" } }
  - { to: app, path: /set, response_headers: { set: { Location: "/fixed" } }, response_urls: true }
  - { to: app }
`);
});
after(async () => {
  await edge?.stop();
  await origin.close();
});

const answered = async (path: string, header: string) => {
  const target = `${path}?${encodeURIComponent(header)}`;
  const response = await edge!.send(requestText('GET', target, ['Host: www.test']));
  return headerOf(response, header.slice(0, header.indexOf(':')));
};

describe('the responses of an application', () => {
  for (const [path, header, expected] of [
    ['/app/x', 'Location: ORIGIN/x', '/app/x'],
    ['/app/x', 'Content-Location: ORIGIN/x', '/app/x'],
    ['/app/x', 'Refresh: 0; url=ORIGIN/x', '0; url=/app/x'],
    ['/app/x', 'Location: /x', '/x'],
    ['/app/x', 'Link: <ORIGIN/x>; rel=next', 'LINK'],
    ['/app/x', 'Set-Cookie: a=1; Path=/', 'a=1; Path=/; SameSite=Lax'],
    ['/all/x', 'Location: /x', '/all/x'],
    ['/all/x', 'Location: http://www.test/x', 'http://www.test/all/x'],
    ['/all/x', 'Set-Cookie: a=1; Path=/; Domain=127.0.0.1', 'a=1; Path=/all'],
    ['/off/x', 'Location: ORIGIN/x', 'ORIGIN/x'],
    ['/off/x', 'Set-Cookie: a=1', 'a=1'],
    ['/named/x', 'Location: http://app.internal/x', '/x'],
    ['/hosts/x', 'Location: https://old.internal:8080/x', '/x'],
    ['/set/x', 'Location: /x', '/fixed'],
    ['/x', 'Location: ORIGIN/x', 'ORIGIN/x'],
  ] as const)
    test(`at ${path} with ${header} have ${expected}`, async () => {
      const wanted = expected === 'LINK' ? '<ORIGIN/x>; rel=next' : expected;
      assert.equal(await answered(path, header), wanted.replace('ORIGIN', `http://${origin.address}`));
    });
});
