import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { hashSync } from 'bcryptjs';
import { headerOf } from '../../src/testing/testing.ts';
import { originForTests } from './origin-for-tests.ts';
import type { RawOrigin } from './raw-origin.ts';
import { startFromYaml, until, type YamlGateway } from './start-from-yaml.ts';

const canary = 'Kanarienvogel-7';
const key = `candor_key_${canary}`;
const hashOf = (of: string): string => createHash('sha256').update(of).digest('hex');

const origin: RawOrigin = originForTests('of the application');
let edge: YamlGateway;
let yaml = '';
const asAda = `Authorization: Basic ${Buffer.from(`ada:${canary}`).toString('base64')}`;

before(async () => {
  await origin.listen();
  yaml = `
trusted_peers: [192.0.2.1]
authentication: { basic: { users_file: users }, api_keys: { keys_file: keys, header: X-API-Key }, user_header: X-User }
upstreams: { app: ${origin.address} }
routes:
  - { path: /open, to: app, authentication: none }
  - { path: /up, readiness: true }
  - { path: /ops, to: app, authentication: { api_keys: { keys_file: keys }, require: { groups: ops } } }
  - { to: app }
`;
  const files = { users: `ada:${hashSync(canary, 4)}\n`, keys: `ci:${hashOf(key)}:ops\n` };
  edge = await startFromYaml(yaml, { files, keepsText: true });
});
after(async () => {
  await edge.stop();
  await origin.close();
});

describe('a gateway with authentication', () => {
  test('lets in who has the password of a bcrypt file, or a key, and records the name', async () => {
    const byPassword = await edge.get('/a', [asAda]);
    const byKey = await edge.get('/a', [`X-API-Key: ${key}`]);
    const byBearer = await edge.get('/ops', [`Authorization: Bearer ${key}`]);
    assert.deepEqual([byPassword.status, byKey.status, byBearer.status], [200, 200, 200]);
    const users = await Promise.all([byPassword, byKey, byBearer].map(async (one) => (await edge.record(one)).user));
    assert.deepEqual(users, ['ada', 'ci', 'ci']);
  });

  test('refuses others, with what it asks for, and leaves open what is to be', async () => {
    const refused = await edge.get('/a');
    assert.equal(refused.status, 401);
    const challenges = headerOf(refused, 'www-authenticate');
    assert.equal(
      challenges,
      'ApiKey realm="Restricted", header="x-api-key", Basic realm="Restricted", charset="UTF-8"',
    );
    assert.equal((await edge.record(refused)).cause, 'not_authenticated');
    assert.deepEqual([(await edge.get('/open')).status, (await edge.get('/up')).status], [200, 200]);
    assert.equal((await edge.get('/ops', [asAda])).status, 401, 'the route has its own schemes');
  });

  test('writes credentials nowhere', async () => {
    const wrong = await edge.get('/a', [
      'X-API-Key: Kanarienvogel-8',
      `Authorization: Basic ${btoa('ada:Kanarienvogel-8')}`,
    ]);
    const record = await edge.record(wrong);
    const said = JSON.stringify([
      record,
      edge.gateway.status(),
      edge.gateway.effectiveConfiguration(),
      edge.gateway.configurations.list,
      edge.events,
      wrong.body.toString(),
    ]);
    for (const secret of ['Kanarien', hashOf(key), '$2b$', btoa('ada:')])
      assert.ok(
        !said.includes(secret),
        `${secret} is in ${said.slice(Math.max(0, said.indexOf(secret) - 200), said.indexOf(secret) + 50)}`,
      );
  });

  test('counts what became of credentials, by route', async () => {
    await until('the worker has reported', () =>
      edge.gateway
        .status()
        .authentication.some(({ refused }) => refused.some(({ fault }) => fault === 'wrong_password')),
    );
    const found = edge.gateway.status().authentication.find(({ route }) => route === '/');
    assert.equal(found?.admitted, 2);
    assert.deepEqual(found?.refused.map(({ scheme, fault }) => `${scheme} ${fault}`).toSorted(), [
      'api_keys missing',
      'api_keys unknown_key',
      'basic wrong_password',
    ]);
  });

  test('reads the files again at a reload, and refuses a configuration whose file is lost', async () => {
    await writeFile(join(edge.folder, 'keys'), `new:${hashOf('candor_key_new')}:ops\n`);
    assert.ok((await edge.reload(yaml)).ok);
    const statuses = async (): Promise<number[]> => {
      const answers = [key, 'candor_key_new'].map((one) => edge.get('/a', [`X-API-Key: ${one}`]));
      return (await Promise.all([...answers, edge.get('/a')])).map(({ status }) => status);
    };
    assert.deepEqual(await statuses(), [401, 200, 401]);
    await rm(join(edge.folder, 'keys'));
    assert.equal((await edge.reload(yaml)).ok, false);
    assert.deepEqual(await statuses(), [401, 200, 401], 'the rules before stay in force');
  });
});
