import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { after, describe, test } from 'node:test';
import { renderConfigurationErrors } from './configuration-errors.ts';
import { thisHost } from './host.ts';
import { type Loading, loadConfiguration } from './load.ts';

const root = mkdtempSync(join(tmpdir(), 'candor-include-'));
after(() => rmSync(root, { recursive: true, force: true }));
let folders = 0;

/** Reads `candor.yaml` of these files, in a folder of its own. */
async function load(files: Readonly<Record<string, string>>): Promise<Loading & { readonly said: string }> {
  const folder = join(root, String(++folders));
  mkdirSync(folder);
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  const path = join(folder, 'candor.yaml');
  const loading = await loadConfiguration(path, { PORT: '3000' }, thisHost());
  const found = (loading.ok ? loading.warnings : loading.errors).map((one) => ({
    ...one,
    file: relative(folder, one.file),
    message: one.message.replaceAll(folder, '/etc'),
  }));
  const said = renderConfigurationErrors(found, loading.maskedText(), { colour: false, width: 90 });
  return { ...loading, said };
}

const main = `admin: { socket: none }
upstreams: { app: { endpoints: "127.0.0.1:3000" } }
routes:
  - { path: /first, to: app }
  - include: ./routes.d/
  - { to: app }
`;

describe('included files', () => {
  test('stand where they are named, sorted by their names, with their upstreams and applications', async () => {
    const loading = await load({
      'candor.yaml': main,
      'routes.d/20-b.yaml': '---\n- { path: /b, to: app }\n',
      'routes.d/10-a.yml':
        'x-common: &common { timeouts: { idle: 7s } }\nroutes:\n  - { path: /a, to: shop, <<: *common }\nupstreams: { shop: "127.0.0.1:${PORT}" }\n',
      'routes.d/readme.txt': 'not read',
      'routes.d/.30-hidden.yaml': 'not: read',
      'routes.d/40-empty.yaml': '# nothing\n',
    });
    assert.ok(loading.ok, loading.said);
    const { routes, upstreams } = loading.configuration;
    assert.deepEqual(
      routes.map(({ match }) => match.pathPrefix),
      ['/first', '/a', '/b', '/'],
    );
    assert.equal(routes[1]?.timeouts.idleMs, 7000);
    assert.deepEqual(upstreams.map(({ id }) => id).toSorted(), ['app', 'shop']);
    assert.deepEqual(loading.said, '');
    assert.equal(loading.files.length, 5, 'the folder, and three files of it');
  });

  test('are part of the text that is kept, which can be read again without them', async () => {
    const first = await load({ 'candor.yaml': main, 'routes.d/a.yaml': '- { path: /a, to: app }' });
    assert.ok(first.ok, first.said);
    const { original, text } = first.shownText();
    assert.equal(text, original);
    const again = await load({ 'candor.yaml': original, 'routes.d/b.yaml': '- { path: /b, to: app }' });
    assert.ok(again.ok, again.said);
    assert.deepEqual(
      again.configuration.routes.map(({ match }) => match.pathPrefix),
      ['/first', '/a', '/'],
    );
    assert.match(
      again.said,
      /candor.yaml:5:14: warning: "routes.d" is not read: its files stand in this one, from line\n  7 on/,
    );
  });

  test('have their secrets hidden as those of the file are', async () => {
    const loading = await load({
      'candor.yaml': main,
      'routes.d/a.yaml': '- { path: /a, to: app, request_headers: { set: { X-Api-Key: verysecret77 } } }\n',
    });
    assert.ok(loading.ok, loading.said);
    assert.doesNotMatch(loading.shownText().text, /verysecret77/);
    assert.doesNotMatch(loading.maskedText(), /verysecret77/);
  });

  const errors: readonly [what: string, files: Readonly<Record<string, string>>, says: string][] = [
    [
      'a wrong key in an included file',
      { 'routes.d/a.yaml': '- path: /a\n  to: app\n  timeout: 5s\n' },
      'routes.d/a.yaml:3:3: error: unknown key "timeout"\n   3 |   timeout: 5s\n     |   ^^^^^^^\n',
    ],
    [
      'a mistake of syntax in an included file',
      { 'routes.d/a.yaml': '- { path: /a, to: app\n' },
      'routes.d/a.yaml:1:3: error: ',
    ],
    ['no such file or folder', {}, 'candor.yaml:5:14: error: there is no file "routes.d" in "/etc"\n'],
    [
      'a folder without files',
      { 'routes.d/a.conf': '' },
      'candor.yaml:5:14: warning: no file in "routes.d" has a name that ends in .yaml or .yml\n',
    ],
    [
      'an included file that includes',
      { 'routes.d/a.yaml': '- include: ../candor.yaml\n' },
      'routes.d/a.yaml:1:3: error: an included file cannot include another one\n',
    ],
    [
      'an included file that is not for it',
      { 'routes.d/a.yaml': 'routes: []\nlisteners: { http: ":80" }\n' },
      'routes.d/a.yaml:2:1: error: "listeners" cannot stand in an included file\n',
    ],
    [
      'an anchor of another file',
      {
        'candor.yaml': `x-limits: &limits { body_max: 1MiB }\n${main}`,
        'routes.d/a.yaml': '- { to: app, <<: *limits }\n',
      },
      'routes.d/a.yaml:1:18: error: there is no anchor &limits of this file before this alias\n',
    ],
    [
      'an upstream that two files have',
      { 'routes.d/a.yaml': '\nupstreams: { app: "127.0.0.1:1" }\n' },
      'routes.d/a.yaml:2:14: error: "app" is in "upstreams" of another file already\n',
    ],
    [
      'a route that another file has',
      { 'routes.d/a.yaml': '- { path: /a, to: app }\n', 'routes.d/b.yaml': '\n- { path: /a, to: app }\n' },
      'line 1 of routes.d/a.yaml',
    ],
    [
      'text in place of routes',
      { 'routes.d/a.yaml': 'nothing\n' },
      'routes.d/a.yaml:1:1: error: an included file has a',
    ],
    [
      'other keys beside it',
      { 'candor.yaml': main.replace('include:', 'path: /x\n    include:') },
      'candor.yaml:5:5: error: an entry with "include" has no other keys\n',
    ],
    [
      'a pattern',
      { 'candor.yaml': main.replace('./routes.d/', 'routes.d/*.yaml') },
      'name the folder: all its files are read whose names end in',
    ],
    [
      'a folder twice',
      { 'candor.yaml': `${main}  - include: routes.d\n`, 'routes.d/a.yaml': '- { path: /a, to: app }\n' },
      '"routes.d" is included twice',
    ],
    ['nothing', { 'candor.yaml': main.replace('./routes.d/', '""') }, 'a file or folder is expected here'],
    [
      'at the top',
      { 'candor.yaml': `include: routes.d\n${main}`, 'routes.d/a.yaml': '- { path: /a, to: app }\n' },
      'a file or folder of routes is included where its routes stand',
    ],
  ];
  for (const [what, files, says] of errors) {
    test(`are explained: ${what}`, async () => {
      const { said } = await load({ 'candor.yaml': main, ...files });
      assert.ok(said.replace(/\s+/g, ' ').includes(says.replace(/\s+/g, ' ')), said);
    });
  }
});

test('keys that begin with x- are for anchors, and mean nothing', async () => {
  const loading = await load({
    'candor.yaml': `x-limits: &limits { body_max: 1MiB }\nupstreams: { app: "127.0.0.1:1" }\nroutes: [{ to: app, <<: *limits }]\n`,
  });
  assert.ok(loading.ok, loading.said);
  assert.equal(loading.shownText().text, loading.shownText().original, 'their values are shown');
});
