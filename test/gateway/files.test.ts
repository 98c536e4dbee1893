import assert from 'node:assert/strict';
import { mkdir, readdir, readlink, rename, symlink, truncate, unlink, utimes, writeFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { once } from 'node:events';
import { after, before, describe, test } from 'node:test';
import { headerOf, parseRawResponse, type RawResponse } from '../../src/testing/testing.ts';
import { ok, RawOrigin } from './raw-origin.ts';
import { requestText, startFromYaml, until, type YamlGateway } from './start-from-yaml.ts';

// Files of a folder, from the text of a configuration to the bytes.

const large = Buffer.alloc(1_000_000);
for (let at = 0; at < large.length; at += 4) large.writeUInt32LE(at, at);

/** Older than any second in which a test runs, so that tags are strong. */
const written = new Date('2025-06-01T12:00:00Z');

let origin: RawOrigin;
let edge: YamlGateway;

before(async () => {
  origin = await RawOrigin.start(() => ok('from the application', ['Content-Type: text/plain']));
  edge = await startFromYaml(`
upstreams: { app: ["127.0.0.1:${origin.port}"] }
routes:
  - { host: plain.test, files: ./public }
  - { host: list.test, files: { root: ./public, listing: true } }
  - { host: spa.test, files: { root: ./public, fallback: /index.html } }
  - { host: both.test, files: ./public, to: app }
  - { host: mount.test, path: /static, files: ./public, rewrite: { path: / }, response_headers: { set: { X-Set: "yes" } } }
  - { host: cached.test, files: { root: ./public, cache: { "*.js": immutable, "/docs/**": 1h, "*.html": no-cache } } }
  - { host: coded.test, files: { root: ./public, precompressed: true } }
  - host: clean.test
    files: { root: ./public, extensions: [.html, .htm], fallback: /index.html, precompressed: true, cache: { "*.html": no-cache, "about": 1h } }
  - { host: both-clean.test, to: app, files: { root: ./public, extensions: .html } }
  - { host: listed-clean.test, files: { root: ./public, extensions: .html, listing: true } }
  - { host: gone.test, files: ./nowhere }
  - { host: fallen.test, files: { root: ./public, fallback: /nowhere.html } }
`);
  const root = join(edge.folder, 'public');
  await mkdir(join(root, 'docs', 'deep'), { recursive: true });
  await mkdir(join(root, '.well-known'));
  await mkdir(join(root, '.git'));
  await mkdir(join(root, 'empty'));
  await mkdir(join(root, 'später & <b>'));
  const put = async (path: string, content: string | Buffer, time = written): Promise<void> => {
    await writeFile(join(root, path), content);
    await utimes(join(root, path), time, time);
  };
  await put('index.html', '<h1>home</h1>');
  await put('app.js', 'let a = 1;');
  await put('app.js.br', 'as br');
  await put('app.js.gz', 'as gzip');
  await put('stale.css', 'new');
  await put('stale.css.gz', 'old', new Date('2024-01-01T00:00:00Z'));
  await put('digits.txt', '0123456789');
  await put('built.txt', 'of a build', new Date(0));
  await put('large.bin', large);
  await put('nothing.txt', '');
  await put('docs/index.html', 'docs');
  await put('docs/deep/a b&c.txt', 'deep');
  await put('docs/grüße.txt', 'Grüße');
  await put('about.html', 'about');
  await put('about.html.br', 'about as br');
  await put('old.htm', 'old');
  await put('docs.html', 'page beside docs');
  await put('empty.html', 'page beside empty');
  await put('.html', 'hidden');
  await put('out.htm', 'inside');
  await put('run.php', '<?php');
  await put('run.php.bak', '<?php');
  await put('run.php.html', 'page');
  await put('.env', 'secret');
  await put('.git/config', 'secret');
  await put('.well-known/security.txt', 'Contact: mailto:a@example.org');
  await writeFile(join(edge.folder, 'secret.txt'), 'secret');
  await symlink('../secret.txt', join(root, 'out.txt'));
  await symlink('..', join(root, 'up'));
  await symlink('../secret.txt', join(root, 'out.html'));
  await symlink('digits.txt', join(root, 'in.txt'));
  await symlink('.env', join(root, 'env.txt'));
  await symlink('circle', join(root, 'circle'));
  await mkdir(join(root, 'links'));
  for (const [target, name] of [
    ['../digits.txt', 'inside.txt'],
    ['../docs', 'folder'],
    ['../../secret.txt', 'outside.txt'],
    ['../..', 'above'],
    ['../.env', 'hidden.txt'],
    ['nowhere', 'broken'],
  ] as const)
    await symlink(target, join(root, 'links', name));
});
after(async () => {
  await edge.stop();
  await origin.close();
});

const ask = (host: string, path: string, headers: readonly string[] = [], method = 'GET'): Promise<RawResponse> =>
  edge.send(requestText(method, path, [`Host: ${host}.test`, ...headers]));

const text = (response: RawResponse): string => response.body.toString('utf8');

describe('a route with files', () => {
  const table: [what: string, host: string, path: string, status: number, body: RegExp | string][] = [
    ['serves a file', 'plain', '/digits.txt', 200, '0123456789'],
    ['serves an empty file', 'plain', '/nothing.txt', 200, ''],
    ['serves the index of its folder', 'plain', '/', 200, '<h1>home</h1>'],
    ['serves the index of a folder below', 'plain', '/docs/', 200, 'docs'],
    ['leads to the folder with its slash', 'plain', '/docs?a=b', 308, /\/docs\/\?a=b/],
    ['serves names with percent-encoded characters', 'plain', '/docs/deep/a%20b%26c.txt', 200, 'deep'],
    ['serves names of UTF-8', 'plain', '/docs/gr%C3%BC%C3%9Fe.txt', 200, 'Grüße'],
    ['serves /.well-known', 'plain', '/.well-known/security.txt', 200, /^Contact/],
    ['serves a link that stays inside', 'plain', '/in.txt', 200, '0123456789'],
    ['finds no file', 'plain', '/missing.txt', 404, /file_not_found/],
    ['finds no file below a file', 'plain', '/digits.txt/x', 404, /file_not_found/],
    ['finds no file where the path asks for a folder', 'plain', '/digits.txt/', 404, /file_not_found/],
    ['sends no text of a program', 'plain', '/run.php', 404, /file_not_found/],
    ['sends no copy of one', 'plain', '/run.php.bak', 404, /file_not_found/],
    ['passes on a program', 'both', '/run.php', 200, 'from the application'],
    ['serves a page that was one', 'plain', '/run.php.html', 200, 'page'],
    ['lists no folder', 'plain', '/empty/', 404, /file_not_found/],
    ['serves no file that begins with a dot', 'plain', '/.env', 404, /file_not_found/],
    ['serves nothing of a folder that begins with a dot', 'plain', '/.git/config', 404, /file_not_found/],
    ['serves no hidden file by a link', 'plain', '/env.txt', 404, /file_not_found/],
    ['serves no link that leads out', 'plain', '/out.txt', 404, /file_not_found/],
    ['serves nothing below a link that leads out', 'plain', '/up/secret.txt', 404, /file_not_found/],
    ['ends a link that leads to itself', 'plain', '/circle', 404, /file_not_found/],
    ['answers 404 for a name that is too long', 'plain', `/${'a'.repeat(300)}`, 404, /file_not_found/],
    ['answers 404 for a path that is too long', 'plain', `/${'a/'.repeat(3000)}`, 404, /file_not_found/],
    ['answers 404 while its folder is not there', 'gone', '/x', 404, /site_file_missing/],
    ['answers 404 while its fallback is not there', 'fallen', '/x', 404, /site_file_missing/],
    ['serves no script where the fallback is not there', 'fallen', '/x.js', 404, /file_not_found/],
    ['serves the fallback for a page', 'spa', '/users/7', 200, '<h1>home</h1>'],
    ['serves no fallback for a script', 'spa', '/old.js', 404, /file_not_found/],
    ['passes on what is not there', 'both', '/api', 200, 'from the application'],
    ['passes on a hidden name', 'both', '/.env', 200, 'from the application'],
    ['passes on a folder without an index', 'both', '/empty/', 200, 'from the application'],
    ['serves what is there before the upstream', 'both', '/digits.txt', 200, '0123456789'],
    ['leads to the slash of its own path', 'mount', '/static?a=b', 308, /\/static\/\?a=b/],
    ['serves its index there', 'mount', '/static/', 200, '<h1>home</h1>'],
    ['takes the path that `rewrite` leaves', 'mount', '/static/digits.txt', 200, '0123456789'],
    ['finds a page without its extension', 'clean', '/about', 200, 'about'],
    ['finds it with its extension, too', 'clean', '/about.html', 200, 'about'],
    ['takes the extensions in their order', 'clean', '/old', 200, 'old'],
    ['takes the page before the folder of its name', 'clean', '/docs', 200, 'page beside docs'],
    ['takes the folder where the path asks for one', 'clean', '/docs/', 200, 'docs'],
    ['adds no extension to a path of a folder', 'clean', '/about/', 200, '<h1>home</h1>'],
    ['adds none to the path of the folder itself', 'clean', '/', 200, '<h1>home</h1>'],
    ['adds no extension to another one that is there', 'clean', '/digits.txt', 200, '0123456789'],
    ['leaves out a link that leads out', 'clean', '/out', 200, 'inside'],
    ['has the fallback behind the extensions', 'clean', '/users/7', 200, '<h1>home</h1>'],
    ['finds a page before the upstream', 'both-clean', '/about', 200, 'about'],
    ['passes on what no extension leads to', 'both-clean', '/old', 200, 'from the application'],
    ['takes a page before a list', 'listed-clean', '/empty', 200, 'page beside empty'],
    ['lists the folder beside it', 'listed-clean', '/empty/', 200, /<html/],
  ];
  for (const [what, host, path, status, body] of table)
    test(what, async () => {
      const response = await ask(host, path, ['Accept: application/json']);
      assert.equal(response.status, status, text(response));
      if (typeof body === 'string') assert.equal(text(response), body);
      else assert.match(text(response), body);
    });

  test('serves the fallback for a name with a dot if the client asks for a page', async () => {
    assert.equal((await ask('spa', '/users/john.doe', ['Accept: text/html,*/*;q=0.8'])).status, 200);
  });

  test('says to caches that the fallback depends on Accept, where it does', async () => {
    const varyOf = async (path: string, ...more: string[]) =>
      headerOf(await ask('spa', path, ['Accept: text/html', ...more]), 'vary');
    assert.deepEqual([await varyOf('/old.js'), await varyOf('/old.js', 'If-None-Match: *')], ['Accept', 'Accept']);
    assert.deepEqual([await varyOf('/users/7'), await varyOf('/digits.txt')], [null, null]);
  });

  test('names type, length, tag and time of a file', async () => {
    const response = await ask('mount', '/static/app.js');
    assert.deepEqual(
      ['content-type', 'content-length', 'last-modified', 'accept-ranges', 'x-set'].map((name) =>
        headerOf(response, name),
      ),
      ['text/javascript; charset=utf-8', '10', 'Sun, 01 Jun 2025 12:00:00 GMT', 'bytes', 'yes'],
    );
    assert.match(headerOf(response, 'etag') ?? '', /^"[a-z0-9]+-a"$/);
  });

  test('names no time that a build has written', async () => {
    const response = await ask('plain', '/built.txt');
    assert.equal(headerOf(response, 'last-modified'), null);
    assert.notEqual(headerOf(response, 'etag'), null);
  });

  test('passes a large file through in parts', async () => {
    const response = await ask('plain', '/large.bin');
    assert.ok(response.body.equals(large));
  });

  test('answers HEAD with the length and without the bytes', async () => {
    const response = await ask('plain', '/large.bin', [], 'HEAD');
    assert.deepEqual(
      [response.status, headerOf(response, 'content-length'), response.body.length],
      [200, '1000000', 0],
    );
  });

  test('takes GET and HEAD alone, and says so', async () => {
    const refused = await ask('plain', '/digits.txt', ['Content-Length: 0'], 'POST');
    assert.deepEqual([refused.status, headerOf(refused, 'allow')], [405, 'GET, HEAD, OPTIONS']);
    const options = await ask('plain', '/digits.txt', [], 'OPTIONS');
    assert.deepEqual([options.status, headerOf(options, 'allow')], [204, 'GET, HEAD, OPTIONS']);
    assert.equal(text(await ask('both', '/digits.txt', ['Content-Length: 0'], 'POST')), 'from the application');
  });

  test('says by glob how long files are kept, and of others nothing', async () => {
    const cacheOf = async (path: string): Promise<string | null> =>
      headerOf(await ask('cached', path), 'cache-control');
    assert.deepEqual(
      [
        await cacheOf('/app.js'),
        await cacheOf('/docs/deep/a%20b%26c.txt'),
        await cacheOf('/'),
        await cacheOf('/digits.txt'),
      ],
      ['public, max-age=31536000, immutable', 'public, max-age=3600', 'no-cache', null],
    );
  });

  const codings: [accept: string, coding: string | null, body: string][] = [
    ['br, gzip', 'br', 'as br'],
    ['gzip', 'gzip', 'as gzip'],
    ['gzip;q=1, br;q=0.5', 'gzip', 'as gzip'],
    ['br;q=0, *', 'gzip', 'as gzip'],
    ['zstd', null, 'let a = 1;'],
    ['identity;q=1, br;q=0.1', null, 'let a = 1;'],
  ];
  for (const [accept, coding, body] of codings)
    test(`sends ${coding ?? 'the file itself'} to a client that takes ${accept}`, async () => {
      const response = await ask('coded', '/app.js', [`Accept-Encoding: ${accept}`]);
      assert.deepEqual(
        [headerOf(response, 'content-encoding'), text(response), headerOf(response, 'vary')],
        [coding, body, 'Accept-Encoding'],
      );
      assert.equal(headerOf(response, 'content-type'), 'text/javascript; charset=utf-8');
    });

  test('sends a page without its extension as the file that it is', async () => {
    for (const path of ['/about', '/about', '/about.html']) {
      const response = await ask('clean', path, ['Accept-Encoding: br']);
      assert.deepEqual(
        ['content-type', 'cache-control', 'content-encoding'].map((name) => headerOf(response, name)),
        ['text/html; charset=utf-8', 'no-cache', 'br'],
      );
      assert.equal(text(response), 'about as br');
    }
  });

  test('names what it has looked for below the folder', async () => {
    for (const [host, path, sentence] of [
      ['plain', '/a%20b/x.js', /The folder ".*\/public" has no file "a b\/x\.js"\./],
      ['mount', '/static/assets/x.js', /The folder ".*\/public" has no file "assets\/x\.js"\./],
      ['mount', '/static/empty/', /has no file "empty\/index\.html": its folder has no index\./],
      ['mount', '/static/.env', /has no file "\.env" that may be sent: a name begins with a dot\./],
      ['mount', '/static/run.php', /has no file "run\.php" that may be sent: it is a PHP program\./],
      ['gone', '/x/y', /The folder ".*\/nowhere", in which the file "x\/y" was looked for, does not exist\./],
      ['fallen', '/x', /has no file "x", and lacks the `fallback`/],
    ] as const)
      assert.match((await edge.record(await ask(host, path))).detail ?? '', sentence);
  });

  test('gives each coding a tag of its own', async () => {
    const tags = await Promise.all(
      ['br', 'gzip', 'identity'].map(async (one) =>
        headerOf(await ask('coded', '/app.js', [`Accept-Encoding: ${one}`]), 'etag'),
      ),
    );
    assert.equal(new Set(tags).size, 3);
  });

  test('sends no encoded file that is older than the file', async () => {
    assert.equal(text(await ask('coded', '/stale.css', ['Accept-Encoding: gzip'])), 'new');
  });

  test('lists a folder: names escaped, folders first, nothing hidden', async () => {
    const response = await ask('list', '/docs/deep/');
    assert.match(text(response), /href="\.\/a%20b%26c\.txt">a b&amp;c\.txt</);
    const root = text(await ask('list', '/.well-known/'));
    assert.match(root, /security\.txt/);
    const all = await ask('list', '/empty');
    assert.equal(headerOf(all, 'location'), '/empty/');
  });

  test('lists no link that leads out, or to what is hidden', async () => {
    const page = text(await ask('list', '/links/'));
    assert.deepEqual(
      [...page.matchAll(/href="\.\/([^"]+)"/g)].map(([, name]) => name),
      ['folder/', 'inside.txt'],
    );
  });

  test('is recorded as answered by the gateway, with its cause where it is not', async () => {
    const served = await edge.record(await ask('plain', '/digits.txt'));
    assert.deepEqual([served.end, served.status, served.upstream, served.attempts.length], ['generated', 200, null, 0]);
    const refused = await edge.record(await ask('plain', '/out.txt'));
    assert.equal(refused.cause, 'file_not_found');
    assert.match(refused.detail ?? '', /a link leads out of it/);
  });
});

describe('pages that are missing', () => {
  test('are none where the fallback was sent for them', async () => {
    for (const accept of ['Accept: text/html', 'Accept: */*'])
      for (let page = 0; page < 6; page++) {
        const answer = await ask('spa', `/never-${page}.js`, [accept]);
        assert.equal((await edge.record(answer)).cause, accept.includes('html') ? null : 'file_not_found');
      }
  });

  test('are none of one route because another one has answered the same path', async () => {
    for (const host of ['both', 'plain'])
      for (let page = 0; page < 6; page++) {
        const { cause } = await edge.record(await ask(host, `/api-${page}`));
        assert.equal(cause, host === 'both' ? null : 'file_not_found');
      }
  });

  const incidents = () => edge.gateway.incidents().map(({ cause }) => cause);
  const askAll = async (names: readonly string[]): Promise<string[]> =>
    Promise.all(names.map(async (name) => (await edge.record(await ask('mount', `/static/${name}`))).cause ?? 'sent'));

  test('are no incident where they never were, and are one where they have been sent', async () => {
    const names = Array.from({ length: 12 }, (_, index) => `page-${index}.txt`);
    const paths = names.map((name) => join(edge.folder, 'public', name));
    assert.deepEqual(new Set(await askAll(names)), new Set(['file_not_found']));
    await Promise.all(paths.map((path) => writeFile(path, 'page')));
    assert.deepEqual(new Set(await askAll(names)), new Set(['sent']));
    assert.deepEqual(incidents(), []);
    await Promise.all(paths.map((path) => unlink(path)));
    await until('the gateway sees that they are gone', async () => {
      const causes = await askAll(names);
      return causes.at(-1) === 'site_file_missing';
    });
    await until('there is an incident', async () => {
      await askAll(names);
      return incidents().join() === 'site_file_missing';
    });
  });
});

for (const isWarm of [false, true])
  describe(`a file that changes while it is sent${isWarm ? ', and that was sent a moment ago' : ''}`, () => {
    /** More than the buffers of the system take while the client reads nothing. */
    const size = 12_000_000;

    interface Sent {
      readonly path: string;
      readonly socket: Socket;
    }

    /** The file is open, and its client does not read. */
    async function begun(name: string): Promise<Sent> {
      const path = join(edge.folder, 'public', name);
      await writeFile(path, Buffer.alloc(size, 'a'));
      if (isWarm) await fetchOnce(name);
      const socket = connect(edge.address());
      socket.write(requestText('GET', `/${name}`, ['Host: plain.test', 'Connection: close']));
      await until('the file is open', async () => (await openFiles(name)) > 0);
      return { path, socket };
    }

    /** Its bytes are of no interest. */
    async function fetchOnce(name: string): Promise<void> {
      const socket = connect(edge.address());
      socket.write(requestText('GET', `/${name}`, ['Host: plain.test', 'Connection: close']));
      socket.resume();
      await once(socket, 'close');
    }

    async function openFiles(name: string): Promise<number> {
      const all = await readdir('/proc/self/fd');
      const links = await Promise.all(all.map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => '')));
      return links.filter((link) => link.includes(`/${name}`)).length;
    }

    async function readOn({ socket }: Sent): Promise<RawResponse> {
      const parts: Buffer[] = [];
      socket.on('data', (part: Buffer) => void parts.push(part));
      socket.on('error', () => {});
      await once(socket, 'close');
      const response = parseRawResponse(Buffer.concat(parts), 'GET', 'fin');
      assert.ok(response !== null);
      return response;
    }

    test('is completed from what was opened, if it is deleted', async () => {
      const sent = await begun('deleted.bin');
      await unlink(sent.path);
      const response = await readOn(sent);
      assert.deepEqual([response.complete, response.body.length], [true, size]);
    });

    test('is completed from what was opened, if another one is put in its place', async () => {
      const sent = await begun('renamed.bin');
      await writeFile(`${sent.path}.new`, 'other');
      await rename(`${sent.path}.new`, sent.path);
      const response = await readOn(sent);
      assert.deepEqual([response.complete, response.body.length], [true, size]);
      assert.ok(response.body.equals(Buffer.alloc(size, 'a')));
    });

    test('is cut, if it becomes shorter', async () => {
      const sent = await begun('shorter.bin');
      await truncate(sent.path, 5_000_000);
      const response = await readOn(sent);
      assert.equal(response.complete, false);
      const record = await edge.record(response);
      assert.deepEqual([record.end, record.cause], ['truncated', 'file_changed']);
    });

    test('is cut, if it is rewritten in place', async () => {
      const sent = await begun('rewritten.bin');
      await writeFile(sent.path, Buffer.alloc(size, 'b'), { flag: 'r+' });
      const response = await readOn(sent);
      assert.equal(response.complete, false);
      assert.equal((await edge.record(response)).cause, 'file_changed');
    });

    test('is closed when the client leaves', async () => {
      const sent = await begun('left.bin');
      sent.socket.resetAndDestroy();
      await until('the file is closed', async () => (await openFiles('left.bin')) === 0);
    });
  });
