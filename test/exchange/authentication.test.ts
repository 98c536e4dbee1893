import assert from 'node:assert/strict';
import { createHash, scryptSync } from 'node:crypto';
import { before, describe, it } from 'node:test';
import type { RouteSpec } from '../../src/core/route-spec.ts';
import type { RouteId } from '../../src/core/endpoint.ts';
import type { AuthenticationSpec } from '../../src/features/authentication/settings.ts';
import { authentication } from '../../src/features/authentication/worker.ts';
import { Http1World } from './http1-world.ts';
import type { ClientActor, WorldOptions } from './world.ts';

const salt = Buffer.from('a salt of 16 byt');

/** Cheap: what a check costs is not what these tests are about. */
function line(name: string, password: string): string {
  const hash = scryptSync(password, salt, 32, { cost: 16, blockSize: 8, parallelization: 1 });
  const texts = [salt, hash].map((bytes) => bytes.toString('base64').replace(/=+$/, ''));
  return `${name}:$scrypt$ln=4,r=8,p=1$${texts.join('$')}`;
}

const usersText = [line('ada', 'correct horse'), `${line('bob', 'pass:word')}:admin,staff`, line('ø%,', 'x')].join(
  '\n',
);
const key = 'candor_key_canary-0123456789';
const keysText = `ci:${createHash('sha256').update(key).digest('hex')}:deploy,read`;

function spec(changes: Partial<AuthenticationSpec> = {}, schemes = ['api_keys', 'basic']): AuthenticationSpec {
  const all = {
    api_keys: { keysText, header: 'x-api-key', passesCredentials: false },
    basic: { usersText, passesCredentials: false },
  };
  return {
    schemes: Object.entries(all).flatMap(([name, own]) => (schemes.includes(name) ? [{ name, spec: own }] : [])),
    realm: 'Internal',
    require: null,
    userHeader: 'X-User',
    groupsHeader: 'X-Groups',
    ...changes,
  };
}

/** Both tell applications the credentials. */
const passing = spec().schemes.map(({ name, spec: own }) => ({ name, spec: { ...own, passesCredentials: true } }));

function route(authentication: AuthenticationSpec, rest: Partial<RouteSpec> = {}): Partial<RouteSpec> {
  return { features: { authentication }, ...rest };
}

function worldOf(routes: readonly Partial<RouteSpec>[], rest: WorldOptions = {}): Http1World {
  const world = new Http1World({ routes, headersReserved: ['x-user', 'x-groups'], ...rest });
  world.endpoint('a').onRequest = (request) => request.answer(200, 'ok');
  return world;
}

const basicOf = (text: string): string => `Basic ${Buffer.from(text).toString('base64')}`;

/** Passwords are hashed in the threads of the pool, in real time. */
async function asked(world: Http1World, headers: Record<string, string>, target = '/'): Promise<ClientActor> {
  const client = world.request({ target, headers });
  for (let turn = 0; client.status === 0 && turn < 5000; turn++) await pass(world, turn);
  return client;
}

/** A thread checks passwords meanwhile: it needs time of its own. */
async function pass(world: Http1World, turn: number): Promise<void> {
  world.pass(1);
  await new Promise<unknown>((resolve) => (turn < 20 ? setImmediate(resolve, 0) : setTimeout(resolve, 1)));
}

// A worker does so before it prepares a route.
before(() => authentication.loadFor?.(spec()));

describe('a route with authentication', () => {
  const cases: readonly {
    readonly what: string;
    readonly headers: Record<string, string>;
    readonly spec?: AuthenticationSpec;
    readonly status: number;
    readonly cause?: string;
    readonly user?: string;
    readonly sent?: Record<string, string | null>;
  }[] = [
    {
      what: 'refuses a request without credentials',
      headers: {},
      ...{ status: 401, cause: 'not_authenticated' },
    },
    {
      what: 'lets in who has the password, and tells the application who it is, without the password',
      headers: { Authorization: basicOf('ada:correct horse') },
      ...{ status: 200, user: 'ada', sent: { 'x-user': 'ada', 'x-groups': null, authorization: null } },
    },
    {
      what: 'takes a password with a colon',
      headers: { Authorization: basicOf('bob:pass:word') },
      ...{ status: 200, user: 'bob', sent: { 'x-groups': 'admin,staff' } },
    },
    {
      what: 'refuses a wrong password',
      headers: { Authorization: basicOf('ada:wrong') },
      ...{ status: 401, cause: 'not_authenticated' },
    },
    {
      what: 'refuses an unknown user with the password of another one',
      headers: { Authorization: basicOf('eve:correct horse') },
      ...{ status: 401, cause: 'not_authenticated' },
    },
    ...[
      'Basic',
      'Basic !',
      'Basic YWRh',
      `${basicOf('ada:correct horse')}, ${basicOf('ada:x')}`,
      basicOf('ada:a\nb'),
    ].map((Authorization) => ({
      what: `refuses what cannot be read: ${JSON.stringify(Authorization.slice(0, 30))}`,
      headers: { Authorization },
      ...{ status: 401, cause: 'not_authenticated' },
    })),
    {
      what: 'writes a name of a user so that it is one value, and that of nobody else',
      headers: { Authorization: basicOf('ø%,:x') },
      ...{ status: 200, user: 'ø%,', sent: { 'x-user': '%C3%B8%25,' } },
    },
    {
      what: 'lets in a program with a key, and tells its name and groups',
      headers: { 'X-API-Key': key },
      ...{ status: 200, user: 'ci', sent: { 'x-user': 'ci', 'x-groups': 'deploy,read', 'x-api-key': null } },
    },
    {
      what: 'refuses a key that nobody has',
      headers: { 'X-API-Key': `${key}x` },
      ...{ status: 401, cause: 'not_authenticated' },
    },
    {
      what: 'takes a password where the key is wrong: any scheme is enough',
      headers: { 'X-API-Key': 'wrong', Authorization: basicOf('ada:correct horse') },
      ...{ status: 200, user: 'ada' },
    },
    {
      what: 'does not tell the application the password of a client that a key has let in, nor a key of one with a password',
      headers: { 'X-API-Key': key, Authorization: `Digest a=b, ${basicOf('ada:correct horse')}` },
      ...{ status: 200, user: 'ci', sent: { authorization: null, 'x-api-key': null } },
    },
    {
      what: 'does not tell a password that nobody has checked, where those that were are passed on',
      headers: { 'X-API-Key': key, Authorization: basicOf('root:x') },
      spec: spec({ schemes: passing }),
      ...{ status: 200, user: 'ci', sent: { authorization: null, 'x-api-key': key } },
    },
    {
      what: 'passes on the password that has let the client in, where it says so',
      headers: { Authorization: basicOf('ada:correct horse'), 'X-API-Key': 'wrong' },
      spec: spec({ schemes: passing }),
      ...{ status: 200, user: 'ada', sent: { authorization: basicOf('ada:correct horse'), 'x-api-key': null } },
    },
    {
      what: "leaves the application's own token where no scheme asks for one",
      headers: { 'X-API-Key': key, Authorization: 'Bearer basic' },
      ...{ status: 200, user: 'ci', sent: { authorization: 'Bearer basic' } },
    },
    {
      what: 'replaces what the client says that it is, in any spelling',
      headers: { 'X-User': 'root', X_User: 'root', 'x-groups': 'admin', Authorization: basicOf('ada:correct horse') },
      ...{ status: 200, user: 'ada', sent: { 'x-user': 'ada', x_user: null, 'x-groups': null } },
    },
    {
      what: 'refuses a user whom it does not let in',
      headers: { Authorization: basicOf('bob:pass:word') },
      spec: spec({ require: { users: ['ada', 'ci'], groups: null, claims: null } }),
      ...{ status: 403, cause: 'not_permitted', user: 'bob' },
    },
    {
      what: 'lets in a user whose line has the group',
      headers: { Authorization: basicOf('bob:pass:word') },
      spec: spec({ require: { users: null, groups: ['admin'], claims: null } }),
      ...{ status: 200, user: 'bob' },
    },
    {
      what: 'refuses a user whose line has no groups',
      headers: { Authorization: basicOf('ada:correct horse') },
      spec: spec({ require: { users: null, groups: ['admin'], claims: null } }),
      ...{ status: 403, cause: 'not_permitted', user: 'ada' },
    },
    {
      what: 'refuses a user who is in none of the groups',
      headers: { 'X-API-Key': key },
      spec: spec({ require: { users: null, groups: ['admin'], claims: null } }),
      ...{ status: 403, cause: 'not_permitted', user: 'ci' },
    },
    {
      what: 'lets in a user who is in one of the groups',
      headers: { 'X-API-Key': key },
      spec: spec({ require: { users: null, groups: ['admin', 'read'], claims: null } }),
      ...{ status: 200, user: 'ci' },
    },
  ];
  for (const { what, headers, spec: own = spec(), status, cause, user, sent = {} } of cases)
    it(what, async () => {
      const world = worldOf([route(own)]);
      const client = await asked(world, headers);
      assert.equal(client.status, status);
      world.pass(200);
      const [record] = world.records;
      assert.deepEqual([record?.failure?.cause, record?.user?.name], [cause, user]);
      const [arrived] = world.endpoint('a').arrived;
      assert.equal(arrived === undefined, status !== 200);
      for (const [name, value] of Object.entries(sent)) assert.equal(arrived?.header(name), value, name);
      const challenge = client.header('www-authenticate');
      const expected = 'ApiKey realm="Internal", header="x-api-key", Basic realm="Internal", charset="UTF-8"';
      assert.equal(challenge, status === 401 ? expected : null);
    });

  it('removes what a client says that it is also on routes without authentication, and of trusted peers', async () => {
    const world = worldOf(
      [
        route(spec(), { id: 'in' as RouteId, match: { hosts: [], pathPrefix: '/in', methods: [] } }),
        { id: 'open' as RouteId, match: { hosts: [], pathPrefix: '/', methods: [] } },
      ],
      { trusted: true },
    );
    await asked(world, { 'X-User': 'root', x_user: 'root', 'X.User': 'root', 'X-Other': 'kept' });
    const [arrived] = world.endpoint('a').arrived;
    const names = ['x-user', 'x_user', 'x.user', 'x-other'];
    assert.deepEqual(
      names.map((name) => arrived?.header(name)),
      [null, null, null, 'kept'],
    );
  });

  it('says what each scheme has found wrong', async () => {
    const world = worldOf([route(spec())]);
    const headers = { authorization: basicOf('ada:wrong'), 'x-api-key': 'none' };
    assert.equal((await asked(world, headers)).status, 401);
    const { fault } = (world.records[0]?.failure?.evidence ?? {}) as { readonly fault?: string };
    assert.equal(fault, 'no such key is known, and the name or the password is wrong');
  });

  it('refuses names that nobody has, also with the password of a user', async () => {
    const world = worldOf([route(spec())]);
    for (const name of ['eve', 'Ada', 'ada ', '', 'x1', 'x2', 'x3', 'x4'])
      for (const password of ['correct horse', 'pass:word', 'x']) {
        const { status } = await asked(world, { Authorization: basicOf(`${name}:${password}`) });
        assert.equal(status, 401, `${name} ${password}`);
      }
  });

  it('tells clients of gRPC by the status of gRPC', async () => {
    const world = new Http1World(
      { routes: [route(spec({ require: { users: ['ada'], groups: null, claims: null } }))] },
      { clients: 'h2' },
    );
    for (const [own, status] of [
      [{}, '16'],
      [{ 'x-api-key': key }, '7'],
    ] as const) {
      const headers = { 'content-type': 'application/grpc', te: 'trailers', ...own };
      const client = world.request({ method: 'POST', headers, body: 'x' });
      world.pass(50);
      assert.deepEqual([client.status, client.header('grpc-status')], [200, status]);
    }
  });

  it('removes what a client says that it is from trailers too', async () => {
    const world = worldOf([route(spec())]);
    let atEnd: readonly (string | undefined)[] = [];
    world.endpoint('a').onRequest = (request) =>
      void setTimeout(() => {
        atEnd = [request.trailers.get('x-user'), request.trailers.get('x_user'), request.trailers.get('x-sum')];
        request.answer(200, 'ok');
      }, 0);
    const headers = { 'X-API-Key': key, TE: 'trailers', Trailer: 'X-User, X-Sum' };
    const client = world.request({ method: 'POST', expects: 'chunked', headers });
    world.pass(5);
    client.write('one');
    client.end({ 'X-User': 'root', X_User: 'root', 'X-Sum': '3' });
    for (let turn = 0; client.status === 0 && turn < 1000; turn++) {
      world.pass(1);
      await new Promise(setImmediate);
    }
    assert.deepEqual([client.status, ...atEnd], [200, undefined, undefined, '3']);
  });

  it('removes a header that the file writes with "_" in the spelling with "-" too', async () => {
    const own = spec({ userHeader: 'X_User' });
    const world = worldOf([route(own)], { headersReserved: ['x_user'] });
    await asked(world, { 'X-User': 'root', Authorization: basicOf('ada:correct horse') });
    const [arrived] = world.endpoint('a').arrived;
    assert.deepEqual([arrived?.header('x_user'), arrived?.header('x-user')], ['ada', null]);
  });

  it('checks a password once for the requests of a page, and not again for a minute', async () => {
    const world = worldOf([route(spec())]);
    const headers = { Authorization: basicOf('ada:correct horse') };
    const first = world.request({ headers });
    const second = await asked(world, headers);
    assert.deepEqual([first.status, second.status], [200, 200]);
    const third = world.request({ headers });
    world.pass(5);
    assert.equal(third.status, 200, 'it is not hashed');
    world.pass(61_000);
    const fourth = world.request({ headers });
    world.pass(5);
    assert.equal(fourth.status, 0, 'it is hashed');
  });

  it('turns away passwords that do not fit into the queue, and checks none of a client that has left', async () => {
    const world = worldOf([route(spec())]);
    const clients = Array.from({ length: 40 }, (_, index) =>
      world.request({ headers: { Authorization: basicOf(`ada:guess ${index}`) } }),
    );
    world.pass(5);
    const busy = clients.filter(({ status }) => status === 503);
    assert.equal(busy.length, 7, 'one is checked, and 32 wait');
    assert.ok(busy.every((client) => Number(client.header('retry-after')) >= 1));
    assert.equal(world.records[0]?.failure?.cause, 'authentication_busy');
    for (const client of clients.slice(0, 33)) client.leave();
    world.pass(5);
    const ada = await asked(world, { Authorization: basicOf('ada:correct horse') });
    assert.equal(ada.status, 200);
    const causes = world.records.map(({ failure }) => failure?.cause ?? 'none');
    assert.deepEqual(new Set(causes), new Set(['authentication_busy', 'client_gone', 'none']));
  });

  it('writes no credentials into records, answers and counts', async () => {
    const world = worldOf([route(spec({}, ['api_keys', 'basic']))]);
    const canaries = ['kanarienvogel', 'candor_key_kanarie'];
    await asked(world, { Authorization: basicOf('ada:kanarienvogel') });
    const client = await asked(world, { 'X-API-Key': 'candor_key_kanarie' });
    const said = [client.body.toString(), client.header('www-authenticate')];
    const records = world.records.map(({ failure, user }) => JSON.stringify([failure, user]));
    const counts = JSON.stringify(world.features.take());
    for (const canary of canaries) assert.ok(![...said, ...records, counts].some((text) => text?.includes(canary)));
    assert.deepEqual(world.features.take(), null);
    assert.match(counts, /"api_keys unknown_key":1/);
    assert.match(counts, /"basic wrong_password":1/);
  });
});
