import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { tmpdir } from 'node:os';
import { type YamlGateway, startFromYaml } from '../gateway/start-from-yaml.ts';
import { blocksOf, readDocument } from '../readme/markdown.ts';
import { Browser, type Page } from './browser.ts';
import { PhpMachine } from './programs.ts';

/**
 * Runs the examples of docs/php.md with php-fpm, WordPress, phpMyAdmin and MariaDB as Debian ships them.
 *
 *     npm run try:php
 */

const children = 3;
const programs: Readonly<Record<string, string>> = {
  'index.php': '<?php echo "front ", $_SERVER["REQUEST_URI"];',
  'told.php':
    '<?php header("Content-Type: application/json"); echo json_encode(["server" => $_SERVER, "files" => $_FILES, "read" => strlen(file_get_contents("php://input"))]);',
  'warns.php': '<?php error_log("a warning of the program"); echo "done";',
  'slow.php': '<?php sleep(2); echo "slept";',
  'dies.php': '<?php echo str_repeat("x", 100000); flush(); posix_kill(getmypid(), 9);',
  'large.php': '<?php for ($i = 0; $i < 3000; $i++) echo str_repeat("0123456789", 1000);',
  'redirect.php':
    '<?php http_response_code(303); header("Location: /told.php"); setcookie("a", "1"); setcookie("b", "2");',
  'style.css': 'body{}',
};

const folder = mkdtempSync(join(tmpdir(), 'candor-php-'));
const examples = blocksOf(readDocument('docs/php.md')).filter(({ language }) => language === 'yaml');
let failures = 0;

async function says(what: string, check: () => Promise<void>): Promise<void> {
  try {
    await check();
    console.log(`✔ ${what}`);
  } catch (error) {
    failures++;
    console.log(`✖ ${what}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** A gateway with an example. Its folders are below `folder`. */
async function withExample(index: number, use: (browser: Browser, edge: YamlGateway) => Promise<void>): Promise<void> {
  const text = (examples[index]?.text ?? '')
    .replace('":80"', '"127.0.0.1:0"')
    .replaceAll(/unix:[\w./-]+|127\.0\.0\.1:9000/g, `unix:${join(folder, 'run/fpm.sock')}`)
    .replaceAll(/(?<= )(?=\/(?:srv|usr|var)\/)/g, folder);
  const edge = await startFromYaml(`${text}\ntimeouts: { response_head: 30s }\n`);
  const { host, port } = edge.address('web');
  try {
    await use(new Browser(`http://${host}:${port}`), edge);
  } finally {
    await edge.stop();
  }
}

const idOf = (page: Page): string => page.headers.get('x-request-id') ?? '';

async function checkPhp(browser: Browser, edge: YamlGateway): Promise<void> {
  await says('php-fpm runs the front controller, and the gateway sends the style', async () => {
    assert.equal((await browser.get('/orders/17')).text, 'front /orders/17');
    assert.equal((await browser.get('/')).text, 'front /');
    assert.equal((await browser.get('/style.css')).text, 'body{}');
    assert.equal((await browser.get('/missing.php')).status, 404);
  });
  await says('a program is told what nginx tells it', async () => {
    const { server } = JSON.parse((await browser.get('/told.php/a/b?x=1')).text);
    const told = ['SCRIPT_NAME', 'PATH_INFO', 'PHP_SELF', 'QUERY_STRING', 'REQUEST_URI'].map((name) => server[name]);
    assert.deepEqual(told, ['/told.php', '/a/b', '/told.php/a/b', 'x=1', '/told.php/a/b?x=1']);
    assert.equal(server.SCRIPT_FILENAME, join(folder, 'srv/www/public/told.php'));
  });
  await says('an upload of 300 MB arrives', async () => {
    const form = new FormData();
    form.append('file', new Blob([Buffer.alloc(300_000_000)]), 'large.bin');
    const { files } = JSON.parse((await browser.get('/told.php', { method: 'POST', body: form })).text);
    assert.deepEqual([files.file.size, files.file.error], [300_000_000, 0]);
  });
  await says('30 MB come back', async () => assert.equal((await browser.get('/large.php')).size, 30_000_000));
  await says('a redirect has its status and both cookies', async () => {
    const { status, headers } = await browser.get('/redirect.php');
    assert.deepEqual([status, headers.get('location'), headers.getSetCookie().length], [303, '/told.php', 2]);
  });
  await says('a warning of the program stands in the record', async () => {
    const { attempts } = await edge.record(idOf(await browser.get('/warns.php')));
    assert.match(JSON.stringify(attempts[0]?.stderr), /a warning of the program/);
  });
  await says('an answer whose child is killed is cut, and never whole', async () => {
    await assert.rejects(browser.get('/dies.php'));
  });
  await says('more requests than children wait, and all are answered', async () => {
    const pages = await Promise.all(Array.from({ length: 2 * children }, () => browser.get('/slow.php')));
    assert.deepEqual([...new Set(pages.map(({ status, text }) => `${status} ${text}`))], ['200 slept']);
  });
}

async function checkWordPress(browser: Browser): Promise<void> {
  await says('WordPress is installed by its form', async () => {
    assert.equal(
      (await browser.get('/')).headers.get('location')?.replace(/^http:\/\/[^/]+/, ''),
      '/wp-admin/install.php',
    );
    const fields = { weblog_title: 'Example', user_name: 'ann', admin_email: 'ann@example.org', language: '' };
    const password = { admin_password: 'long enough 1', admin_password2: 'long enough 1', pw_weak: 'on' };
    const done = await browser.send('/wp-admin/install.php?step=2', { ...fields, ...password });
    assert.match(done.text, /Success|success/, done.text.slice(0, 2000));
  });
  await says('WordPress shows its page, with its styles and scripts', async () => {
    const { status, text } = await browser.get('/');
    assert.equal(status, 200);
    assert.match(text, /Hello world/);
    const local = [...text.matchAll(/(?:src|href)='?"?http:\/\/[^/]+(\/wp-(?:content|includes)\/[^'"?]+)/g)].map(
      ([, path]) => path as string,
    );
    assert.ok(local.length > 0, 'there are none');
    for (const path of new Set(local)) assert.equal((await browser.get(path)).status, 200, path);
    for (const path of [
      '/wp-includes/js/jquery/jquery.min.js',
      '/wp-includes/js/underscore.min.js',
      '/wp-admin/css/login.min.css',
    ])
      assert.equal((await browser.get(path)).status, 200, path);
  });
  await says('WordPress lets its user log in, and shows the dashboard', async () => {
    await browser.get('/wp-login.php');
    const entered = await browser.send('/wp-login.php', { log: 'ann', pwd: 'long enough 1', testcookie: '1' });
    assert.equal(entered.status, 302);
    assert.equal((await browser.get('/wp-admin')).status, 308);
    assert.match((await browser.get('/wp-admin/')).text, /Dashboard/);
  });
  await says('WordPress answers its REST interface', async () => {
    assert.match((await browser.get('/index.php?rest_route=/wp/v2/posts')).text, /Hello world/);
  });
  await says('WordPress has pretty permalinks', async () => {
    const page = await browser.get('/wp-admin/options-permalink.php');
    assert.match(page.text, /value="\/%postname%\/"/, 'the form offers none without /index.php');
    const nonce = /name="_wpnonce" value="(\w+)"/.exec(page.text)?.[1] ?? '';
    const fields = { _wpnonce: nonce, selection: '/%postname%/', permalink_structure: '/%postname%/' };
    await browser.send('/wp-admin/options-permalink.php', { ...fields, submit: 'Save' });
    // It makes its rules when the page is shown again.
    await browser.get('/wp-admin/options-permalink.php?settings-updated=true');
    const pretty = await browser.get('/hello-world/');
    assert.deepEqual([pretty.status, pretty.text.includes('Hello world')], [200, true]);
    assert.match((await browser.get('/wp-json/wp/v2/posts')).text, /Hello world/);
    assert.equal((await browser.get('/no-such-page/')).status, 404);
  });
  await says('the password of the database is not sent', async () => {
    for (const path of ['/wp-config.php', '/wp-config.php~', '/WP-CONFIG.PHP', '/wp-config.php.', '/wp-config%2ephp'])
      assert.doesNotMatch((await browser.get(path)).text, /example'/, path);
  });
}

async function checkPhpMyAdmin(browser: Browser): Promise<void> {
  await says('phpMyAdmin shows its form, with its scripts and styles', async () => {
    assert.equal((await browser.get('/phpmyadmin')).headers.get('location'), '/phpmyadmin/');
    const { status, text } = await browser.get('/phpmyadmin/');
    assert.equal(status, 200);
    assert.match(text, /pma_username/, text.slice(0, 1500));
    const local = [...text.matchAll(/(?:src|href)="((?:js|themes)\/[^"?]+|\.\/(?:js|themes)\/[^"?]+)/g)].map(
      ([, path]) => path as string,
    );
    assert.ok(local.length > 3, 'there are none');
    for (const path of local) assert.equal((await browser.get(`/phpmyadmin/${path}`)).status, 200, path);
  });
  await says('phpMyAdmin lets a user of the database in, who sees it', async () => {
    const { text } = await browser.get('/phpmyadmin/');
    const field = (name: string): string => new RegExp(`name="${name}" value="([^"]*)"`).exec(text)?.[1] ?? '';
    const fields = { pma_username: 'wordpress', pma_password: 'example', server: '1' };
    const entered = await browser.send('/phpmyadmin/index.php?route=/', {
      ...fields,
      set_session: field('set_session'),
      token: field('token').replaceAll('&quot;', '"'),
    });
    assert.equal(entered.status, 302, entered.text.slice(0, 1500));
    assert.match((await browser.get('/phpmyadmin/index.php?route=/')).text, /MariaDB/);
  });
  await says('what phpMyAdmin keeps to itself is closed', async () => {
    for (const path of [
      '/phpmyadmin/libraries/vendor_config.php',
      '/phpmyadmin/templates/base.twig',
      '/phpmyadmin/../php/x',
    ])
      assert.equal((await browser.get(path)).status, 404, path);
  });
}

const machine = new PhpMachine(folder);
try {
  for (const [name, text] of Object.entries(programs)) {
    const path = join(folder, 'srv/www/public', name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  }
  await machine.startDatabase();
  machine.configureApplications();
  await machine.startPhp(children);
  await withExample(0, checkPhp);
  await withExample(1, async (browser) =>
    says('`files` beside `php` serves both', async () => {
      assert.equal((await browser.get('/style.css')).text, 'body{}');
      assert.equal((await browser.get('/told.php')).status, 200);
    }),
  );
  await withExample(2, checkWordPress);
  await withExample(3, checkPhpMyAdmin);
  await withExample(4, async (browser, edge) =>
    says('what php-fpm does not find where it runs is 404, with its cause', async () => {
      const page = await browser.get('/none.php');
      assert.deepEqual([page.status, (await edge.record(idOf(page))).cause], [404, 'script_not_found']);
    }),
  );
  if (failures > 0) console.log(readFileSync(join(folder, 'fpm.log'), 'utf8').slice(-2000));
} finally {
  await machine.stop();
  rmSync(folder, { recursive: true, force: true });
}
process.exitCode = failures > 0 ? 1 : 0;
