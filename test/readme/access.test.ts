// Starts processes: the recipes run in the languages that they are written in.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { after, describe, test } from 'node:test';
import { ok, RawOrigin } from '../gateway/raw-origin.ts';
import { ReloadedGateway, requestText, type YamlGateway } from '../gateway/start-from-yaml.ts';
import { blocksOf, readDocument } from './markdown.ts';

const document = readDocument('docs/access.md');
const key = 'k'.repeat(64);
const edge = new ReloadedGateway({ files: { 'drop.txt': '203.0.113.0/24 ; SBL1\n', 'link-keys': `${key}\n` } });
let origin: RawOrigin | null = null;
after(() => edge.stop());
after(() => origin?.close());

function blockBelow(heading: string, language: string): string {
  const found = blocksOf(document).find((block) => block.heading === heading && block.language === language);
  assert.ok(found !== undefined, heading);
  return found.text;
}

/** The example below a heading, behind a proxy that names the client. */
async function gatewayOf(heading: string): Promise<YamlGateway> {
  origin ??= await RawOrigin.start(({ line }) => ok(line.split(' ')[1] ?? ''));
  const yaml = blockBelow(heading, 'yaml').replace(/^listeners:.*\n/m, '');
  return edge.with(`trusted_peers: [127.0.0.1]\n${yaml.replace('127.0.0.1:3000', origin.address)}`);
}

async function statusOf(gateway: YamlGateway, path: string, client: string, ...headers: string[]): Promise<number> {
  const lines = ['Host: shop.example.org', `X-Forwarded-For: ${client}`, ...headers];
  return (await gateway.send(requestText('GET', path, lines))).status;
}

describe('docs/access.md', () => {
  test('networks and programs, of the file and of a route', async () => {
    const gateway = await gatewayOf('Access');
    for (const [path, client, userAgent, status] of [
      ['/', '198.51.100.7', 'Firefox', 200],
      ['/', '203.0.113.7', 'Firefox', 403],
      ['/', '198.51.100.7', 'Nikto/2.5', 403],
      ['/reports', '192.0.2.7', 'Firefox', 200],
      ['/reports', '192.0.2.66', 'Firefox', 403],
      ['/reports', '2001:db8:7::1', 'Nikto/2.5', 200],
      ['/reports', '198.51.100.7', 'Firefox', 403],
    ] as const)
      assert.equal(await statusOf(gateway, path, client, `User-Agent: ${userAgent}`), status, `${path} ${client}`);
  });

  test('/admin is protected in every spelling', async () => {
    const gateway = await gatewayOf('Recipe: protect /admin');
    const spellings = [
      '/admin',
      '/admin/x',
      '/%61dmin',
      '//admin',
      '/x/../admin',
      '/./admin',
      '/x/%2e%2e/admin',
      '/admin?x',
      '/Admin',
      '/ADMIN/x',
      '/admin.json',
      '/admin;x=1',
      '/admin%2fx',
    ];
    const found = await Promise.all(
      spellings.map(async (path) => [
        path,
        await statusOf(gateway, path, '198.51.100.7'),
        await statusOf(gateway, path, '192.0.2.7'),
      ]),
    );
    assert.deepEqual(
      found,
      spellings.map((path) => [path, 403, 200]),
    );
    assert.equal(await statusOf(gateway, '/administration', '198.51.100.7'), 200);
  });

  test('a folder that Node has signed', async () => {
    const gateway = await gatewayOf('Signed links');
    const recipe = blockBelow('Recipe: sign links in Node', 'js');
    const url = `data:text/javascript,${encodeURIComponent(recipe)}`;
    const { signedFolder } = (await import(url)) as { signedFolder: (...of: [string, string, number]) => string };
    const query = signedFolder('/files/album/', key, 60);
    for (const [path, status] of [
      ['/files/album/1.jpg', 200],
      ['/files/b/1.jpg', 403],
      ['/files/album/../b/1.jpg', 403],
    ] as const)
      assert.equal(await statusOf(gateway, `${path}?${query}`, '192.0.2.7'), status, path);
  });

  const recipes = [
    ['Node', 'js', ['node', '--input-type=module', '-'], `console.log(signed('/files/a.pdf?x=1', '${key}', 60))`],
    ['Python', 'python', ['python3', '-'], `print(signed('/files/a.pdf?x=1', '${key}', 60))`],
    ['PHP', 'php', ['php'], `echo signed('/files/a.pdf?x=1', '${key}', 60);`],
  ] as const;
  for (const [name, language, [program, ...argv], call] of recipes) {
    const isMissing = program !== 'node' && spawnSync(program, ['--version']).error !== undefined;
    test(`a link that ${name} has signed`, { skip: isMissing ? `there is no ${program}` : false }, async () => {
      const gateway = await gatewayOf('Signed links');
      const input = `${blockBelow(`Recipe: sign links in ${name}`, language)}\n${call}\n`;
      const run = spawnSync(program === 'node' ? process.execPath : program, argv, { input, encoding: 'utf8' });
      const target = run.stdout.trim();
      assert.match(target, /^\/files\/a\.pdf\?x=1&expires=\d+&signature=[0-9a-f]{64}$/, run.stderr);
      assert.equal(await statusOf(gateway, target, '192.0.2.7'), 200);
      assert.equal(await statusOf(gateway, target.replace('x=1', 'x=2'), '192.0.2.7'), 403);
      assert.equal(await statusOf(gateway, '/', '192.0.2.7'), 200);
    });
  }
});
