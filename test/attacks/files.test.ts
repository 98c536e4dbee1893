import assert from 'node:assert/strict';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { parseRawResponse } from '../../src/testing/testing.ts';
import { ok, RawOrigin } from '../gateway/raw-origin.ts';
import { startFromYaml, until, type YamlGateway } from '../gateway/start-from-yaml.ts';
import { sampled } from '../../src/testing/sweep.test-support.ts';

// Spellings that have led file servers out of their folder: nothing outside, and nothing hidden, is served.

let edge: YamlGateway;
/** Answers with the name that the test has put into its request. */
let origin: RawOrigin;
const secret = 'the-secret-of-the-machine';

before(async () => {
  origin = await RawOrigin.start(({ headers }) => {
    const name = headers.find(([header]) => header === 'Name')?.[1] ?? '';
    return Buffer.from(ok('', [name]), 'latin1');
  });
  edge = await startFromYaml(`
upstreams: { app: { endpoints: "127.0.0.1:${origin.port}", check: none } }
routes:
  - { host: named.test, to: app, send_files: { /mount/: ./site/public } }
  - { host: root.test, to: app, send_files: ./site/public }
  - { host: list.test, files: { root: ./site/public, listing: true, fallback: /index.html, precompressed: true } }
  - { path: /mount, files: ./site/public, rewrite: { path: / } }
  - { files: ./site/public }
`);
  const site = join(edge.folder, 'site');
  const root = join(site, 'public');
  await mkdir(join(root, 'in', '.git'), { recursive: true });
  await mkdir(join(site, 'public-2'));
  await mkdir(join(site, 'etc'));
  for (const path of ['secret.txt', 'etc/passwd', 'public-2/secret.txt', 'public/.env', 'public/in/.git/config'])
    await writeFile(join(site, path), secret);
  await writeFile(join(root, 'index.html'), 'home');
  await writeFile(join(root, 'in', 'a.txt'), 'a');
  await symlink('..', join(root, 'up'));
  await symlink('../../secret.txt', join(root, 'in', 'link.txt'));
  await symlink(join(site, 'secret.txt'), join(root, 'absolute.txt'));
  await symlink('../public-2', join(root, 'twin'));
  await symlink('up', join(root, 'chain'));
  await symlink('../secret.txt', join(root, 'in', 'a.txt.gz'));
  await symlink('.env', join(root, 'shown.txt'));
  await symlink('/proc/self', join(root, 'process'));
  await symlink('/', join(root, 'machine'));
});
after(() => Promise.all([edge.stop(), origin.close()]));

const dots = [
  ...[
    '..',
    '%2e%2e',
    '.%2e',
    '%2E.',
    '%252e%252e',
    '%25252e%25252e',
    '..%00',
    '..%20',
    '.. ',
    '..;',
    '..;x=1',
    '...',
    '....',
  ],
  ...[
    '%c0%ae%c0%ae',
    '%e0%80%ae%e0%80%ae',
    '%uff0e%uff0e',
    '\xc0\xae\xc0\xae',
    '%ef%bc%8e%ef%bc%8e',
    '..%ff',
    '..%0d%0a',
    '..%09',
    '.%00.',
    '%00..',
  ],
];
const slashes = [
  '/',
  '//',
  '%2f',
  '%2F',
  '%252f',
  '\\',
  '%5c',
  '%255c',
  '%c0%af',
  '%e0%80%af',
  '/./',
  '/%2e/',
  ';/',
  '%00/',
  '/%00',
];

const escapes = dots.flatMap((dot) =>
  slashes.flatMap((slash) => [`/${dot}${slash}secret.txt`, `/in${slash}${dot}${slash}${dot}${slash}secret.txt`]),
);
const others = [
  ...[
    '/up/secret.txt',
    '/up',
    '/up/',
    '/up/etc/passwd',
    '/in/link.txt',
    '/absolute.txt',
    '/twin/secret.txt',
    '/twin/',
    '/chain/secret.txt',
  ],
  ...[
    '/process/environ',
    '/process/root/etc/passwd',
    '/process/cwd/package.json',
    '/machine/etc/passwd',
    '/machine/etc/hostname',
  ],
  ...[
    '/.env',
    '/%2eenv',
    '/in/.git/config',
    '/in/%2egit/config',
    '/.env%00.html',
    '/.env/',
    '/shown.txt',
    '/%2e/.env',
    '/.ENV',
  ],
  ...[
    '/secret.txt',
    '/../public-2/secret.txt',
    '/..%2fpublic-2%2fsecret.txt',
    '/mount/../secret.txt',
    '/mount/..%2f..%2fsecret.txt',
  ],
  ...[
    '/mount%2f..%2f..%2fsecret.txt',
    '/mount/%2e%2e/%2e%2e/secret.txt',
    '/mountsecret.txt',
    '/mount..',
    '/mount../secret.txt',
    '/mount;/../secret.txt',
  ],
  ...[
    '/file:///etc/passwd',
    '/C:/secret.txt',
    '//etc/passwd',
    '///etc/passwd',
    '/etc/passwd',
    '/~root',
    '/$HOME/secret.txt',
    '/*',
    '/?',
    '/%3f/../secret.txt',
  ],
  ...[
    '/index.html/../../secret.txt',
    '/index.html%00.txt',
    '/in/a.txt::$DATA',
    '/in/a.txt%20',
    '/in/a.txt.',
    '/in/a.txt/../../../secret.txt',
  ],
  ...[
    `/${'../'.repeat(500)}secret.txt`,
    `/${'%2e%2e%2f'.repeat(300)}secret.txt`,
    `/${'in/../'.repeat(300)}../secret.txt`,
    `/${'a'.repeat(4000)}`,
  ],
];
const hosts = ['list.test', 'other.test'];
/** `npm test` tries a third of them at each place, another one where the place is another. */
const spellings = [...escapes, ...others];

test('is asked for in more than 500 spellings', () => assert.ok(new Set(spellings).size > 500));

for (const [turn, host] of hosts.entries())
  test(`serves nothing outside of the folder of ${host}, and nothing hidden`, { timeout: 30_000 }, async () => {
    const wrong: string[] = [];
    const tried = sampled(spellings, 3, turn);
    for (let from = 0; from < tried.length; from += 50)
      await Promise.all(
        tried.slice(from, from + 50).map(async (path) => {
          const client = edge.connect();
          const encoding = 'Accept-Encoding: gzip\r\nConnection: close';
          client.write(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\n${encoding}\r\n\r\n`);
          await until('the response has come', () => client.state !== 'open');
          const bytes = client.bytes;
          client.close();
          const response = parseRawResponse(bytes, 'GET', 'fin');
          const text = bytes.toString('latin1');
          const leaks = text.includes(secret) || /root:.*:0:0|PATH=|>public-2\/?</.test(text);
          const isExpected = response !== null && response.complete && response.status < 500;
          if (leaks || !isExpected) wrong.push(`${JSON.stringify(path)}: ${response?.status} ${text.slice(0, 100)}`);
        }),
      );
    assert.deepEqual(wrong, []);
  });

for (const [turn, host, before] of [
  [0, 'named.test', 'X-Accel-Redirect: /mount'],
  [1, 'root.test', 'X-Accel-Redirect: '],
  [2, 'root.test', 'X-Sendfile: '],
] as const)
  test(`sends no file outside of the folder for "${before}…" at ${host}`, { timeout: 30_000 }, async () => {
    const wrong: string[] = [];
    const tried = sampled(spellings, 3, turn);
    for (let from = 0; from < tried.length; from += 50)
      await Promise.all(
        tried.slice(from, from + 50).map(async (path) => {
          const request = `GET / HTTP/1.1\r\nHost: ${host}\r\nName: ${before}${path}\r\nConnection: close\r\n\r\n`;
          const response = await edge.send(Buffer.from(request, 'latin1'));
          const text = response.body.toString('latin1');
          const isExpected = response.status === 502 || (response.status === 200 && ['home', 'a'].includes(text));
          if (!isExpected || text.includes(secret)) wrong.push(`${JSON.stringify(path)}: ${response.status} ${text}`);
        }),
      );
    assert.deepEqual(wrong, []);
  });
