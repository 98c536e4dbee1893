import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { RouteId } from '../../src/core/endpoint.ts';
import { type ForwardSpec, headersAsked } from '../../src/features/authentication/forward/settings.ts';
import { asked, authenticationWorld } from './authentication-world.ts';
import type { ArrivedRequest } from './world.ts';

function schemes(changes: Partial<ForwardSpec> = {}) {
  const spec: ForwardSpec = {
    ...{ upstream: 'app', target: '/verify', timeoutMs: 5000, requestHeaders: headersAsked },
    ...{ copyHeaders: ['Remote-User', 'Remote-Groups'], userFrom: 'remote-user', groupsFrom: 'remote-groups' },
    ...changes,
  };
  return [{ name: 'forward', spec }];
}

/**
 * Authelia's endpoint for Traefik and Caddy: who it is, it reads from a cookie; a browser is sent to the portal with 302 (303 for other methods
 * than GET), a script gets 401, and whom a rule forbids 403.
 */
function authelia(request: ArrivedRequest): void {
  const said = (name: string): string => request.header(name) ?? '';
  const url = `${said('x-forwarded-proto')}://${said('x-forwarded-host')}${said('x-forwarded-uri')}`;
  if (said('x-forwarded-method') === '' || said('x-forwarded-uri') === '') return request.answer(400, '');
  const session = /authelia_session=(\w+)/.exec(said('cookie'))?.[1];
  if (session === 'ada' && said('x-forwarded-uri').startsWith('/admin')) return request.answer(403, 'Forbidden');
  if (session !== undefined)
    return request.answer(200, '', {
      'Remote-User': session,
      'Remote-Groups': 'deploy,read',
      'Set-Cookie': 's=renewed',
    });
  const login = `https://auth.example.org/?rd=${encodeURIComponent(url)}&rm=${said('x-forwarded-method')}`;
  if (!said('accept').includes('text/html') || said('x-requested-with') === 'XMLHttpRequest')
    return request.answer(401, '', { Location: login });
  const status = said('x-forwarded-method') === 'GET' ? 302 : 303;
  request.answer(status, '<a>Found</a>', { Location: login, 'Set-Cookie': 'authelia_session=new; HttpOnly' });
}

/** oauth2-proxy with `--reverse-proxy` and a static upstream: 202 for a session, 401 for scripts, else its page to sign in. */
function oauth2Proxy(request: ArrivedRequest): void {
  if ((request.header('cookie') ?? '').includes('_oauth2_proxy=good'))
    return request.answer(202, '', {
      ...{ 'X-Auth-Request-User': '4711', 'X-Auth-Request-Email': 'ada@example.org' },
      'Set-Cookie': '_oauth2_proxy=renewed; Secure; HttpOnly',
    });
  const wantsJson = (request.header('accept') ?? '').includes('application/json');
  if (wantsJson) return request.answer(401, '{}', { 'Content-Type': 'application/json' });
  request.answer(302, '', {
    Location: `https://id.example.org/authorize?state=x:${request.header('x-forwarded-uri')}`,
  });
}

const page = { accept: 'text/html' };

describe('a route that asks Authelia', () => {
  const cases = [
    {
      what: 'sends a browser to the portal, which learns where to return to',
      request: { target: '/shop?q=1', headers: page },
      status: 302,
      location: 'https://auth.example.org/?rd=http%3A%2F%2Fexample.org%2Fshop%3Fq%3D1&rm=GET',
      cookie: 'authelia_session=new; HttpOnly',
    },
    {
      what: 'does so after a form, without passing its body on',
      request: { method: 'POST', target: '/shop', headers: page, body: 'a=1' },
      status: 303,
      location: 'https://auth.example.org/?rd=http%3A%2F%2Fexample.org%2Fshop&rm=POST',
    },
    {
      what: 'answers a script with 401',
      request: { target: '/api', headers: { accept: 'application/json' } },
      status: 401,
    },
    {
      what: 'answers 403 where a rule of the service forbids the path',
      request: { target: '/admin', headers: { ...page, cookie: 'authelia_session=ada' } },
      status: 403,
    },
    {
      what: 'lets no other spelling of that path pass',
      request: { target: '/%61dmin', headers: { ...page, cookie: 'authelia_session=ada' } },
      status: 403,
    },
    {
      what: 'lets no way around through other folders pass',
      request: { target: '/x/../admin', headers: { ...page, cookie: 'authelia_session=ada' } },
      status: 403,
    },
    {
      what: 'does not believe what a client says of its own request',
      request: {
        target: '/admin',
        headers: {
          ...{
            ...page,
            cookie: 'authelia_session=ada',
            'x-forwarded-uri': '/public',
            'x-original-url': 'http://x/public',
          },
          ...{ 'x-forwarded-method': 'OPTIONS', 'x-forwarded-host': 'public.example.org' },
        },
      },
      status: 403,
    },
  ];
  for (const { what, request, status, location, cookie } of cases)
    it(what, async () => {
      const world = await authenticationWorld({ schemes: schemes(), service: authelia });
      const client = await asked(world, request);
      assert.equal(client.status, status);
      assert.equal(world.toApplication.length, 0);
      if (location !== undefined) assert.equal(client.header('location'), location);
      if (cookie !== undefined) assert.equal(client.header('set-cookie'), cookie);
      assert.equal(client.header('cache-control'), 'no-store');
      const [toService] = world.toService;
      assert.deepEqual([toService?.method, toService?.body.length], ['GET', 0]);
    });

  it('lets in who has a session, with the headers of the service and none of the client', async () => {
    const world = await authenticationWorld({ schemes: schemes(), service: authelia });
    const client = await asked(world, {
      ...{ method: 'POST', target: '/shop', body: 'a=1' },
      headers: { cookie: 'authelia_session=bob', 'remote-user': 'root', 'remote-groups': 'admin', 'x-device': 'd' },
    });
    assert.equal(client.status, 200);
    assert.equal(client.header('set-cookie'), 's=renewed');
    const [arrived] = world.toApplication;
    const names = ['remote-user', 'remote-groups', 'x-user', 'x-groups'];
    assert.deepEqual(
      names.map((name) => arrived?.header(name)),
      ['bob', 'deploy,read', 'bob', 'deploy,read'],
    );
    assert.equal(String(arrived?.body), 'a=1');
    assert.equal(world.toService[0]?.header('x-device'), null);
    assert.equal(world.toService[0]?.header('remote-user'), null);
    const record = world.records.find(({ route }) => !route?.startsWith('authentication of'));
    assert.deepEqual([record?.user?.name, record?.user?.by], ['bob', 'forward']);
  });

  it('requires groups of the users that the service knows', async () => {
    const common = { require: { users: null, groups: ['admin'], claims: null } };
    const world = await authenticationWorld({ schemes: schemes(), service: authelia, common });
    const client = await asked(world, { headers: { cookie: 'authelia_session=bob' } });
    assert.equal(client.status, 403);
    assert.equal(world.toApplication.length, 0);
  });
});

describe('what a service says of the user', () => {
  const names = ['remote-user', 'x-user', 'x-groups'];
  const cases = [
    ['no name makes no user', {}, [null, null, null], undefined],
    ['an empty name makes no user', { 'Remote-User': '' }, ['', null, null], undefined],
    // Header values are bytes, as Latin-1.
    [
      'is read as UTF-8',
      { 'Remote-User': '\xc3\x98', 'Remote-Groups': '\xc3\xa5,b' },
      ['\xc3\x98', '%C3%98', '%C3%A5,b'],
      'Ø',
    ],
  ] as const;
  for (const [what, headers, arrived, user] of cases)
    it(what, async () => {
      const service = (request: ArrivedRequest): void => request.answer(200, '', headers);
      const world = await authenticationWorld({ schemes: schemes(), service });
      assert.equal((await asked(world, { headers: { 'x-user': 'root' } })).status, 200);
      assert.deepEqual(
        names.map((name) => world.toApplication[0]?.header(name)),
        arrived,
      );
      assert.equal(world.records.find(({ route }) => !route?.startsWith('authentication of'))?.user?.name, user);
    });

  it('comes with its cookies also where the route refuses the user, or the application fails', async () => {
    const request = { target: '/shop', headers: { cookie: 'authelia_session=bob' } };
    const common = { require: { users: ['ada'], groups: null, claims: null } };
    for (const [status, more] of [
      [403, { common }],
      [502, { application: (arrived: ArrivedRequest) => arrived.breakOff('reset') }],
    ] as const) {
      const world = await authenticationWorld({ schemes: schemes(), service: authelia, ...more });
      const client = await asked(world, request);
      assert.deepEqual(
        [client.status, client.header('set-cookie'), client.header('cache-control')],
        [status, 's=renewed', 'no-store'],
      );
    }
  });

  it('comes with cookies that no cache may give to others', async () => {
    for (const [sent, kept] of [
      [{}, 'private, no-cache'],
      [{ 'Cache-Control': 'public, max-age=600' }, 'private, no-cache'],
      [{ 'Cache-Control': 'private, max-age=5' }, 'private, max-age=5'],
    ] as const) {
      const application = (request: ArrivedRequest): void => request.answer(200, 'ok', sent);
      const world = await authenticationWorld({ schemes: schemes(), service: authelia, application });
      const client = await asked(world, { headers: { cookie: 'authelia_session=bob' } });
      assert.deepEqual([client.header('set-cookie'), client.header('cache-control')], ['s=renewed', kept]);
    }
  });

  it('is asked with the hops of the request, so that a gateway which asks itself finds the loop', async () => {
    const world = await authenticationWorld({ schemes: schemes(), service: authelia });
    await asked(world, { headers: { via: '1.1 front', 'cdn-loop': 'front' } });
    const [question] = world.toService;
    assert.deepEqual([question?.header('via'), question?.header('cdn-loop')], ['1.1 front, 1.1 edge', 'front, edge']);
  });
});

describe('a route that asks oauth2-proxy', () => {
  const own = schemes({
    ...{ target: '/verify', copyHeaders: ['X-Auth-Request-Email', 'Authorization'], userFrom: 'x-auth-request-email' },
    groupsFrom: null,
  });

  it('sends a browser to the provider, and a script hears 401', async () => {
    const world = await authenticationWorld({ schemes: own, service: oauth2Proxy });
    const browser = await asked(world, { target: '/a?b=c', headers: page });
    const location = 'https://id.example.org/authorize?state=x:/a?b=c';
    assert.deepEqual([browser.status, browser.header('location')], [302, location]);
    const script = await asked(world, { headers: { accept: 'application/json' } });
    assert.deepEqual([script.status, script.header('content-type')], [401, 'application/json']);
  });

  it('lets in who has a session, and removes the credentials that the service was to replace', async () => {
    const world = await authenticationWorld({ schemes: own, service: oauth2Proxy });
    const headers = { cookie: '_oauth2_proxy=good', authorization: 'Bearer mine' };
    const client = await asked(world, { headers });
    assert.equal(client.header('set-cookie'), '_oauth2_proxy=renewed; Secure; HttpOnly');
    const names = ['x-auth-request-email', 'authorization', 'x-user'];
    assert.deepEqual(
      names.map((name) => world.toApplication[0]?.header(name)),
      ['ada@example.org', null, 'ada@example.org'],
    );
    assert.equal(world.toService[0]?.header('authorization'), 'Bearer mine');
  });
});

describe('a service that gives no decision', () => {
  type Case = readonly [what: string, answer: ((request: ArrivedRequest) => void) | null, asked?: string];
  const cases: readonly Case[] = [
    ['refuses connections', null, 'connect_refused'],
    ['closes the connection', (request) => request.breakOff('closed'), 'reset_before_response'],
    ['resets it', (request) => request.breakOff('reset'), 'reset_before_response'],
    ['does not answer in time', () => {}, 'exchange_timeout'],
    ['answers with a page that has no end', (request) => request.head(200, null), 'exchange_timeout'],
    ...[400, 404, 418, 429, 500, 502, 503, 504].map(
      (status) => [`answers ${status}`, (request: ArrivedRequest) => request.answer(status, 'x')] satisfies Case,
    ),
    ['answers that nothing has changed', (request) => request.answer(304, '')],
    ['answers with more than a page', (request) => request.answer(401, 'x'.repeat(300_000))],
  ];
  for (const [what, service, cause] of cases)
    it(`since it ${what}, makes 503, and no 401`, async () => {
      const world = await authenticationWorld({
        schemes: schemes({ timeoutMs: 1000 }),
        ...(service === null ? {} : { service }),
      });
      if (service === null) world.endpoint('a').accepts = 'refuses';
      const client = await asked(world, { headers: page }, 1500);
      assert.equal(client.status, 503);
      assert.equal(client.header('retry-after'), '5');
      assert.equal(world.toApplication.length, 0);
      const failure = world.records.find(({ route }) => !route?.startsWith('authentication of'))?.failure;
      assert.equal(failure?.cause, 'authentication_unavailable');
      const { askedCause } = failure.evidence as { askedCause?: string };
      if (cause !== undefined) assert.equal(askedCause, cause);
      const own = world.records.find(({ route }) => route?.startsWith('authentication of'));
      if (cause !== undefined) assert.equal(own?.failure?.cause, cause);
    });

  it('is not waited for when the client has gone', async () => {
    const world = await authenticationWorld({ schemes: schemes(), service: () => {} });
    const client = world.request({ headers: page });
    world.pass(50);
    client.leave();
    for (let turn = 0; turn < 5; turn++) {
      world.pass(10);
      await new Promise(setImmediate);
    }
    assert.equal(world.toService[0]?.gone, true);
    assert.equal(world.toApplication.length, 0);
  });

  it('is not asked where the route has none', async () => {
    const world = await authenticationWorld({
      ...{ schemes: [], service: authelia },
      routes: [{ id: 'open' as RouteId, match: { hosts: [], pathPrefix: '/', methods: [] } }],
    });
    await asked(world);
    assert.deepEqual([world.toService.length, world.toApplication.length], [0, 1]);
  });
});
