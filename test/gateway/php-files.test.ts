import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { answerWith, FastCgiServer } from '../../src/wire/fastcgi-server.test-support.ts';
import { headerOf } from '../../src/testing/testing.ts';
import { requestText, startFromYaml, type YamlGateway } from './start-from-yaml.ts';

// Files and programs of one folder: files are sent, programs are run, and the text of a program never leaves the gateway.

const source = '<?php $password = "secret";';
const php = new FastCgiServer((request, socket) =>
  answerWith(`Content-Type: text/plain\r\n\r\nran ${request.variables.get('SCRIPT_NAME')}`)(request, socket),
);
let edge: YamlGateway;

before(async () => {
  const port = await php.listen();
  edge = await startFromYaml(`
upstreams: { php: { endpoints: "127.0.0.1:${port}", protocol: fastcgi, check: none } }
routes:
  - { host: alone.test, to: php, php: { root: ./www } }
  - { host: both.test, to: php, php: { root: ./www }, files: { root: ./www, precompressed: true, listing: true } }
  - { host: strict.test, to: php, php: { root: ./www, front_controller: none }, files: ./www }
  - { host: off.test, to: php, php: { root: ./www, static: false } }
  - { host: remote.test, to: php, php: { root: /srv, remote: true } }
  - { host: index.test, to: php, php: { root: ./www }, files: { root: ./www, index: [index.html, index.php] } }
`);
  const root = join(edge.folder, 'www');
  for (const folder of ['admin', 'pages', 'mixed', 'files.php', 'plain', '.git'])
    mkdirSync(join(root, folder), { recursive: true });
  for (const name of ['index.php', 'hello.php', 'admin/index.php', 'mixed/index.php', 'INDEX2.PHP', 'old.php5'])
    writeFileSync(join(root, name), source);
  for (const name of ['hello.php~', 'hello.php.bak', 'hello.php.gz', 'hello.php.', 'files.php/x.txt', '.git/config'])
    writeFileSync(join(root, name), source);
  for (const name of ['style.css', 'style.css.gz', 'pages/index.html', 'mixed/index.html', 'a.phpdate.js'])
    writeFileSync(join(root, name), `file ${name}`);
  symlinkSync('hello.php', join(root, 'link.txt'));
  symlinkSync('admin', join(root, 'linked'));
  symlinkSync('../hello.php', join(root, 'pages', 'about.html'));
});
after(() => Promise.all([edge.stop(), php.close()]));

const ask = (host: string, path: string, method = 'GET', lines: readonly string[] = []) =>
  edge.send(requestText(method, path, [`Host: ${host}.test`, 'Accept-Encoding: gzip, br', ...lines]));

describe('a folder with files and programs', () => {
  for (const [path, answer] of [
    ['/style.css', 'file style.css'],
    ['/st%79le.css?x=/a.php', 'file style.css'],
    ['/a.phpdate.js', 'file a.phpdate.js'],
    ['/pages/', 'file pages/index.html'],
    ['/', 'ran /index.php'],
    ['/hello.php', 'ran /hello.php'],
    ['/hello.php/style.css', 'ran /hello.php'],
    ['/orders/17', 'ran /index.php'],
    ['/admin/', 'ran /admin/index.php'],
    ['/linked/', 'ran /linked/index.php'],
    ['/mixed/', 'ran /mixed/index.php'],
    ['/plain/', 'ran /index.php'],
    ['/.git/config', 'ran /index.php'],
  ] as const)
    test(`${path}: ${answer}`, async () => {
      const response = await ask('alone', path);
      assert.deepEqual([response.status, response.body.toString()], [200, answer]);
    });

  test('other methods than GET and HEAD are for programs', async () => {
    assert.equal((await ask('alone', '/style.css', 'POST')).body.toString(), 'ran /index.php');
  });

  test('a folder without its slash is redirected to it', async () => {
    for (const [path, location] of [
      ['/admin?x=1', '/admin/?x=1'],
      ['//admin', '/admin/'],
      ['/pages', '/pages/'],
    ]) {
      const response = await ask('alone', path as string);
      assert.deepEqual([response.status, headerOf(response, 'location')], [308, location]);
    }
  });

  test('a file beside another one is sent in its coding', async () => {
    const response = await ask('both', '/style.css');
    assert.deepEqual([headerOf(response, 'content-encoding'), response.body.toString()], ['gzip', 'file style.css.gz']);
  });

  test('no file is sent where the configuration says so, or the folder is elsewhere', async () => {
    for (const host of ['off', 'remote'])
      assert.equal((await ask(host, '/style.css')).body.toString(), 'ran /index.php');
  });

  test('the order of "index" holds for programs too', async () => {
    assert.equal((await ask('index', '/mixed/')).body.toString(), 'file mixed/index.html');
    assert.equal((await ask('index', '/admin/')).body.toString(), 'ran /admin/index.php');
  });
});

describe('the text of a program is never sent', () => {
  for (const path of [
    '/index.php',
    '/INDEX.PHP',
    '/INDEX2.PHP',
    '/index.php/x',
    '/index.php/',
    '/index.php.',
    '/index.%70hp',
    '/index.php%20',
    '/index.php%00',
    '/index.php%2f',
    '/hello.php~',
    '/hello.php.bak',
    '/hello.php.gz',
    '/hello.php.',
    '/old.php5',
    '/files.php/x.txt',
    '/pages/../hello.php',
    '/pages/..%2fhello.php',
    '/link.txt',
    '/pages/about.html',
    '//hello.php',
    '/./hello.php',
    '/hello.php;x',
    '/.git/config',
  ])
    test(path, async () => {
      for (const host of ['alone', 'both', 'strict', 'index'])
        for (const method of ['GET', 'HEAD']) {
          const response = await ask(host, path, method, ['Range: bytes=0-1000']);
          const [text] = response.body.toString().split('\n');
          assert.doesNotMatch(response.body.toString(), /secret/, host);
          assert.ok(
            response.status === 404 || response.status === 200 || response.status === 400,
            `${response.status}`,
          );
          if (method === 'GET' && response.status === 200) assert.match(text ?? '', /^ran /, host);
          assert.equal(headerOf(response, 'etag'), null, host);
        }
    });
});
