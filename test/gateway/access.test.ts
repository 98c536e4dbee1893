import assert from 'node:assert/strict';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { mmdbOf } from '../../src/features/access/mmdb.test-support.ts';
import { originForTests } from './origin-for-tests.ts';
import type { RawOrigin } from './raw-origin.ts';
import { startFromYaml, until, type YamlGateway } from './start-from-yaml.ts';

const origin: RawOrigin = originForTests('of the application');
const because = 'it is in a network that "deny" names';
const linkKey = 'Kanarienvogel'.repeat(3);
let edge: YamlGateway;
let yaml = '';

before(async () => {
  await origin.listen();
  yaml = `
trusted_peers: [127.0.0.1]
country_file: countries.mmdb
access: { deny_file: drop.txt, user_agents: { deny: scanners } }
upstreams: { app: ${origin.address} }
routes:
  - { path: /de, to: app, access: { countries: { allow: DE } } }
  - { path: /not-de, to: app, access: { countries: { deny: DE } } }
  - { path: /dry, to: app, access: { allow: 10.0.0.0/8, dry_run: true } }
  - { path: /files, to: app, signed_links: { keys_file: link-keys } }
  - { path: /up, readiness: true }
  - { to: app }
`;
  const files = { 'drop.txt': '192.0.2.0/24 ; a list\n', 'link-keys': `${linkKey}\n` };
  // The countries are no text.
  edge = await startFromYaml('upstreams: { app: "127.0.0.1:3000" }', { files, keepsText: true });
  await writeFile(join(edge.folder, 'countries.mmdb'), mmdbOf({ '198.51.100.0/24': 'DE', '203.0.113.0/24': 'FR' }));
  const reloaded = await edge.reload(yaml);
  assert.ok(reloaded.ok, JSON.stringify(reloaded));
});
after(async () => {
  await edge.stop();
  await origin.close();
});

async function statusOf(path: string, address: string, ...headers: string[]): Promise<number> {
  return (await edge.get(path, [`X-Forwarded-For: ${address}`, ...headers])).status;
}

describe('a gateway with rules about who may ask', () => {
  test('refuses addresses of a file and programs by name, and says why in the record', async () => {
    const refused = await edge.get('/', ['X-Forwarded-For: 192.0.2.7']);
    assert.equal(refused.status, 403);
    const { cause, evidence } = await edge.record(refused);
    assert.deepEqual([cause, evidence], ['access_denied', { by: 'network', value: '192.0.2.7', because }]);
    assert.equal(await statusOf('/', '198.51.100.7'), 200);
    assert.equal(await statusOf('/', '198.51.100.7', 'User-Agent: sqlmap/1.8'), 403);
    assert.equal(await statusOf('/up', '192.0.2.7'), 200, 'checks of load balancers');
  });

  test('knows the country of an address', async () => {
    const ask = (path: string): Promise<number[]> =>
      Promise.all(['198.51.100.7', '203.0.113.7', '127.0.0.1'].map((address) => statusOf(path, address)));
    assert.deepEqual(await ask('/de'), [200, 403, 403]);
    assert.deepEqual(await ask('/not-de'), [403, 200, 200]);
  });

  test('counts by rule, also what a dry run would refuse', async () => {
    assert.equal(await statusOf('/dry', '198.51.100.7'), 200);
    await until('the worker has reported', () =>
      edge.gateway.status().access.some(({ dryRun, refused }) => dryRun && refused.length > 0),
    );
    const found = edge.gateway.status().access.find(({ route }) => route === '/');
    assert.deepEqual(found?.refused.map(({ rule, count }) => `${rule} ${count}`).toSorted(), [
      'deny 1',
      'user_agents 1',
    ]);
  });

  test('shows no key of links', () => {
    const said = JSON.stringify([
      edge.gateway.status(),
      edge.gateway.effectiveConfiguration(),
      edge.gateway.configurations.list,
      edge.events,
    ]);
    assert.ok(!said.includes('Kanarienvogel'));
  });

  test('reads its files again at a reload, and keeps its rules where one is lost', async () => {
    await writeFile(join(edge.folder, 'drop.txt'), '198.51.100.0/24\n');
    await writeFile(join(edge.folder, 'countries.mmdb'), mmdbOf({ '203.0.113.0/24': 'DE' }));
    assert.ok((await edge.reload(yaml)).ok);
    const statuses = (): Promise<number[]> =>
      Promise.all([
        statusOf('/', '192.0.2.7'),
        statusOf('/', '198.51.100.7'),
        statusOf('/de', '203.0.113.7'),
        statusOf('/files/a', '192.0.2.7'),
      ]);
    assert.deepEqual(await statuses(), [200, 403, 200, 403]);
    // A copy that is under way, and a file of something else.
    for (const content of [
      mmdbOf({ '203.0.113.0/24': 'DE' }).subarray(0, 500),
      mmdbOf({ '203.0.113.0/24': 'Example' }, { form: 'provider' }),
    ]) {
      await writeFile(join(edge.folder, 'countries.mmdb'), content);
      assert.equal((await edge.reload(yaml)).ok, false);
    }
    for (const name of ['drop.txt', 'countries.mmdb', 'link-keys']) {
      await rm(join(edge.folder, name));
      assert.equal((await edge.reload(yaml)).ok, false, name);
    }
    assert.deepEqual(await statuses(), [200, 403, 200, 403]);
  });
});
