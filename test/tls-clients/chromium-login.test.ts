// Only `npm run test:complete` runs this file: it starts a real browser. `npm test` has test/gateway/login.test.ts.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Browser, keyHashOf, withBrowser } from '../browser.ts';
import { freePort } from '../free-port.ts';
import { clientSecret, LoginProvider } from '../gateway/login-provider.ts';
import { RawOrigin } from '../gateway/raw-origin.ts';
import { startFromYaml, type YamlGateway } from '../gateway/start-from-yaml.ts';
import { certificatesIn, edgeFiles } from './tls-edge.ts';

// A real browser and a real provider: what cookies it keeps, and sends where, nobody has to guess.

describe('a login in a browser', withBrowser, () => {
  let folder: string;
  let origin: RawOrigin;
  let provider: LoginProvider;
  let edge: YamlGateway;
  let browser: Browser;
  let site: string;

  const shown = (): Promise<string> => browser.run<string>('document.title');

  /** Pages go on by themselves, by redirects and forms. */
  async function untilShown(title: string): Promise<void> {
    const later = `new Promise((done) => setTimeout(() => done(document.title), 20))`;
    for (let looks = 0; looks < 500; looks++) if ((await browser.run<string>(later).catch(() => '')) === title) return;
    assert.fail(`${title} is not shown, but ${await shown()} at ${await browser.run<string>('location.href')}`);
  }

  before(
    async () => {
      folder = mkdtempSync(join(tmpdir(), 'candor-chromium-login-'));
      const page = '<!doctype html><title>page of the application</title>';
      const head = `HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: ${page.length}\r\n\r\n`;
      origin = await RawOrigin.start(() => `${head}${page}`);
      const port = await freePort();
      site = `https://edge.test:${port}`;
      provider = await LoginProvider.start({ origins: [site] });
      edge = await startFromYaml(
        `
listeners: { https: { bind: "127.0.0.1:${port}", tls: { ${certificatesIn()} } } }
upstreams:
  app: { endpoints: "${origin.address}", check: none }
  id: { endpoints: "127.0.0.1:${provider.port}", check: none }
routes:
  - to: app
    authentication:
      oidc: { issuer: "${provider.issuer}", upstream: id, client_id: tools, client_secret_file: secret }
      user_header: X-User
`,
        { files: { ...edgeFiles, secret: clientSecret } },
      );
      browser = await Browser.open(`${site}/reports?year=1`, folder, [
        '--host-resolver-rules=MAP *.test 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1',
        `--ignore-certificate-errors-spki-list=${keyHashOf(edgeFiles['edge.pem'] ?? '')}`,
      ]);
    },
    { timeout: 120_000 },
  );
  after(async () => {
    await browser?.close();
    await edge?.stop();
    await provider?.stop();
    await origin?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  test('leads to the page that was asked for, and no script can read its cookies', async () => {
    assert.equal(await browser.run<string>('location.origin'), provider.issuer);
    await browser.run(
      `document.querySelector('[name=login]').value = 'ada', document.querySelector('[name=password]').value = 'x', void document.querySelector('form').submit()`,
    );
    await untilShown('page of the application');
    assert.equal(await browser.run<string>('location.href'), `${site}/reports?year=1`);
    assert.equal(await browser.run<string>('document.cookie'), '');
    const user = origin.last.headers.find(([name]) => name.toLowerCase() === 'x-user')?.[1];
    assert.equal(user, 'ada@example.org');
  });

  test('holds for scripts of the page, which get 401 when it has ended', async () => {
    const status = `fetch('/data', { redirect: 'manual' }).then(({ status, type }) => status + ' ' + type)`;
    assert.equal(await browser.run<string>(status), '200 basic');
    await browser.run(`void (location.href = '/.candor/login/logout')`);
    await untilShown('Logout Request');
    await browser.run(`void document.querySelector('button[name=logout]').click()`);
    await untilShown('Logged out');
    assert.equal(await browser.run<string>(status), '401 basic');
  });
});
