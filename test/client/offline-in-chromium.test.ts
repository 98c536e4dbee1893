// Only `npm run test:complete` runs this file: it starts a browser. `npm test` has `packages/client/src/offline/offline-queue.test.ts`.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { build } from 'esbuild';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { repositoryRoot } from '../../scripts/repository.ts';
import { withBrowser } from '../browser.ts';
import { openBrowser } from '../dashboard/page-browser.ts';

/** A page with the queue in it, as a site would bundle it. */
async function bundledPage(): Promise<string> {
  const source = join(repositoryRoot, 'packages', 'client', 'src');
  const { outputFiles } = await build({
    stdin: {
      contents: `
        import { createFetch } from '${source}/main.ts';
        import { OfflineQueue } from '${source}/offline/offline-queue.ts';
        globalThis.dropped = [];
        globalThis.queue = new OfflineQueue({
          fetch: createFetch({ retry: false }),
          honouredBy: [location.origin],
          hooks: { dropped: ({ reason }) => dropped.push(reason) },
        });
        globalThis.order = async (body) => (await queue.send('/orders', { method: 'POST', body })).state;
        globalThis.waiting = async () => (await queue.list()).length;`,
      resolveDir: source,
      loader: 'ts',
    },
    bundle: true,
    write: false,
    format: 'iife',
    platform: 'browser',
    target: 'es2023',
  });
  return outputFiles[0]?.text ?? '';
}

describe('the offline queue in Chromium', withBrowser, () => {
  const orders: { readonly body: string; readonly key: string | undefined }[] = [];
  let browser: Browser;
  let context: BrowserContext;
  let page: Page;
  let url = '';
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      if (request.url === '/orders')
        orders.push({ body, key: request.headers['idempotency-key'] as string | undefined });
      response.setHeader('content-type', request.url === '/page.js' ? 'text/javascript' : 'text/html');
      response.end(request.url === '/page.js' ? script : '<!doctype html><script src="/page.js"></script>');
    });
  });
  let script = '';

  before(async () => {
    script = await bundledPage();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    browser = await openBrowser();
    context = await browser.newContext();
    page = await context.newPage();
    page.setDefaultTimeout(20_000);
    await page.goto(url);
  });
  after(async () => {
    await browser?.close();
    server.close();
    server.closeAllConnections();
  });

  /** Resolves when nothing waits any more. */
  async function emptied(): Promise<void> {
    while ((await page.evaluate('waiting()')) !== 0) await new Promise((resolve) => setTimeout(resolve, 20));
  }

  it('keeps calls while no page is open, and sends each once and in order when the browser is online again', async () => {
    assert.equal(await page.evaluate('order("first")'), 'answered');
    await context.setOffline(true);
    assert.deepEqual(await page.evaluate('Promise.all([order("second"), order("third")])'), ['queued', 'queued']);
    assert.equal(await page.evaluate('waiting()'), 2);
    assert.equal(orders.length, 1);
    // Left and opened again: a page that is reloaded may be in the midst of sending.
    await page.close();
    await context.setOffline(false);
    page = await context.newPage();
    page.setDefaultTimeout(20_000);
    await page.goto(url);
    await emptied();
    assert.deepEqual(
      orders.map(({ body }) => body),
      ['first', 'second', 'third'],
    );
    assert.equal(new Set(orders.map(({ key }) => key)).size, 3);
    assert.deepEqual(await page.evaluate('dropped'), []);
  });

  it('sends when the browser says that it is online, without a reload', async () => {
    await context.setOffline(true);
    assert.equal(await page.evaluate('order("fourth")'), 'queued');
    await context.setOffline(false);
    await emptied();
    assert.equal(orders.at(-1)?.body, 'fourth');
  });

  it('lets one of two pages replay', async () => {
    await context.setOffline(true);
    assert.equal(await page.evaluate('order("fifth")'), 'queued');
    await context.setOffline(false);
    const second = await context.newPage();
    await second.goto(url);
    await emptied();
    await second.close();
    assert.equal(orders.filter(({ body }) => body === 'fifth').length, 1);
  });
});
