import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { headerOf } from '../../src/testing/testing.ts';
import { ok, RawOrigin } from '../gateway/raw-origin.ts';
import { ReloadedGateway, requestText } from '../gateway/start-from-yaml.ts';
import { blocksOf, readDocument } from './markdown.ts';

const document = readDocument('docs/authentication.md');
const edge = new ReloadedGateway();
const origins: RawOrigin[] = [];
after(() => edge.stop());
after(() => Promise.all(origins.map((origin) => origin.close())));

const answer = (status: string, headers: string): string => `HTTP/1.1 ${status}\r\n${headers}Content-Length: 0\r\n\r\n`;

const recipes = [
  {
    heading: 'Recipe: behind Authelia',
    ...{
      host: 'app.example.org',
      port: 9091,
      path: '/api/authz/forward-auth',
      portalHost: 'auth.example.org',
      portal: '/',
    },
    ...{ admits: '200 OK', tells: 'Remote-User', login: 'https://auth.example.org/?rd=x' },
  },
  {
    heading: 'Recipe: behind oauth2-proxy',
    ...{ host: 'app.example.org', port: 4180, path: '/', portalHost: 'app.example.org', portal: '/oauth2/callback' },
    ...{ admits: '202 Accepted', tells: 'X-Auth-Request-Email', login: 'https://id.example.org/authorize' },
  },
] as const;

describe('docs/authentication.md', () => {
  for (const { heading, host, port, path, portalHost, portal, admits, tells, login } of recipes)
    test(heading, async () => {
      const application = await RawOrigin.start(() => ok('of the application'));
      const service = await RawOrigin.start(({ line, headers }) => {
        if (line !== `GET ${path} HTTP/1.1`) return ok('of the portal');
        const isKnown = headers.some(([name, value]) => name.toLowerCase() === 'cookie' && value === 'session=ada');
        return isKnown
          ? answer(admits, `${tells}: ada@example.org\r\n`)
          : answer('302 Found', `Location: ${login}\r\n`);
      });
      origins.push(application, service);
      const found = blocksOf(document).find((block) => block.heading === heading && block.language === 'yaml');
      assert.ok(found !== undefined);
      const gateway = await edge.with(
        found.text
          .replace(/^listeners:.*\n/m, '')
          .replace('127.0.0.1:3000', application.address)
          .replace(`127.0.0.1:${port}`, service.address),
      );
      const ask = (target: string, at: string, headers: readonly string[] = []) =>
        gateway.send(requestText('GET', target, [`Host: ${at}`, ...headers]));
      const stranger = await ask('/', host);
      assert.deepEqual([stranger.status, headerOf(stranger, 'location')], [302, login]);
      const known = await ask('/', host, ['Cookie: session=ada', `${tells}: root`]);
      assert.deepEqual([known.status, application.last.line], [200, 'GET / HTTP/1.1']);
      const told = application.last.headers.filter(([name]) => name.toLowerCase() === tells.toLowerCase());
      assert.deepEqual(
        told.map(([, value]) => value),
        ['ada@example.org'],
      );
      assert.equal(String((await ask(portal, portalHost)).body), 'of the portal');
    });

  test('oauth2-proxy leads a browser to the provider and back, with a session that needs several cookies', async () => {
    const application = await RawOrigin.start(() => ok('of the application', ['Set-Cookie: own=1']));
    const service = await RawOrigin.start(oauth2Proxy);
    origins.push(application, service);
    const found = blocksOf(document).find(
      (block) => block.heading === 'Recipe: behind oauth2-proxy' && block.language === 'yaml',
    );
    const gateway = await edge.with(
      (found?.text ?? '')
        .replace(/^listeners:.*\n/m, '')
        .replace('127.0.0.1:3000', application.address)
        .replace('127.0.0.1:4180', service.address),
    );
    const jar = new Map<string, string>();
    const ask = async (target: string, headers: readonly string[] = ['Accept: text/html']) => {
      const cookies = jar.size === 0 ? [] : [`Cookie: ${[...jar].map((pair) => pair.join('=')).join('; ')}`];
      const answered = await gateway.send(
        requestText('GET', target, ['Host: app.example.org', ...cookies, ...headers]),
      );
      for (const [name, line] of answered.headers) {
        const [, cookie = '', value = '', rest = ''] = /^([^=]+)=([^;]*)(.*)$/.exec(line) ?? [];
        if (name.toLowerCase() !== 'set-cookie') continue;
        if (rest.includes('Max-Age=0')) jar.delete(cookie);
        else jar.set(cookie, value);
      }
      return answered;
    };
    jar.set('_oauth2_proxy_0', 'of-an-old-session');
    const stranger = await ask('/reports?year=1');
    const login = 'https://id.example.org/authorize?state=n:/reports?year=1';
    assert.deepEqual([stranger.status, headerOf(stranger, 'location')], [302, login]);
    assert.deepEqual([...jar.keys()], ['_oauth2_proxy_csrf'], 'and takes what is left of an old session');
    for (const headers of [['Accept: application/json'], ['X-Requested-With: XMLHttpRequest']])
      assert.equal((await ask('/reports', headers)).status, 401);

    const back = await ask('/oauth2/callback?code=c&state=n:/reports?year=1');
    assert.deepEqual([back.status, headerOf(back, 'location')], [302, '/reports?year=1']);
    assert.deepEqual([...jar.keys()], ['_oauth2_proxy_0', '_oauth2_proxy_1', '_oauth2_proxy_2']);
    const page = await ask('/reports?year=1', ['Accept: text/html', 'X-Auth-Request-Email: root@example.org']);
    assert.deepEqual([page.status, String(page.body)], [200, 'of the application']);
    const names = ['x-auth-request-user', 'x-auth-request-email', 'x-auth-request-groups'];
    assert.deepEqual(
      names.map((name) =>
        application.last.headers.filter(([known]) => known.toLowerCase() === name).map(([, value]) => value),
      ),
      [['4711'], ['ada@example.org'], []],
    );
    // Its session was old: the new one comes with the page, beside the cookie of the application.
    assert.equal(jar.get('_oauth2_proxy_0')?.slice(0, 3), 'new');
    assert.deepEqual([jar.get('own'), jar.size], ['1', 4]);
    assert.match(headerOf(page, 'cache-control') ?? '', /private/);
    const forbidden = await ask('/reports', ['Accept: text/html', 'Authorization: Bearer of-mallory']);
    assert.deepEqual([forbidden.status, String(forbidden.body)], [403, 'Forbidden']);
  });
});

/** A session that is longer than a cookie may be, in the parts that oauth2-proxy makes of it. */
const sessionParts = (word: string): readonly string[] =>
  [0, 1, 2].map((at) => `Set-Cookie: _oauth2_proxy_${at}=${word.padEnd(3900, 'x')}; Path=/; Secure; HttpOnly\r\n`);

/** What oauth2-proxy 7 answers with `--reverse-proxy --set-xauthrequest --skip-provider-button --upstream=static://202`. */
function oauth2Proxy({
  line,
  headers,
}: {
  readonly line: string;
  readonly headers: readonly (readonly [string, string])[];
}): string {
  const said = (name: string): string => headers.find(([known]) => known.toLowerCase() === name)?.[1] ?? '';
  const target = line.split(' ')[1] ?? '';
  const parts = [...said('cookie').matchAll(/_oauth2_proxy_\d=(\w+)/g)].map(([, part = '']) => part);
  const csrf = 'Set-Cookie: _oauth2_proxy_csrf=n; Path=/; Secure; HttpOnly\r\n';
  const over = (name: string): string => `Set-Cookie: ${name}=; Path=/; Max-Age=0\r\n`;
  if (target.startsWith('/oauth2/callback')) {
    const to = decodeURIComponent(/state=n:(.*)$/.exec(target)?.[1] ?? '/');
    const cookies = [over('_oauth2_proxy_csrf'), ...sessionParts('old')];
    return answer('302 Found', `Location: ${to}\r\n${cookies.join('')}`);
  }
  if (said('authorization').includes('mallory')) return 'HTTP/1.1 403 Forbidden\r\nContent-Length: 9\r\n\r\nForbidden';
  if (parts.length === 3) {
    const user =
      'X-Auth-Request-User: 4711\r\nX-Auth-Request-Email: ada@example.org\r\nX-Auth-Request-Groups: staff,admin\r\n';
    return answer('202 Accepted', `${user}${parts[0]?.startsWith('old') === true ? sessionParts('new').join('') : ''}`);
  }
  if (said('accept') === 'application/json' || said('x-requested-with') === 'XMLHttpRequest')
    return answer('401 Unauthorized', 'Content-Type: application/json\r\n');
  const clears = parts.map((_, at) => over(`_oauth2_proxy_${at}`)).join('');
  return answer(
    '302 Found',
    `Location: https://id.example.org/authorize?state=n:${said('x-forwarded-uri')}\r\n${clears}${csrf}`,
  );
}
