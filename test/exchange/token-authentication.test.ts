import assert from 'node:assert/strict';
import { createHmac, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { describe, it } from 'node:test';
import type { JwtKeysSpec, JwtSpec } from '../../src/features/authentication/jwt/settings.ts';
import { type AuthenticationSpec } from '../../src/features/authentication/settings.ts';
import { type AuthenticationWorld, asked, authenticationWorld } from './authentication-world.ts';
import type { ArrivedRequest } from './world.ts';

const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const next = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const secretText = 'a secret of more than thirty-two characters';

function jwk({ publicKey }: { publicKey: KeyObject }, kid: string): object {
  return { ...publicKey.export({ format: 'jwk' }), kid };
}

const jwksText = JSON.stringify({ keys: [jwk(ec, 'one'), jwk(rsa, 'rsa')] });

const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

type Signer = (input: string) => Buffer;
const byEc =
  ({ privateKey }: { privateKey: KeyObject } = ec): Signer =>
  (input) =>
    sign('sha256', Buffer.from(input), { key: privateKey, dsaEncoding: 'ieee-p1363' });
const byRsa: Signer = (input) => sign('sha256', Buffer.from(input), rsa.privateKey);
const byHmac =
  (secret: string | Buffer): Signer =>
  (input) =>
    createHmac('sha256', secret).update(input).digest();

function token(claims: object, header: object = { alg: 'ES256', kid: 'one' }, signer: Signer = byEc()): string {
  const input = `${part(header)}.${part(claims)}`;
  return `${input}.${signer(input).toString('base64url')}`;
}

/** The clock of a world begins here. */
const wallS = Math.floor((await authenticationWorld({ schemes: [] })).clock.wallTime() / 1000);
const good = { sub: 'ada', iss: 'https://login.example', aud: 'shop', exp: wallS + 600, groups: ['deploy', 'read'] };

function schemes(changes: Partial<JwtSpec> = {}, keys: JwtKeysSpec = { kind: 'set', jwksText }) {
  const spec: JwtSpec = {
    ...{ keys, algorithms: ['ES256', 'RS256'], issuers: ['https://login.example'], audiences: ['shop'] },
    ...{ clockSkewMs: 30_000, from: { kind: 'bearer', name: 'authorization' } },
    ...{ userClaim: 'sub', groupsClaim: 'groups', claimHeaders: [['X-Email', 'email']], passesCredentials: false },
    ...changes,
  };
  return [{ name: 'jwt', spec }];
}

const bearer = (text: string) => ({ headers: { authorization: `Bearer ${text}` } });

describe('a route that takes tokens', () => {
  const cases: readonly {
    readonly what: string;
    readonly token: string;
    readonly spec?: Partial<JwtSpec>;
    readonly keys?: JwtKeysSpec;
    readonly common?: Partial<AuthenticationSpec>;
    readonly status: number;
    readonly because?: RegExp;
    readonly sent?: Record<string, string | null>;
  }[] = [
    {
      what: 'lets in whose token is in order, and tells the application who it is, without the token',
      token: token(good),
      ...{ status: 200, sent: { 'x-user': 'ada', 'x-groups': 'deploy,read', authorization: null, 'x-email': null } },
    },
    {
      what: 'takes each kind of key that it has',
      token: token(good, { alg: 'RS256', kid: 'rsa' }, byRsa),
      status: 200,
    },
    { what: 'takes a token that names no key, where one fits', token: token(good, { alg: 'ES256' }), status: 200 },
    {
      what: 'takes a token that names a key where those of the route have no names, such as those of PEM',
      token: token(good),
      keys: {
        kind: 'set',
        jwksText: JSON.stringify({ keys: [next, ec].map(({ publicKey }) => publicKey.export({ format: 'jwk' })) }),
      },
      status: 200,
    },
    {
      what: 'takes a token for several audiences',
      token: token({ ...good, aud: ['other', 'shop'] }),
      status: 200,
    },
    {
      what: 'takes one whose end lies within the difference that clocks may have',
      token: token({ ...good, exp: wallS - 20 }),
      status: 200,
    },
    {
      what: 'refuses an old one',
      token: token({ ...good, exp: wallS - 31 }),
      ...{ status: 401, because: /expired/ },
    },
    {
      what: 'refuses one of the future, beyond what clocks differ',
      token: token({ ...good, nbf: wallS + 60 }),
      ...{ status: 401, because: /not valid yet/ },
    },
    {
      what: 'refuses one without an end',
      token: token({ ...good, exp: undefined }),
      ...{ status: 401, because: /no end/ },
    },
    {
      what: 'refuses one of another issuer',
      token: token({ ...good, iss: 'x' }),
      ...{ status: 401, because: /issuer/ },
    },
    { what: 'refuses one for others', token: token({ ...good, aud: 'x' }), ...{ status: 401, because: /audience/ } },
    {
      what: 'refuses one without a signature, whatever it calls itself',
      token: `${part({ alg: 'none' })}.${part(good)}.`,
      ...{ status: 401, because: /algorithm/ },
    },
    ...['None', 'NONE', 'nOnE'].map((alg) => ({
      what: `refuses the algorithm ${alg}`,
      token: `${part({ alg })}.${part(good)}.`,
      ...{ status: 401, because: /algorithm/ },
    })),
    {
      what: 'refuses one that is signed with the public key as if it were a secret',
      token: token(
        good,
        { alg: 'HS256', kid: 'rsa' },
        byHmac(rsa.publicKey.export({ type: 'spki', format: 'pem' }) as string),
      ),
      ...{ status: 401, because: /algorithm/ },
    },
    {
      what: 'does so also where a mistake has named that algorithm beside public keys',
      token: token(
        good,
        { alg: 'HS256', kid: 'rsa' },
        byHmac(rsa.publicKey.export({ type: 'spki', format: 'der' }) as Buffer),
      ),
      spec: { algorithms: ['RS256', 'HS256'] },
      ...{ status: 401, because: /algorithm/ },
    },
    {
      what: 'refuses a key of another kind than the algorithm',
      token: token(good, { alg: 'RS256', kid: 'one' }, byRsa),
      ...{ status: 401, because: /no key/ },
    },
    {
      what: 'refuses the key that the token brings along',
      token: token(good, { alg: 'ES256', jwk: jwk(next, 'mine') }, byEc(next)),
      ...{ status: 401, because: /signature/ },
    },
    {
      what: 'asks no address that the token names for keys',
      token: token(good, { alg: 'ES256', kid: 'mine', jku: 'https://evil.example/keys' }, byEc(next)),
      ...{ status: 401, because: /no key/ },
    },
    {
      what: 'refuses what a critical header asks for and nobody understands',
      token: token(good, { alg: 'ES256', kid: 'one', crit: ['x'], x: 1 }),
      ...{ status: 401, because: /algorithm|cannot be read/ },
    },
    {
      what: 'refuses a wrong signature',
      token: token(good, { alg: 'ES256', kid: 'one' }, byEc(next)),
      ...{ status: 401, because: /signature/ },
    },
    {
      what: 'refuses claims that were changed after the signature',
      token: token(good).replace(/\.[^.]+\./, `.${part({ ...good, sub: 'root' })}.`),
      ...{ status: 401, because: /signature/ },
    },
    { what: 'refuses what is no token', token: 'x.y', ...{ status: 401, because: /none/ } },
    { what: 'refuses one that is too long', token: token({ ...good, x: 'x'.repeat(9000) }), ...{ status: 401 } },
    {
      what: 'refuses one without a name of a user',
      token: token({ ...good, sub: undefined }),
      ...{ status: 401, because: /name of a user/ },
    },
    {
      what: 'takes a shared secret where it is told so',
      token: token(good, { alg: 'HS256' }, byHmac(secretText)),
      keys: { kind: 'secret', secretText: `${secretText}\n` },
      spec: { algorithms: ['HS256'] },
      status: 200,
    },
    {
      what: 'writes claims so that none of them begins a header, or is two values',
      token: token({ ...good, sub: 'ada\r\nX-Admin: 1', groups: ['a,b', 'c\n'], email: 'ø@example.org' }),
      status: 200,
      sent: {
        ...{ 'x-user': 'ada%0D%0AX-Admin: 1', 'x-groups': 'a%2Cb,c%0A', 'x-email': '%C3%B8@example.org' },
        'x-admin': null,
      },
    },
    {
      what: 'finds groups within another claim, and a user by another one',
      token: token({ ...good, realm_access: { roles: ['admin'] }, email: 'ada@example.org' }),
      spec: { userClaim: 'email', groupsClaim: 'realm_access.roles' },
      status: 200,
      sent: { 'x-user': 'ada@example.org', 'x-groups': 'admin' },
    },
    {
      what: 'wants the scope that it requires, one of several in a text',
      token: token({ ...good, scope: 'openid write' }),
      common: { require: { users: null, groups: null, claims: { scope: ['write'] } } },
      status: 200,
    },
    {
      what: 'refuses who lacks the claim',
      token: token({ ...good, scope: 'openid read' }),
      common: { require: { users: null, groups: null, claims: { scope: ['write'] } } },
      status: 403,
    },
  ];
  for (const { what, token: sent, spec, keys, common = {}, status, because, sent: headers = {} } of cases)
    it(what, async () => {
      const world = await authenticationWorld({ schemes: schemes(spec, keys), common });
      const client = await asked(world, bearer(sent));
      assert.equal(client.status, status);
      assert.equal(world.toService.length, 0);
      assert.equal(world.toApplication.length, status === 200 ? 1 : 0);
      for (const [name, value] of Object.entries(headers))
        assert.equal(world.toApplication[0]?.header(name), value, name);
      const evidence = JSON.stringify(world.records[0]?.failure?.evidence ?? {});
      if (because !== undefined) assert.match(evidence, because);
      assert.ok(!evidence.includes(sent.slice(-20)), 'no part of a token is told');
      // RFC 6750 §3.1: clients with a token get a new one.
      if (status === 401)
        assert.equal(client.header('www-authenticate'), 'Bearer realm="Internal", error="invalid_token"');
    });

  it('finds the token in a cookie, of which the application gets the others', async () => {
    const world = await authenticationWorld({ schemes: schemes({ from: { kind: 'cookie', name: 'token' } }) });
    const client = await asked(world, { headers: { cookie: `a=1; token=${token(good)}; b=2` } });
    assert.deepEqual([client.status, world.toApplication[0]?.header('cookie')], [200, 'a=1; b=2']);
  });

  it('verifies a token once, and refuses it from its end on', async () => {
    const world = await authenticationWorld({ schemes: schemes() });
    const sent = bearer(token(good));
    await asked(world, sent);
    const second = world.request(sent);
    world.pass(5);
    assert.equal(second.status, 200, 'nothing is verified, which would take a turn of the event loop');
    world.pass(640_000);
    const third = world.request(sent);
    world.pass(5);
    assert.equal(third.status, 401);
  });
});

describe('keys of an issuer', () => {
  const fromService: JwtKeysSpec = { kind: 'upstream', upstream: 'app', target: '/keys' };

  async function worldOf(service: (request: ArrivedRequest) => void): Promise<AuthenticationWorld> {
    const world = await authenticationWorld({ schemes: schemes({}, fromService), service });
    await settled(world);
    return world;
  }

  async function settled(world: AuthenticationWorld, ms = 20): Promise<void> {
    for (let passed = 0; passed < ms; passed += 5) {
      world.pass(5);
      await new Promise(setImmediate);
    }
  }

  const set = (...keys: object[]): string => JSON.stringify({ keys });

  it('are asked for before a request needs them, once for all requests', async () => {
    const world = await worldOf((request) => request.answer(200, jwksText));
    assert.equal(world.toService.length, 1);
    assert.equal(world.toService[0]?.header('x-forwarded-for'), '127.0.0.1');
    const statuses = [await asked(world, bearer(token(good))), await asked(world, bearer(token({ ...good, n: 2 })))];
    assert.deepEqual(
      statuses.map(({ status }) => status),
      [200, 200],
    );
    assert.equal(world.toService.length, 1);
    assert.deepEqual(world.records[0]?.route, 'keys of app');
  });

  it('are asked for again for a key that is not known, at most every ten seconds', async () => {
    let keys = set(jwk(ec, 'one'));
    const world = await worldOf((request) => request.answer(200, keys));
    const unknown = token(good, { alg: 'ES256', kid: 'two' }, byEc(next));
    assert.equal((await asked(world, bearer(unknown))).status, 401, 'it was asked for a moment ago');
    keys = set(jwk(next, 'two'));
    assert.equal((await asked(world, bearer(unknown))).status, 401);
    assert.equal(world.toService.length, 1);
    world.pass(10_000);
    assert.equal((await asked(world, bearer(unknown))).status, 200);
    assert.equal(world.toService.length, 2);
    assert.equal((await asked(world, bearer(token(good)))).status, 401, 'the issuer has withdrawn the key');
  });

  it('that cannot be used keep no token out that another key has signed', async () => {
    const weak = generateKeyPairSync('rsa', { modulusLength: 1024 });
    const broken = { ...jwk(rsa, 'broken'), n: 'AQAB', e: '!' };
    const keys = [jwk(weak, 'weak'), broken, jwk(rsa, 'rsa')];
    const world = await worldOf((request) => request.answer(200, JSON.stringify({ keys })));
    for (const [kid, status] of [
      [undefined, 200],
      ['rsa', 200],
      ['weak', 401],
      ['broken', 401],
    ] as const) {
      const client = await asked(world, bearer(token(good, { alg: 'RS256', kid }, byRsa)));
      assert.equal(client.status, status, kid ?? 'without a name');
    }
  });

  it('that an issuer has withdrawn are not believed after hours without requests', async () => {
    let keys = set(jwk(ec, 'one'));
    const world = await worldOf((request) => request.answer(200, keys));
    keys = set(jwk(next, 'two'));
    world.pass(4 * 3_600_000);
    const late = token({ ...good, exp: wallS + 90_000 });
    assert.equal((await asked(world, bearer(late))).status, 401);
  });

  it('are used on for a day while the issuer is out, which the status tells; then nobody can enter', async () => {
    let isOut = false;
    const world = await worldOf((request) => (isOut ? request.breakOff('closed') : request.answer(200, jwksText)));
    isOut = true;
    const late = token({ ...good, exp: wallS + 900_000 });
    world.pass(23 * 3_600_000);
    await asked(world, bearer(late));
    assert.equal((await asked(world, bearer(late))).status, 200);
    const told = JSON.stringify(world.features.take());
    assert.match(told, /"keys":2/);
    assert.match(told, /"fault":"[^"]+"/);
    world.pass(2 * 3_600_000);
    const client = await asked(world, bearer(late));
    assert.equal(client.status, 503);
    const failure = world.records.findLast(({ route }) => route !== 'keys of app')?.failure;
    assert.equal(failure?.cause, 'authentication_unavailable');
    assert.ok(Number(client.header('retry-after')) >= 1 && Number(client.header('retry-after')) <= 60);
    isOut = false;
    world.pass(61_000);
    assert.equal((await asked(world, bearer(late))).status, 200);
  });

  const noKeys: readonly [what: string, answer: (request: ArrivedRequest) => void][] = [
    ['the issuer does not answer', (request) => request.breakOff('reset')],
    ['it answers with a failure', (request) => request.answer(500, jwksText)],
    ['it answers with a page', (request) => request.answer(200, '<html>')],
    ['it has no keys', (request) => request.answer(200, '{"keys":[]}')],
    ['its keys are secrets', (request) => request.answer(200, set({ kty: 'oct', k: 'AAAA', alg: 'HS256' }))],
    ['its answer is too large', (request) => request.answer(200, jwksText + ' '.repeat(300_000))],
  ];
  for (const [what, answer] of noKeys)
    it(`that are not known since ${what} make 503, and no 401`, async () => {
      const world = await worldOf(answer);
      const client = await asked(world, bearer(token(good)));
      assert.equal(client.status, 503);
      assert.equal(world.toApplication.length, 0);
      assert.equal((await asked(world)).status, 401, 'who has no token hears so');
    });

  it('come to a worker that begins while the issuer is out, but not those of another issuer', async () => {
    const first = await worldOf((request) => request.answer(200, jwksText));
    type Told = { conditions: Record<string, { state: { source: string } }> };
    const [[scope, told]] = Object.entries(first.features.take()?.['authentication'] ?? {}) as [[string, Told]];
    const state = told.conditions['jwt']?.state;
    assert.ok(state !== undefined);
    for (const [source, status] of [
      [state.source, 200],
      ['other /keys', 503],
    ] as const) {
      const world = await worldOf((request) => request.breakOff('closed'));
      world.features.onStates('authentication', { [scope]: { jwt: { ...state, source } } });
      assert.equal((await asked(world, bearer(token(good)))).status, status, source);
    }
  });
});
