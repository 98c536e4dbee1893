// Only `npm run test:complete` runs this file: it starts a real browser. `npm test` has what the page explains (`src/diagnose`),
// and builds no page.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import { buildPastePage } from '../../scripts/paste-page.ts';
import { Browser, withBrowser } from '../browser.ts';

const refused =
  'Nov 21 12:10:21 lb haproxy[14389]: 10.0.1.2:33317 [21/Nov/2026:12:10:21.655] http-in static/srv1 ' +
  '10/0/-1/-1/109 503 2750 - - SC-- 1/1/1/1/3 0/0 "GET /<img src=x onerror=document.title=1>\u001b]0;x\u0007 HTTP/1.1"';

describe('the page on which people paste a log', withBrowser, () => {
  let folder: string;
  let server: Server;
  let browser: Browser;
  const asked: string[] = [];

  before(
    async () => {
      folder = mkdtempSync(join(tmpdir(), 'candor-paste-'));
      const page = buildPastePage();
      server = createServer((request, response) => {
        asked.push(request.url ?? '');
        response.writeHead(200, { 'Content-Type': 'text/html' }).end(request.url === '/' ? page : 'secret');
      });
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      browser = await Browser.open(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`, folder);
    },
    { timeout: 60_000 },
  );

  after(async () => {
    await browser?.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    rmSync(folder, { recursive: true, force: true });
  });

  /** The text of the page after it has processed the pasted text. */
  async function paste(text: string): Promise<string> {
    await browser.run(`(() => {
      document.getElementById('result').replaceChildren();
      const log = document.getElementById('log');
      log.value = ${JSON.stringify(text)};
      log.dispatchEvent(new Event('input'));
    })()`);
    return shown();
  }

  /** As `paste`, with a file. */
  async function choose(bytes: Uint8Array): Promise<string> {
    await browser.run(`(() => {
      document.getElementById('result').replaceChildren();
      const bytes = Uint8Array.from(atob('${Buffer.from(bytes).toString('base64')}'), (one) => one.charCodeAt(0));
      const chosen = new DataTransfer();
      chosen.items.add(new File([bytes], 'chosen.log'));
      const file = document.getElementById('file');
      file.files = chosen.files;
      file.dispatchEvent(new Event('change'));
    })()`);
    return shown();
  }

  function shown(): Promise<string> {
    return browser.run(`new Promise((done) => {
      const look = () => {
        const { innerText } = document.getElementById('result');
        if (innerText === '') setTimeout(look, 10); else done(innerText);
      };
      look();
    })`);
  }

  it('explains the lines of a log', async () => {
    const shown = await paste(`${refused}\n`);
    assert.match(shown, /^1 gateway failure/);
    assert.match(shown, /unreachable/);
    assert.match(shown, /connection_refused/);
  });

  it('says who wrote a pasted response', async () => {
    const page = '<html><head><title>502 Bad Gateway</title></head><body><center><h1>502 Bad Gateway</h1></center>';
    const shown = await paste(
      `HTTP/1.1 502 Bad Gateway\r\nServer: nginx\r\n\r\n${page}<hr><center>nginx</center></body></html>`,
    );
    assert.match(shown, /^502: nginx wrote it/);
  });

  it('says so if it recognizes nothing', async () => {
    assert.match(await paste('hello'), /^No line was recognised/);
  });

  for (const [what, bytes] of [
    ['a log', Buffer.from(`${refused}\n`)],
    ['a log compressed with gzip', gzipSync(`${refused}\n`)],
  ] as const) {
    it(`reads a file: ${what}`, async () => {
      const shown = await choose(bytes);
      assert.match(shown, /^1 gateway failure\s+in 1 line of chosen\.log/);
    });
  }

  it('reports a truncated archive, and shows the lines before the end', async () => {
    const bytes = gzipSync(`${refused}\n`.repeat(5000));
    const shown = await choose(bytes.subarray(0, bytes.length - 100));
    assert.match(shown, /gateway failures/);
    assert.match(await browser.run(`document.getElementById('state').innerText`), /damaged or cut off/);
  });

  it('shows markup of a log as text', async () => {
    const shown = await paste(`${refused}\n`);
    assert.match(shown, /<img src=x/);
    assert.equal(await browser.run(`document.querySelectorAll('#result img, #result script').length`), 0);
    assert.equal(await browser.run('document.title'), 'Explain a 502');
    assert.doesNotMatch(shown, /[\u0000-\u0008\u000e-\u001f]/);
  });

  it('cannot send anything, by any means of a page', async () => {
    const before = asked.length;
    const outcomes = await browser.run<string[]>(`(async () => {
      const said = [];
      try { await fetch('/fetched'); said.push('fetched'); } catch { said.push('no'); }
      said.push(await new Promise((done) => {
        const image = new Image(); image.onload = () => done('image'); image.onerror = () => done('no'); image.src = '/image';
      }));
      navigator.sendBeacon('/beacon', 'a');
      const form = Object.assign(document.createElement('form'), { action: '/form', method: 'POST', target: '_blank' });
      document.body.append(form); form.submit();
      const script = document.createElement('script'); script.src = '/script'; document.body.append(script);
      try { said.push(new WebSocket('ws://' + location.host + '/socket') && 'no'); } catch { said.push('no'); }
      // No event says that nothing was sent. A request that is not blocked arrives within milliseconds on this machine.
      await new Promise((done) => setTimeout(done, 200));
      return said;
    })()`);
    assert.deepEqual(outcomes, ['no', 'no', 'no']);
    assert.deepEqual(asked.slice(before), []);
  });

  it('loads no other file', () => {
    assert.deepEqual(
      asked.filter((path) => path !== '/favicon.ico'),
      ['/'],
    );
  });

  it('runs only its own script', async () => {
    await browser.run(`document.getElementById('result').innerHTML = '<b onclick="document.title=2">x</b>'`);
    await browser.run(`document.querySelector('#result b').click()`);
    assert.equal(await browser.run('document.title'), 'Explain a 502');
  });
});
