import assert from 'node:assert/strict';
import { generateKeyPairSync, sign } from 'node:crypto';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { headerOf } from '../../src/testing/testing.ts';
import { RawOrigin } from './raw-origin.ts';
import { startFromYaml, until, type YamlGateway } from './start-from-yaml.ts';

const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const pem = pair.publicKey.export({ type: 'spki', format: 'pem' }) as string;
const jwks = JSON.stringify({ keys: [{ ...pair.publicKey.export({ format: 'jwk' }), kid: 'one' }] });

function token(claims: object): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const input = `${part({ alg: 'ES256', kid: 'one' })}.${part(claims)}`;
  return `${input}.${sign('sha256', Buffer.from(input), { key: pair.privateKey, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`;
}

const exp = Math.floor(Date.now() / 1000) + 600;
const asAda = `Authorization: Bearer ${token({ sub: 'ada', aud: 'shop', exp, email: 'ada@example.org' })}`;

const answer = (status: string, headers: string, body = ''): string =>
  `HTTP/1.1 ${status}\r\n${headers}Content-Length: ${body.length}\r\n\r\n${body}`;

const application = new RawOrigin();
/** The issuer of tokens, and the service that decides. No route leads to it. */
const service = new RawOrigin();
let edge: YamlGateway;
let yaml = '';

before(async () => {
  await application.listen();
  service.answer = ({ line, headers }) => {
    if (line.startsWith('GET /keys ')) return answer('200 OK', 'Content-Type: application/json\r\n', jwks);
    const cookie = headers.find(([name]) => name.toLowerCase() === 'cookie')?.[1] ?? '';
    if (cookie.includes('session=bob')) return answer('200 OK', 'Remote-User: bob\r\nSet-Cookie: session=new\r\n');
    return answer('302 Found', 'Location: https://auth.example.org/\r\nSet-Cookie: state=1\r\n');
  };
  await service.listen();
  yaml = `
trusted_peers: [192.0.2.1]
authentication:
  jwt: { keys_from: { upstream: login, path: /keys }, audience: shop, claim_headers: { X-Email: email } }
  user_header: X-User
upstreams: { app: ${application.address}, login: ${service.address} }
routes:
  - { path: /open, to: app, authentication: none }
  - { path: /file, to: app, authentication: { jwt: { keys_file: issuer.pem, audience: shop }, user_header: X-User } }
  - path: /page
    to: app
    authentication:
      forward: { upstream: login, path: /verify, copy_headers: Remote-User, user_from: Remote-User }
  - { to: app }
`;
  edge = await startFromYaml(yaml, { files: { 'issuer.pem': pem }, keepsText: true });
});
after(async () => {
  await edge.stop();
  await service.close();
  await application.close();
});

describe('a gateway that takes tokens', () => {
  test('knows the keys of an issuer to which no route leads, and tells applications what the token says', async () => {
    const response = await edge.get('/a', [asAda, 'X-Email: root@example.org', 'X-User: root']);
    assert.equal(response.status, 200);
    const seen = application.last.headers.filter(([name]) => /^(?:x-user|x-email|authorization)$/i.test(name));
    assert.deepEqual(seen.map(([name, value]) => `${name.toLowerCase()}: ${value}`).toSorted(), [
      'x-email: ada@example.org',
      'x-user: ada',
    ]);
    assert.equal((await edge.record(response)).user, 'ada');
    assert.equal((await edge.get('/file', [asAda])).status, 200);
    // RFC 6750 §3.1: no word of an error where nothing was sent.
    const refused = [await edge.get('/a'), await edge.get('/a', ['Authorization: Bearer none'])];
    assert.deepEqual(
      refused.map((response) => [response.status, headerOf(response, 'www-authenticate')]),
      [
        [401, 'Bearer realm="Restricted"'],
        [401, 'Bearer realm="Restricted", error="invalid_token"'],
      ],
    );
  });

  test('lets no client say who it is where nobody is asked', async () => {
    await edge.get('/open', ['X-Email: root@example.org', 'X-User: root', 'Remote-User: root']);
    assert.ok(!application.last.headers.some(([, value]) => value.includes('root')));
  });

  test('tells in the status how old the keys are, and goes on with them through reloads while the issuer is out', async () => {
    const views = (): readonly { keys: readonly { count: number; ageS: number | null }[] }[] =>
      (edge.gateway.status() as unknown as { authentication: never }).authentication;
    await until('the keys are reported', () => views().some(({ keys }) => keys[0]?.count === 1));
    const before = service.requests.length;
    const held = service.answer;
    service.answer = () => answer('500 Internal Server Error', '');
    const outcome = await edge.reload(yaml.replace('/open', '/opened'));
    assert.ok(outcome.ok);
    assert.equal((await edge.get('/a', [asAda])).status, 200);
    assert.equal(service.requests.length, before);
    service.answer = held;
  });

  test('refuses a reload whose keys cannot be read, and keeps the rules in force', async () => {
    await rm(join(edge.folder, 'issuer.pem'));
    assert.equal((await edge.reload(yaml)).ok, false);
    assert.equal((await edge.get('/file')).status, 401);
    assert.equal((await edge.get('/file', [asAda])).status, 200);
    await writeFile(join(edge.folder, 'issuer.pem'), pem);
    assert.equal((await edge.reload(yaml)).ok, true);
  });
});

describe('a gateway that asks a service', () => {
  test('passes its answer on, or lets the request pass', async () => {
    const strangers = await edge.get('/page', ['Accept: text/html']);
    assert.equal(strangers.status, 302);
    assert.deepEqual(
      ['location', 'set-cookie'].map((name) => headerOf(strangers, name)),
      ['https://auth.example.org/', 'state=1'],
    );
    const known = await edge.get('/page', ['Cookie: session=bob']);
    assert.deepEqual([known.status, headerOf(known, 'set-cookie')], [200, 'session=new']);
    assert.ok(
      application.last.headers.some(([name, value]) => name.toLowerCase() === 'remote-user' && value === 'bob'),
    );
    assert.equal((await edge.record(known)).user, 'bob');
    const [question] = service.requests.filter(({ line }) => line.startsWith('GET /verify'));
    const said = Object.fromEntries((question?.headers ?? []).map(([name, value]) => [name.toLowerCase(), value]));
    assert.deepEqual(
      ['x-forwarded-method', 'x-forwarded-uri', 'x-forwarded-proto', 'x-forwarded-host'].map((name) => said[name]),
      ['GET', '/page', 'http', 'example.org'],
    );
  });

  test('answers 503 and not 401 while the service is out, and names its request', async () => {
    const held = service.answer;
    service.answer = () => answer('500 Internal Server Error', '');
    const response = await edge.get('/page', ['Cookie: session=bob']);
    service.answer = held;
    assert.equal(response.status, 503);
    assert.ok(Number(headerOf(response, 'retry-after')) >= 1);
    const { cause } = await edge.record(response);
    assert.equal(cause, 'authentication_unavailable');
  });
});
