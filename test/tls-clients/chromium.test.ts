// Only `npm run test:complete` runs this file: it starts a real browser. `npm test` has curl and OpenSSL.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Browser, keyHashOf, withBrowser } from '../browser.ts';
import { freePort } from '../free-port.ts';
import { startFromYaml, until, type YamlGateway } from '../gateway/start-from-yaml.ts';
import { chatInPage, WebSocketServer } from '../gateway/web-socket-server.ts';
import { certificatesIn, edgeFiles } from './tls-edge.ts';

// A real browser: pages over https, fetches on one connection, a WebSocket over wss, and the redirect from clear text.

describe('a browser over TLS', withBrowser, () => {
  let folder: string;
  let server: WebSocketServer;
  let edge: YamlGateway;
  let browser: Browser;
  let port: number;

  before(
    async () => {
      folder = mkdtempSync(join(tmpdir(), 'candor-chromium-tls-'));
      server = await WebSocketServer.start();
      server.page = (target, body) =>
        target === '/' ? '<!doctype html><title>page</title>' : `${target} ${body.length}`;
      port = await freePort();
      edge = await startFromYaml(
        `
listeners:
  http: "127.0.0.1:0"
  https: { bind: "127.0.0.1:${port}", tls: { ${certificatesIn()} } }
upstreams: { app: { endpoints: "127.0.0.1:${server.port}", check: none } }
`,
        { files: edgeFiles },
      );
      const flags = [
        '--host-resolver-rules=MAP *.test 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1',
        `--ignore-certificate-errors-spki-list=${keyHashOf(edgeFiles['edge.pem'] ?? '')}`,
      ];
      // In clear text: the gateway redirects it.
      browser = await Browser.open(`http://edge.test:${edge.address('http').port}/`, folder, flags);
    },
    { timeout: 120_000 },
  );
  after(async () => {
    await browser?.close();
    await edge?.stop();
    await server?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  test('is redirected from clear text, and trusts what it is shown', async () => {
    const shown = await browser.run<unknown[]>('[location.protocol, location.host, document.title, isSecureContext]');
    assert.deepEqual(shown, ['https:', `edge.test:${port}`, 'page', true]);
  });

  test('fetches many things, each whole', async () => {
    const fetched = await browser.run<string[]>(`Promise.all(Array.from({ length: 30 }, async (_, index) => {
      const body = 'x'.repeat(index * 10_000);
      return (await fetch('/' + index, { method: 'POST', body })).text();
    }))`);
    assert.deepEqual(
      fetched,
      Array.from({ length: 30 }, (_, index) => `/${index} ${index * 10_000}`),
    );
  });

  test('speaks HTTP/2 within TLS 1.3, as the record says', async () => {
    const id = await browser.run<string>(`fetch('/').then((response) => response.headers.get('x-request-id'))`);
    const { client, scheme, tls } = await edge.record(id);
    assert.deepEqual([client.protocol, scheme], ['HTTP/2', 'https']);
    assert.deepEqual([tls?.version, tls?.sni], ['TLSv1.3', 'edge.test']);
  });

  test('has a WebSocket over wss, with messages of any size, and ends it in order', async () => {
    const seen = await browser.run<unknown[]>(chatInPage);
    assert.deepEqual(seen, ['hello', 'one', 300_000, true, 1000]);
    assert.equal(server.asked.at(-1)?.headers['x-forwarded-proto'], 'https');
    await until('no tunnel is left', () => edge.counts().active === 0);
  });

  test('shows its user an error for a host that no certificate has, and the reason is an event', async () => {
    const outcome = await browser.run<string>(
      `fetch('https://unknown.test:${port}/', { mode: 'no-cors' }).then(() => 'read', () => 'nothing')`,
    );
    assert.equal(outcome, 'nothing');
    await until('it is reported', () =>
      edge.eventsOf('tls_handshakes_failed').some(({ evidence }) => evidence.reason === 'unknown_name'),
    );
  });
});
