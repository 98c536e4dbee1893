import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, describe, it } from 'node:test';
import { purposeOf, type LoginSession } from '../../src/features/authentication/oidc/worker-session.ts';
import { Seal } from '../../src/features/authentication/oidc/worker-seal.ts';
import { headerOf, type RawResponse } from '../../src/testing/testing.ts';
import { systemRandom } from '../../src/system/system.ts';
import { clientSecret, LoginProvider, locationOf, Person } from './login-provider.ts';
import { originForTests } from './origin-for-tests.ts';
import { startFromYaml, type YamlGateway } from './start-from-yaml.ts';

const tools = 'https://tools.test';
const cookieKey = 'canary-of-the-key-that-encrypts-the-cookies';
const secrets = { secret: `${clientSecret}\n`, 'another-secret': 'of another client' };
const origin = originForTests('the page');
let provider: LoginProvider;
let edge: YamlGateway;
let ada: Person;

const login = (more: string, secret = 'secret'): string =>
  `{ issuer: "${provider.issuer}", upstream: id, client_id: tools, client_secret_file: ${secret}, key_file: key, claim_headers: { X-Tenant: tenant }${more} }`;

const yaml = (): string => `
trusted_peers: [127.0.0.1]
upstreams:
  app: { endpoints: "${origin.address}", check: none }
  id: { endpoints: "127.0.0.1:${provider.port}", check: none }
routes:
  - { path: /open, to: app }
  - { path: /admins, to: app, authentication: { oidc: ${login('')}, require: { groups: admin } } }
  - { host: wrong.test, to: app, authentication: { oidc: ${login('', 'another-secret')} } }
  - { to: app, authentication: { oidc: ${login('')}, user_header: X-User, groups_header: X-Groups } }
`;

/** What the application has got, by lowercase name. */
function arrived(name: string): string | undefined {
  return origin.last.headers.find(([known]) => known.toLowerCase() === name)?.[1];
}

const script = ['Sec-Fetch-Mode: cors', 'Accept: application/json'];

async function causeOf(response: RawResponse): Promise<string | null> {
  return (await edge.record(response)).cause ?? null;
}

before(async () => {
  provider = await LoginProvider.start({
    origins: [tools, 'https://other.test', 'https://wrong.test'],
    claimsOf: (name) => ({
      ...{
        email: `${name}@example.org`,
        email_verified: name !== 'mallory',
        groups: [name === 'ada' ? 'admin' : 'staff'],
      },
      tenant: 'x'.repeat({ big: 6000, huge: 40_000 }[name] ?? 1),
    }),
  });
  edge = await startFromYaml(yaml(), { files: { ...secrets, key: cookieKey } });
});
after(async () => {
  await edge?.stop();
  await provider?.stop();
});
beforeEach(() => {
  ada = new Person(edge, provider);
});

describe('a route with a login', () => {
  it('sends people to the provider and back to the page, and tells the application who they are', async () => {
    const begun = await ada.ask(`${tools}/reports?year=1&a=%2F`);
    assert.equal(headerOf(begun, 'cache-control'), 'no-store');
    const asked = new URL(locationOf(begun));
    const { state, nonce, ...rest } = Object.fromEntries(asked.searchParams);
    assert.deepEqual([asked.origin, asked.pathname, state?.length, nonce?.length], [provider.issuer, '/auth', 43, 43]);
    assert.deepEqual(
      [rest['redirect_uri'], rest['code_challenge_method'], rest['response_type'], rest['scope']],
      [`${tools}/.candor/login/callback`, 'S256', 'code', 'openid profile email'],
    );
    const back = await ada.ask(await ada.logIn(asked.href, 'ada'));
    assert.equal(locationOf(back), `${tools}/reports?year=1&a=%2F`);
    const cookies = back.headers.filter(([name]) => name.toLowerCase() === 'set-cookie').map(([, value]) => value);
    assert.equal(cookies.length, 2, 'the session, and the end of the login');
    for (const line of cookies)
      assert.match(line, /^__Host-candor-login-[^;]*; Max-Age=\d+; Path=\/; Secure; HttpOnly; SameSite=Lax$/);

    ada.jarOf('tools.test').set('theme', 'dark');
    const page = await ada.ask(locationOf(back), [...script, 'X-User: root', 'X-Tenant: root', 'x_user: root']);
    assert.equal(page.body.toString(), 'the page');
    const names = ['x-user', 'x-groups', 'x-tenant', 'x_user', 'cookie'];
    assert.deepEqual(names.map(arrived), ['ada@example.org', 'admin', 'x', undefined, 'theme=dark']);
    assert.equal((await edge.record(page)).user, 'ada@example.org');
  });

  it('lets in whom it lets in, and refuses others without another login', async () => {
    assert.equal((await ada.open(`${tools}/admins`)).status, 200);
    const bob = new Person(edge, provider);
    const page = await bob.open(`${tools}/admins`, 'bob');
    assert.deepEqual([page.status, await causeOf(page)], [403, 'not_permitted']);
    assert.equal((await bob.ask(`${tools}/`)).status, 200);
    assert.match(
      page.body.toString(),
      /<a class="again" href="\/\.candor\/login\?account=other">Log in with another account</,
    );
  });

  it('lets people choose another account at the provider, and come back to the page', async () => {
    const bob = new Person(edge, provider);
    await bob.open(`${tools}/admins?year=1`, 'bob');
    const path = `${tools}/.candor/login?account=other`;
    const promptOf = async (headers: readonly string[]): Promise<readonly [string | null, string]> => {
      const to = new URL(locationOf(await bob.ask(path, ['Sec-Fetch-Mode: navigate', ...headers])));
      return [to.searchParams.get('prompt'), to.href];
    };
    // Another site may begin a login, as it may link to the page, and no more.
    assert.equal((await promptOf(['Sec-Fetch-Site: cross-site']))[0], null);
    const [prompt, href] = await promptOf(['Sec-Fetch-Site: same-origin', `Referer: ${tools}/admins?year=1`]);
    assert.equal(prompt, 'login');
    const back = await bob.ask(await bob.logIn(href, 'ada'));
    assert.equal(locationOf(back), `${tools}/admins?year=1`);
    assert.equal((await bob.ask(locationOf(back))).status, 200);
    assert.equal((await edge.record(await bob.ask(`${tools}/`))).user, 'ada@example.org');
    for (const referer of ['https://evil.test/', `${tools}.evil.test/a`, `${tools}/.candor/login/logout`]) {
      const [, elsewhere] = await promptOf(['Sec-Fetch-Site: same-origin', `Referer: ${referer}`]);
      assert.equal(locationOf(await bob.ask(await bob.logIn(elsewhere, 'ada'))), `${tools}/`, referer);
    }
  });

  it('offers a new login where one has failed', async () => {
    const begun = await ada.ask(`${tools}/`);
    const back = await ada.ask(await ada.logIn(locationOf(begun), 'mallory'), ['Accept: text/html']);
    assert.match(back.body.toString(), /href="\/\.candor\/login\?account=other">Log in again</);
    assert.doesNotMatch(back.body.toString(), /Try again/);
  });

  it('can be completed in each of the last five tabs that were opened', async () => {
    const begun: string[] = [];
    for (let tab = 0; tab < 7; tab++) begun.push(locationOf(await ada.ask(`${tools}/${tab}`)));
    const [, first = '', second = ''] = begun;
    const forgotten = await ada.ask(await ada.logIn(first, 'ada'));
    assert.deepEqual([forgotten.status, await causeOf(forgotten)], [403, 'login_failed']);
    assert.equal(locationOf(await ada.ask(await ada.logIn(second, 'ada'))), `${tools}/2`);
  });

  it('answers a script with 401, and sends nobody anywhere', async () => {
    for (const headers of [script, ['Accept: */*'], ['Accept: text/html', 'X-Requested-With: XMLHttpRequest']]) {
      const response = await ada.ask(`${tools}/`, headers);
      assert.deepEqual([response.status, await causeOf(response)], [401, 'not_authenticated']);
      assert.deepEqual([headerOf(response, 'location'), headerOf(response, 'set-cookie')], [null, null]);
      assert.equal(headerOf(response, 'www-authenticate'), 'Login realm="Restricted", path="/.candor/login"');
    }
    const response = await ada.ask(`${tools}/`, script);
    assert.equal(headerOf(response, 'content-type'), 'application/problem+json');
  });

  it('keeps what is too long for one cookie in several, and refuses what is too long for those', async () => {
    const page = await ada.open(`${tools}/`, 'big');
    assert.equal(page.status, 200);
    assert.equal(arrived('x-tenant')?.length, 6000);
    assert.equal(ada.jarOf('tools.test').size, 3);
    for (const value of ada.jarOf('tools.test').values()) assert.ok(value.length < 4000);
    const begun = await new Person(edge, provider).ask(`${tools}/`);
    const person = new Person(edge, provider);
    const own = await person.ask(`${tools}/`);
    assert.notEqual(locationOf(begun), locationOf(own));
    const back = await person.ask(await person.logIn(locationOf(own), 'huge'));
    assert.deepEqual([back.status, await causeOf(back)], [403, 'login_failed']);
  });

  it('lets in nobody whose mail address the provider has not verified', async () => {
    const begun = await ada.ask(`${tools}/`);
    const back = await ada.ask(await ada.logIn(locationOf(begun), 'mallory'));
    assert.deepEqual([back.status, await causeOf(back)], [403, 'login_failed']);
  });

  it('needs TLS', async () => {
    const response = await ada.ask('http://tools.test/');
    assert.deepEqual([response.status, await causeOf(response)], [403, 'login_failed']);
  });

  it('tells what the provider says in place of a login', async () => {
    const state = new URL(locationOf(await ada.ask(`${tools}/`))).searchParams.get('state');
    const back = await ada.ask(
      `${tools}/.candor/login/callback?error=access_denied&error_description=no+way&state=${state}&iss=${encodeURIComponent(provider.issuer)}`,
    );
    assert.equal(back.status, 403);
    assert.match(JSON.stringify(await edge.record(back)), /the provider says access_denied \(no way\)/);
  });

  it('ends the login at the provider too', async () => {
    await ada.open(`${tools}/`);
    const from = await ada.ask(`${tools}/.candor/login/logout`, [
      'Sec-Fetch-Site: cross-site',
      'Sec-Fetch-Mode: navigate',
    ]);
    assert.deepEqual([from.status, await causeOf(from)], [403, 'login_failed']);
    assert.equal((await ada.ask(`${tools}/`)).status, 200, 'another site cannot log people out');
    const out = await ada.ask(`${tools}/.candor/login/logout`);
    assert.match(locationOf(out), /\/session\/end\?/);
    assert.deepEqual([...ada.jarOf('tools.test')], []);
    const here = await ada.logIn(locationOf(out), '');
    assert.equal(here, `${tools}/.candor/login/out`);
    assert.match((await ada.ask(here)).body.toString(), /You are logged out/);
    const again = await ada.ask(`${tools}/`);
    const shown = await fetch(locationOf(again), {
      headers: { cookie: [...ada.jarOf(new URL(provider.issuer).host)].map((pair) => pair.join('=')).join('; ') },
      redirect: 'manual',
    });
    assert.match(shown.headers.get('location') ?? '', /interaction/, 'the provider asks for a password again');
  });
});

describe('a session', () => {
  /** The session in the cookie, as if its tokens ended now. */
  function ageTokens(person: Person): void {
    const jar = person.jarOf('tools.test');
    const [[name, value] = ['', '']] = jar;
    const seal = new Seal(cookieKey, systemRandom);
    const purpose = purposeOf('session', { issuer: provider.issuer, clientId: 'tools' }, 'tools.test');
    const session = JSON.parse(seal.open(value.slice(2), purpose) ?? '') as LoginSession;
    assert.ok(session.refreshToken !== null && session.refreshAt !== null);
    jar.set(name, `1.${seal.close(JSON.stringify({ ...session, refreshAt: Date.now() - 1 }), purpose)}`);
  }

  it('is refreshed once for all requests that come meanwhile, and goes on with the new tokens', async () => {
    await ada.open(`${tools}/`);
    ageTokens(ada);
    const old = new Map(ada.jarOf('tools.test'));
    const tokens = provider.count('POST /token');
    const pages = await Promise.all([1, 2, 3].map(() => ada.ask(`${tools}/`, script)));
    assert.deepEqual(
      pages.map(({ status }) => status),
      [200, 200, 200],
    );
    assert.equal(provider.count('POST /token'), tokens + 1);
    assert.equal(headerOf(pages[0] as RawResponse, 'cache-control'), 'private, no-cache');
    assert.notDeepEqual(ada.jarOf('tools.test'), old);
    ageTokens(ada);
    origin.answer = () => 'HTTP/1.1 200 OK\r\nCache-Control: no-store\r\nContent-Length: 0\r\n\r\n';
    const next = await ada.ask(`${tools}/`, script);
    assert.deepEqual([next.status, headerOf(next, 'cache-control')], [200, 'no-store']);
    assert.equal(provider.count('POST /token'), tokens + 2);
  });

  it('is refreshed with a response that refuses the user, too', async () => {
    const bob = new Person(edge, provider);
    await bob.open(`${tools}/`, 'bob');
    ageTokens(bob);
    const old = new Map(bob.jarOf('tools.test'));
    const refused = await bob.ask(`${tools}/admins`, script);
    assert.deepEqual([refused.status, headerOf(refused, 'cache-control')], [403, 'no-store']);
    assert.notDeepEqual(bob.jarOf('tools.test'), old);
  });

  it('ends when the provider does not continue it', async () => {
    await ada.open(`${tools}/`);
    const copy = new Person(edge, provider);
    ageTokens(ada);
    for (const pair of ada.jarOf('tools.test')) copy.jarOf('tools.test').set(...pair);
    await ada.ask(`${tools}/.candor/login/logout`);
    const response = await copy.ask(`${tools}/`, script);
    assert.deepEqual([response.status, await causeOf(response)], [401, 'not_authenticated']);
    assert.match(locationOf(await copy.ask(`${tools}/`)), /\/auth\?/);
  });

  it('outlives a reload', async () => {
    await ada.open(`${tools}/`);
    assert.equal((await edge.reload(yaml().replace('path: /open', 'path: /public'))).ok, true);
    assert.equal((await ada.ask(`${tools}/`, script)).status, 200);
    assert.equal((await edge.reload(yaml())).ok, true);
  });
});

describe('a login without a key of its own', () => {
  it('holds at every worker, and in the next process with the same state folder', async () => {
    const state = await mkdtemp(join(tmpdir(), 'candor-login-'));
    const text = `workers: 2\nstate: ${state}\n${yaml().replaceAll('key_file: key, ', '')}`;
    let own = await startFromYaml(text, { files: secrets });
    try {
      const person = new Person(own, provider);
      assert.equal((await person.open(`${tools}/`)).status, 200);
      const [pair = []] = person.jarOf('tools.test');
      const ask = (): Promise<readonly number[]> =>
        Promise.all(
          Array.from({ length: 8 }, async () => {
            const headers = ['Host: tools.test', 'X-Forwarded-Proto: https', `Cookie: ${pair.join('=')}`];
            return (await own.get('/', headers)).status;
          }),
        );
      assert.deepEqual(new Set(await ask()), new Set([200]));
      await own.stop();
      own = await startFromYaml(text, { files: secrets });
      assert.deepEqual(new Set(await ask()), new Set([200]));
    } finally {
      await own.stop();
      await rm(state, { recursive: true, force: true });
    }
  });
});

describe('an attacker', () => {
  for (const target of [
    '//evil.test/a',
    '/\\evil.test',
    '/.candor/login?return=https://evil.test/',
    '/.candor/login?return=//evil.test',
    '/.candor/login?return=/%5Cevil.test',
    '/.candor/login?return=/%09/evil.test',
    '/.candor/login?return=/a%0d%0aSet-Cookie:b',
  ])
    it(`does not lead people to another site after the login: ${target}`, async () => {
      const person = new Person(edge, provider);
      const begun = await edge.get(target, ['Host: tools.test', 'X-Forwarded-Proto: https', 'Accept: text/html']);
      if (begun.status === 400) return;
      for (const [name, value] of begun.headers)
        if (name.toLowerCase() === 'set-cookie')
          person.jarOf('tools.test').set(...(value.split(';')[0]?.split(/=(.*)/s) as [string, string]));
      const to = locationOf(await person.ask(await person.logIn(locationOf(begun), 'ada')));
      assert.equal(new URL(to).origin, tools);
    });

  it('does not log people in as somebody else, with a link of its own login', async () => {
    const mallory = new Person(edge, provider);
    const link = await mallory.logIn(locationOf(await mallory.ask(`${tools}/`)), 'bob');
    for (const hasBegun of [false, true]) {
      if (hasBegun) await ada.ask(`${tools}/`);
      const response = await ada.ask(link);
      assert.deepEqual([response.status, await causeOf(response)], [403, 'login_failed']);
      assert.equal(headerOf(response, 'set-cookie'), null);
    }
  });

  it('does not come in with a code and a state that were used, also with the cookies of that time', async () => {
    const link = await ada.logIn(locationOf(await ada.ask(`${tools}/`)), 'ada');
    const mallory = new Person(edge, provider);
    for (const pair of ada.jarOf('tools.test')) mallory.jarOf('tools.test').set(...pair);
    assert.equal((await ada.ask(link)).status, 303);
    assert.equal((await ada.ask(link)).status, 303, 'the browser goes back: it has a session');
    const response = await mallory.ask(link);
    assert.deepEqual([response.status, await causeOf(response)], [403, 'login_failed']);
  });

  it('comes in with a cookie at no other host, and with none that was changed, or made for another purpose', async () => {
    const begun = await ada.ask(`${tools}/`);
    const [login] = [...ada.jarOf('tools.test').values()];
    await ada.ask(await ada.logIn(locationOf(begun), 'ada'));
    const [[name, value] = ['', '']] = ada.jarOf('tools.test');
    const changed = [10, 40, value.length - 3].map(
      (at) => `${value.slice(0, at)}${value[at] === 'A' ? 'B' : 'A'}${value.slice(at + 1)}`,
    );
    for (const [host, tried] of [
      ...changed.map((one) => ['tools.test', one] as const),
      ...[login as string, '', '1.', '9.a', `2.${value.slice(2)}`, value.slice(0, -8)].map(
        (one) => ['tools.test', one] as const,
      ),
      ['other.test', value] as const,
    ]) {
      const mallory = new Person(edge, provider);
      mallory.jarOf(host).set(name, tried);
      const response = await mallory.ask(`https://${host}/`, script);
      assert.equal(response.status, 401, `${host} ${tried}`);
    }
    assert.equal((await ada.ask(`${tools}/`, script)).status, 200);
  });

  it('does not name itself where no login is asked for', async () => {
    await ada.ask(`${tools}/open`, ['X-User: root', 'X-Tenant: root', 'X-Groups: admin']);
    assert.deepEqual(['x-user', 'x-tenant', 'x-groups'].map(arrived), [undefined, undefined, undefined]);
  });

  it('reads no secret in what the gateway shows', async () => {
    await ada.open(`${tools}/`);
    const response = await ada.ask(`${tools}/.candor/login/callback?state=x&code=canary-code`);
    const shown = [edge.gateway.status(), await edge.record(response), response.body.toString()].map((one) =>
      JSON.stringify(one),
    );
    const cookies = [...ada.jarOf('tools.test').values()];
    for (const text of shown)
      for (const secret of [clientSecret, cookieKey, 'canary-code', ...cookies])
        assert.ok(!text.includes(secret), secret);
  });
});

describe('a provider that does not answer', () => {
  it('is one too that refuses the secret of the gateway: no person can mend that by another login', async () => {
    const begun = locationOf(await ada.ask('https://wrong.test/'));
    const response = await ada.ask(await ada.logIn(begun, 'ada'));
    assert.deepEqual([response.status, await causeOf(response)], [503, 'authentication_unavailable']);
    assert.match((await edge.record(response)).detail ?? '', /"client_id" or "client_secret" is not what it knows/);
  });

  it('makes a failure of its own, and no 401', async () => {
    const link = await ada.logIn(locationOf(await ada.ask(`${tools}/`)), 'ada');
    await provider.stop();
    const response = await ada.ask(link);
    assert.deepEqual([response.status, await causeOf(response)], [503, 'authentication_unavailable']);
    assert.notEqual(headerOf(response, 'retry-after'), null);
    assert.match(JSON.stringify(await edge.record(response)), /"connect_refused"|connect refused/);
  });
});
