import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { linkProblem } from '../../src/features/signed-links/link.ts';
import { isInFolder } from '../../src/features/signed-links/worker-folder.ts';
import { FakeProcessContext } from '../fakes/fake-process-context.ts';
import { assertFits } from './golden.ts';

const folder = mkdtempSync(join(tmpdir(), 'candor-sign-'));
after(() => rmSync(folder, { recursive: true, force: true }));
const keys = ['k'.repeat(40), 'l'.repeat(40)];
writeFileSync(join(folder, 'link-keys'), keys.join('\n'), { mode: 0o600 });
writeFileSync(
  join(folder, 'candor.yaml'),
  `upstreams: { app: "127.0.0.1:3000" }
routes:
  - { host: shop.example.org, path: /files, to: app, signed_links: { keys_file: link-keys } }
  - { host: shop.example.org, path: /own, to: app, signed_links: { keys_file: link-keys, bound_to_address: true } }
  - { host: shop.example.org, to: app }
`,
);

async function candor(...argv: string[]): Promise<{ code: number; out: string; err: string; nowS: number }> {
  const context = new FakeProcessContext(folder);
  const code = await context.candor('sign', ...argv);
  assertFits(context.stderr.text);
  const nowS = Math.floor(context.clock.wallTime() / 1000);
  return { code, out: context.stdout.text.trim(), err: context.stderr.text, nowS };
}

const problemOf = (url: string, nowS: number, address: string | null = null): string | null =>
  linkProblem(url.replace('https://shop.example.org', ''), [keys[0] as string], { nowS, address, isIn: isInFolder })
    ?.fault ?? null;

describe('candor sign', () => {
  test('makes a link that the gateway takes for an hour, by the first key of its route', async () => {
    const { code, out, nowS } = await candor('https://shop.example.org/files/a b.pdf?x=1#part');
    assert.equal(code, 0);
    assert.match(out, /^https:\/\/shop\.example\.org\/files\/a%20b\.pdf\?x=1&expires=\d+&signature=[0-9a-f]{64}$/);
    assert.deepEqual([problemOf(out, nowS + 3590), problemOf(out, nowS + 3600)], [null, 'expired']);
  });

  test('makes it for as long as it is to be valid, and for an address', async () => {
    const { out, nowS } = await candor(
      'https://shop.example.org/own/a',
      '--for',
      '10m',
      '--address',
      '192.0.2.7',
      '--json',
    );
    const { url, expires, route } = JSON.parse(out) as Record<string, string>;
    assert.equal(problemOf(url ?? '', nowS + 590, '192.0.2.7'), null);
    assert.equal(problemOf(url ?? '', nowS, '192.0.2.8'), 'not_valid');
    assert.equal(expires, new Date((nowS + 600) * 1000).toISOString());
    assert.match(route ?? '', /own/);
  });

  test('signs a folder, for each path in it', async () => {
    const { code, out, nowS } = await candor('https://shop.example.org/files/my album/', '--folder');
    assert.equal(code, 0);
    assert.match(out, /^https:\/\/shop\.example\.org\/files\/my%20album\/\?folder=\/files\/my%20album\/&expires=/);
    const other = out.replace('album/?', 'album/2026/1.jpg?');
    assert.deepEqual([problemOf(out, nowS), problemOf(other, nowS)], [null, null]);
    assert.equal(problemOf(out.replace('album/?', 'album2/?'), nowS), 'not_valid');
  });

  for (const [what, argv, code, says] of [
    ['a folder without its slash', ['https://shop.example.org/files/album', '--folder'], 2, /ends with "\/"/],
    ['a URL that no route takes', ['https://other.example.org/files/a'], 9, /No route takes this URL/],
    ['one that needs none', ['https://shop.example.org/a'], 2, /has no signed_links/],
    ['what is no URL', ['files/a.pdf'], 2, /no URL/],
    ['a link that is signed already', ['https://shop.example.org/files/a?expires=1'], 2, /already/],
    ['an address that is needed', ['https://shop.example.org/own/a'], 2, /--address/],
    ['an address that is none', ['https://shop.example.org/own/a', '--address', 'x'], 2, /--address/],
    ['an address that is not signed', ['https://shop.example.org/files/a', '--address', '192.0.2.7'], 2, /no address/],
    ['a file that is not there', ['https://shop.example.org/files/a', '-c', 'none.yaml'], 4, /none\.yaml/],
  ] as const)
    test(`signs nothing for ${what}`, async () => {
      const { code: given, out, err } = await candor(...argv);
      assert.match(err, says);
      assert.equal(given, code);
      assert.equal(out, '');
    });
});
