import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { answerWith, FastCgiServer } from '../../src/wire/fastcgi-server.test-support.ts';
import { ReloadedGateway, requestText } from '../gateway/start-from-yaml.ts';
import { blocksOf, readDocument } from './markdown.ts';

// Each example of docs/php.md, with a FastCGI server that says which program it would run. `npm run try:php` has php-fpm itself.

const examples = blocksOf(readDocument('docs/php.md')).filter(({ language }) => language === 'yaml');

/** In the order of the document: what is asked, and what comes. */
const expected: readonly (readonly [what: string, asked: readonly (readonly [path: string, answer: string])[]])[] = [
  [
    'an application',
    [
      ['/style.css', '200 body{}'],
      ['/page.php/a', '200 ran /srv/www/public/page.php "/a"'],
      ['/', '200 ran /srv/www/public/index.php ""'],
      ['/orders/17', '200 ran /srv/www/public/index.php ""'],
      ['/admin/', '200 ran /srv/www/public/admin/index.php ""'],
      ['/admin', '308 See /admin/'],
      ['/missing.php', '404'],
      ['/image.jpg/x.php', '404'],
    ],
  ],
  [
    'files that need more',
    [
      ['/build/app.js', '200 let a'],
      ['/orders/17', '200 ran /srv/www/public/index.php ""'],
    ],
  ],
  [
    'WordPress',
    [
      ['/2026/11/hello/', '200 ran /srv/wordpress/index.php ""'],
      ['/wp-admin', '308 See /wp-admin/'],
      ['/wp-content/debug.log', '404'],
      ['/wp-content/uploads/cat.jpg', '200 cat'],
      ['/wp-content/uploads/evil.php', '404'],
      ['/wp-content/uploads/none.jpg', '404'],
    ],
  ],
  [
    'phpMyAdmin',
    [
      ['/phpmyadmin', '308 See /phpmyadmin/'],
      ['/phpmyadmin/', '200 ran /usr/share/phpmyadmin/index.php ""'],
      ['/phpmyadmin/js/main.js', '200 main'],
      ['/phpmyadmin/none', '404'],
      ['/phpmyadmin/libraries/x.php', '404'],
      ['/phpmyadmin/templates/x.twig', '404'],
      ['/phpmyadmin/../javascript/x.js', '404'],
      ['/hello.html', '200 hello'],
    ],
  ],
  [
    'a container',
    [
      ['/any.php', '200 ran /var/www/html/any.php ""'],
      ['/style.css', '200 ran /var/www/html/index.php ""'],
    ],
  ],
  [
    'a file that a program names',
    [
      ['/report.php', '200 report'],
      ['/page.php', '200 ran /srv/www/public/page.php ""'],
      ['/protected/report.pdf', '200 ran /srv/www/public/index.php ""'],
    ],
  ],
];

const files: Readonly<Record<string, string>> = {
  'srv/www/public/index.php': '<?php',
  'srv/www/public/page.php': '<?php',
  'srv/www/public/report.php': '<?php',
  'srv/www/protected/report.pdf': 'report',
  'srv/www/public/admin/index.php': '<?php',
  'srv/www/public/style.css': 'body{}',
  'srv/www/public/image.jpg': 'image',
  'srv/www/public/build/app.js': 'let a',
  'srv/www/hello.html': 'hello',
  'srv/wordpress/index.php': '<?php',
  'srv/wordpress/wp-admin/index.php': '<?php',
  'srv/wordpress/wp-content/debug.log': 'odd',
  'srv/wordpress/wp-content/uploads/cat.jpg': 'cat',
  'srv/wordpress/wp-content/uploads/evil.php': '<?php',
  'usr/share/phpmyadmin/index.php': '<?php',
  'usr/share/phpmyadmin/js/main.js': 'main',
  'usr/share/phpmyadmin/libraries/x.php': '<?php',
  'usr/share/phpmyadmin/templates/x.twig': 'x',
  'usr/share/javascript/x.js': 'x',
};

describe('docs/php.md', () => {
  const reloaded = new ReloadedGateway();
  let folder = '';
  let port = 0;
  const php = new FastCgiServer((request, socket) => {
    const told = (name: string): string => request.variables.get(name) ?? '';
    const program = told('SCRIPT_FILENAME').replace(folder, '');
    const named = program.endsWith('/report.php') ? 'X-Accel-Redirect: /protected/report.pdf\r\n' : '';
    answerWith(`Content-Type: text/plain\r\n${named}\r\nran ${program} "${told('PATH_INFO')}"`)(request, socket);
  });
  before(async () => {
    port = await php.listen();
    ({ folder } = await reloaded.with('routes: [{ respond: { body: a } }]'));
    for (const [path, content] of Object.entries(files)) {
      await mkdir(dirname(join(folder, path)), { recursive: true });
      await writeFile(join(folder, path), content);
    }
  });
  after(() => Promise.all([reloaded.stop(), php.close()]));

  test('has an example for each row', () => assert.equal(examples.length, expected.length));

  /** The example with addresses and folders of this test. */
  const here = (text: string): string =>
    text
      .replace('":80"', '"127.0.0.1:0"')
      .replaceAll(/unix:[\w./-]+|127\.0\.0\.1:9000/g, `127.0.0.1:${port}`)
      .replaceAll(/(?<= )(?=\/(?:srv|usr)\/)/g, '.');

  for (const [index, [what, asked]] of expected.entries())
    test(`shows ${what}`, async () => {
      const edge = await reloaded.with(here(examples[index]?.text ?? ''));
      for (const [path, answer] of asked) {
        const response = await edge.send(requestText('GET', path, ['Host: www.example.org']), 'web');
        const [status, body = ''] = answer.split(/ (.*)/);
        assert.equal(response.status, Number(status), path);
        assert.ok(response.body.toString().includes(body), `${path}: ${response.body.toString()}`);
      }
    });
});
