import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, describe, test } from 'node:test';
import { hashSync } from 'bcryptjs';
import { clientSecret, LoginProvider, Person } from '../gateway/login-provider.ts';
import { ok, RawOrigin } from '../gateway/raw-origin.ts';
import { ReloadedGateway, requestText, type YamlGateway } from '../gateway/start-from-yaml.ts';
import { blocksOf, readDocument } from './markdown.ts';

const document = readDocument('docs/authentication.md');
const lineOf = (name: string, groups: string): string =>
  `${name}:${createHash('sha256').update(`key of ${name}`).digest('hex')}${groups}`;
const edge = new ReloadedGateway({
  files: {
    'client-secret': clientSecret,
    users: `ada:${hashSync('secret', 4)}`,
    'api-keys': [lineOf('ci', ':deploy'), lineOf('bot', '')].join('\n'),
  },
});
let origin: RawOrigin | null = null;
after(() => edge.stop());
after(() => origin?.close());
let provider: LoginProvider | null = null;
after(() => provider?.stop());

/** The example below a heading, whose application answers with what it is told of the user. */
async function gatewayOf(heading: string): Promise<YamlGateway> {
  origin ??= await RawOrigin.start(({ line }) => ok(line.split(' ')[1] ?? ''));
  const found = blocksOf(document).find((block) => block.heading === heading && block.language === 'yaml');
  assert.ok(found !== undefined, heading);
  return edge.with(found.text.replace(/^listeners:.*\n/m, '').replace('127.0.0.1:3000', origin.address));
}

const asAda = `Authorization: Basic ${btoa('ada:secret')}`;
const bearer = (name: string): string => `Authorization: Bearer key of ${name}`;
const told = (name: string): string | undefined =>
  origin?.last.headers.find(([header]) => header.toLowerCase() === name.toLowerCase())?.[1];

describe('docs/authentication.md', () => {
  test('passwords and keys beside each other, and an open path', async () => {
    const gateway = await gatewayOf('Authentication');
    const ask = async (path: string, headers: readonly string[]): Promise<number> =>
      (await gateway.send(requestText('GET', path, ['Host: tools.example.org', ...headers]))).status;
    assert.equal(await ask('/', []), 401);
    assert.equal(await ask('/', [asAda, 'X-User: root']), 200);
    assert.deepEqual([told('X-User'), told('Authorization')], ['ada', undefined]);
    assert.equal(await ask('/', ['X-API-Key: key of ci']), 200);
    assert.deepEqual([told('X-User'), told('X-API-Key')], ['ci', undefined]);
    assert.equal(await ask('/webhooks', ['X-User: root']), 200);
    assert.equal(told('X-User'), undefined);
  });

  test('whom a route lets in', async () => {
    const gateway = await gatewayOf('Whom a route lets in');
    const statuses = ['/deploy', '/'].map((path) =>
      Promise.all(['ci', 'bot'].map(async (name) => (await gateway.get(path, [bearer(name)])).status)),
    );
    assert.deepEqual(await Promise.all(statuses), [
      [200, 403],
      [200, 200],
    ]);
  });

  test('a password for an internal tool', async () => {
    const gateway = await gatewayOf('Recipe: a password for an internal tool');
    const ask = async (headers: readonly string[]): Promise<number> =>
      (await gateway.send(requestText('GET', '/', ['Host: grafana.example.org', ...headers]))).status;
    assert.deepEqual([await ask([]), await ask(['X-WEBAUTH-USER: root'])], [401, 401]);
    assert.equal(await ask([asAda, 'X_WEBAUTH_USER: root']), 200);
    assert.deepEqual([told('X-WEBAUTH-USER'), told('X_WEBAUTH_USER')], ['ada', undefined]);
  });

  test('keys for programs, and one route for all', async () => {
    const gateway = await gatewayOf('Recipe: keys for programs, and one route for all');
    assert.deepEqual([(await gateway.get('/')).status, (await gateway.get('/health')).status], [401, 200]);
    assert.equal((await gateway.get('/', [bearer('bot')])).status, 200);
    assert.equal(told('X-Client-Name'), 'bot');
  });

  /** The example below a heading, whose provider is that of the test, behind a proxy with TLS. */
  async function logInAt(heading: string, site: string): Promise<Person> {
    const found = blocksOf(document).find((block) => block.heading === heading && block.language === 'yaml');
    assert.ok(found !== undefined, heading);
    provider ??= await LoginProvider.start({ origins: ['https://tools.example.org', 'https://metrics.example.org'] });
    origin ??= await RawOrigin.start(({ line }) => ok(line.split(' ')[1] ?? ''));
    const text = found.text
      .replace(/^listeners:.*$/m, 'trusted_peers: [127.0.0.1]')
      .replaceAll(/https:\/\/(?:id|login)\.example\.org(?=")/g, `127.0.0.1:${provider.port}`)
      .replaceAll(/https:\/\/(?:id|login)\.example\.org(?:\/realms\/staff)?/g, provider.issuer)
      .replace(/127\.0\.0\.1:(?:3000|9090)/g, origin.address);
    const person = new Person(await edge.with(text), provider);
    const page = await person.open(`${site}/reports`, 'bob');
    assert.deepEqual([page.status, page.body.toString()], [200, '/reports']);
    return person;
  }

  test('a login at a provider', async () => {
    await logInAt('Logins at a provider', 'https://tools.example.org');
    assert.deepEqual(['X-User', 'X-Groups', 'Cookie'].map(told), ['bob@example.org', 'staff', undefined]);
  });

  test('a login for internal tools', async () => {
    const bob = await logInAt('Recipe: login for internal tools with a company account', 'https://metrics.example.org');
    assert.equal(told('X-Forwarded-User'), 'bob@example.org');
    assert.equal((await bob.ask('https://metrics.example.org/api', ['Sec-Fetch-Mode: cors'])).status, 200);
    assert.equal((await bob.ask('https://wiki.example.org/api', ['Sec-Fetch-Mode: cors'])).status, 401);
  });
});
