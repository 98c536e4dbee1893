import assert from 'node:assert/strict';
import { mkdir, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { headerOf } from '../../src/testing/testing.ts';
import { ok, RawOrigin } from '../gateway/raw-origin.ts';
import { ReloadedGateway, requestText } from '../gateway/start-from-yaml.ts';
import { blocksOf, readDocument } from './markdown.ts';

// Each example of docs/files.md, as a gateway serves it.

const examples = blocksOf(readDocument('docs/files.md')).filter(({ language }) => language === 'yaml');

/** In the order of the document: what is asked, and what comes. */
const expected: readonly (readonly [what: string, asked: readonly (readonly [path: string, answer: string])[]])[] = [
  [
    'a static site',
    [
      ['/docs/a.html', '200 a'],
      ['/docs/', '200 docs'],
      ['/docs', '308 See /docs/'],
      ['/x', '404'],
    ],
  ],
  [
    'a folder below a path',
    [
      ['/static/app.js', '200 let a'],
      ['/static/x', '404'],
      ['/app.js', '404'],
    ],
  ],
  [
    'a site and an API',
    [
      ['/api/x', '200 application'],
      ['/', '200 home'],
      ['/x', '404'],
    ],
  ],
  [
    'files, then the upstream',
    [
      ['/', '200 home'],
      ['/app.js', '200 let a'],
      ['/x', '200 application'],
    ],
  ],
  [
    'one page',
    [
      ['/users/7', '200 dist'],
      ['/old.js', '404'],
      ['/api/x', '200 application'],
      ['/assets/b.js', '200 let b'],
    ],
  ],
  [
    'pages without an extension',
    [
      ['/about', '200 about us'],
      ['/about.html', '200 about us'],
      ['/blog', '200 all of the blog'],
      ['/blog/', '200 index of the blog'],
      ['/blog/first', '200 first'],
      ['/shop', '308 See /shop/'],
      ['/none', '404'],
    ],
  ],
  [
    'a list',
    [
      ['/downloads/', '200 big.iso'],
      ['/downloads/big.iso', '200 iso'],
      ['/downloads/.x', '404'],
    ],
  ],
  [
    'files that an application names',
    [
      ['/named/accel', '200 report'],
      ['/named/sendfile', '200 report'],
      ['/named/missing', '502'],
      ['/x', '200 application'],
    ],
  ],
];

const files: Readonly<Record<string, string>> = {
  'public/index.html': 'home',
  'public/app.js': 'let a',
  'public/docs/a.html': 'a',
  'public/docs/index.html': 'docs',
  'dist/index.html': 'dist',
  'dist/assets/b.js': 'let b',
  'dist/assets/b.js.br': 'br of b',
  'out/about.html': 'about us',
  'out/blog.html': 'all of the blog',
  'out/blog/index.html': 'index of the blog',
  'out/blog/first.html': 'first',
  'out/shop/index.html': 'shop',
  'srv/downloads/big.iso': 'iso',
  'srv/downloads/.x': 'hidden',
  'protected/2026/report.pdf': 'report',
};

describe('docs/files.md', () => {
  let origin: RawOrigin;
  const reloaded = new ReloadedGateway();
  before(async () => {
    const { folder } = await reloaded.with('routes: [{ respond: { body: a } }]');
    const named: Readonly<Record<string, string>> = {
      '/named/accel': 'X-Accel-Redirect: /protected/2026/report.pdf',
      '/named/sendfile': `X-Sendfile: ${join(folder, 'protected/2026/report.pdf')}`,
      '/named/missing': 'X-Accel-Redirect: /protected/none.pdf',
    };
    origin = await RawOrigin.start(({ line }) => {
      const header = named[line.split(' ')[1] ?? ''];
      return ok('application', header === undefined ? [] : [header]);
    });
    const time = new Date('2025-06-01T12:00:00Z');
    for (const [path, content] of Object.entries(files)) {
      await mkdir(dirname(join(folder, path)), { recursive: true });
      await writeFile(join(folder, path), content);
      await utimes(join(folder, path), time, time);
    }
  });
  after(async () => {
    await reloaded.stop();
    await origin.close();
  });

  test('has an example for each row', () => assert.equal(examples.length, expected.length));

  /** The example with addresses of this test. */
  const here = (text: string): string =>
    text
      .replace('":80"', '"127.0.0.1:0"')
      .replaceAll('127.0.0.1:3000', `127.0.0.1:${origin.port}`)
      .replace('/srv', './srv');

  for (const [index, [what, asked]] of expected.entries())
    test(`shows ${what}`, async () => {
      const edge = await reloaded.with(here(examples[index]?.text ?? ''));
      for (const [path, answer] of asked) {
        const text = requestText('GET', path, ['Host: www.example.org', 'Accept: application/json']);
        const response = await edge.send(text, 'web');
        const [status, body = ''] = answer.split(/ (.*)/);
        assert.equal(response.status, Number(status), path);
        assert.ok(response.body.toString().includes(body), `${path}: ${response.body.toString()}`);
      }
    });

  test('says what an application with one page sends', async () => {
    const edge = await reloaded.with(here(examples[4]?.text ?? ''));
    const ask = async (path: string): Promise<(string | null)[]> => {
      const response = await edge.send(requestText('GET', path, ['Accept-Encoding: br']), 'web');
      return ['cache-control', 'content-encoding', 'content-type'].map((name) => headerOf(response, name));
    };
    assert.deepEqual(await ask('/assets/b.js'), [
      'public, max-age=31536000, immutable',
      'br',
      'text/javascript; charset=utf-8',
    ]);
    assert.deepEqual(await ask('/users/7'), ['no-cache', null, 'text/html; charset=utf-8']);
  });
});
