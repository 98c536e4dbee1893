// Starts processes: a worker is killed, and an upgrade starts a successor.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { type ClientRequest, request } from 'node:http';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { GatewayProgram, programOf } from '../upgrade/gateway-program.ts';
import { camelCased } from '#failures/json-case.ts';
import { bundleWithFeatures } from './bundle-with-features.ts';
import type { SharedLimitStatus } from './shared-limit/settings.ts';
import type { TagsStatus } from './tag/settings.ts';

// A feature is a folder and a line in each registry. Two throw-away ones go the way of all others: from the file to workers, and from
// their reports to people. One gateway of two workers, since only that has threads to lose and a process to replace it.

const execFileAsync = promisify(execFile);

const skip = process.platform === 'linux' ? false : 'processes are identified through /proc';

const tag = { name: 'tag', folder: 'tag' };
const sharedLimit = { name: 'sharedLimit', folder: 'shared-limit' };
const endWorker = { name: 'endWorker', folder: 'end-worker' };

const others =
  '  - { path: /end, to: web, end_worker: true }\n  - { path: /limited, to: web, rate_limits: { rate: 3/h } }\n';

type Status = TagsStatus & SharedLimitStatus & { readonly workers: readonly { readonly state: string }[] };

describe('features that the sources do not have', { skip, timeout: 180_000 }, () => {
  let main = '';
  let gateway: GatewayProgram;
  let held: ClientRequest[] = [];

  before(async () => {
    main = await bundleWithFeatures({
      keys: [tag, sharedLimit, endWorker],
      worker: [tag, sharedLimit, endWorker],
      main: [tag, sharedLimit],
      words: [tag],
    });
    const routes = `routes:\n${others}  - { to: web, tag: { header: x-tag, value: blue }, shared_limit: 8 }\n`;
    gateway = new GatewayProgram(`workers: 2\n${routes}`, 0, false, programOf(main));
    await gateway.serves();
  });

  after(async () => {
    release();
    await gateway.end();
  });

  const status = async (): Promise<Status> => camelCased(await gateway.ask('GET', '/v1/status')) as Status;
  const candor = async (...words: string[]): Promise<string> => {
    const { NODE_COMPILE_CACHE = '' } = process.env;
    const env = { NODE_COMPILE_CACHE, HOME: gateway.folder, XDG_RUNTIME_DIR: gateway.folder };
    return (await execFileAsync(process.execPath, [main, ...words], { cwd: gateway.folder, env })).stdout;
  };
  const limit = async () => (await status()).sharedLimits[0];
  const tagged = async (): Promise<number> => (await status()).tags[0]?.count ?? -1;
  const reload = async (settings: string): Promise<unknown> => {
    gateway.configure(`workers: 2\nroutes:\n${others}  - { to: web${settings} }\n`);
    return gateway.ask('POST', '/v1/reload');
  };

  /** A request that stays in flight; resolves with its status. */
  const hold = (): Promise<number> => {
    const sent = request({ host: '127.0.0.1', port: gateway.port, path: '/endless', agent: false });
    held.push(sent);
    return new Promise((resolve) => {
      sent.on('response', (response) => {
        response.on('error', () => {}).resume();
        resolve(response.statusCode ?? 0);
      });
      sent.on('error', () => resolve(0)).end();
    });
  };
  const release = (): void => {
    for (const one of held) one.destroy();
    held = [];
  };

  test('a counter goes on through a reload that changes its spec, and people read it', async () => {
    const before = await tagged();
    for (let count = 0; count < 10; count++) assert.equal((await gateway.get('/')).status, 200);
    await gateway.until(async () => (await tagged()) === before + 10);
    await reload(', tag: { header: x-tag, value: green }, shared_limit: 8');
    assert.equal((await gateway.get('/')).status, 200);
    await gateway.until(async () => (await tagged()) === before + 11);
    assert.equal((await status()).tags[0]?.value, 'green');
    assert.match(await gateway.metrics(), new RegExp(`^candor_tagged_total\\{route="/"\\} ${before + 11}$`, 'm'));
    const shown = (await gateway.ask('GET', '/v1/route?method=GET&url=http://example.org/')) as {
      limits: Record<string, unknown>;
    };
    assert.equal(shown.limits['tag'], 'x-tag: green');
    assert.match(await candor('status'), /^TAGS\n .*route \/ +\d+ tagged green$/m);
    assert.match(await candor('schema'), /Marks the responses of the route, and counts them\./);
  });

  test('a limit holds for both workers together, through reloads that change, refuse and remove it', async () => {
    for (const wanted of [8, 3]) {
      await reload(`, tag: { header: x-tag }, shared_limit: ${wanted}`);
      const statuses = await Promise.all(Array.from({ length: wanted }, hold));
      assert.deepEqual(statuses, Array(wanted).fill(200));
      for (let count = 0; count < 5; count++) assert.equal((await gateway.get('/')).status, 503);
      assert.equal((await limit())?.held, wanted);
      release();
      await gateway.until(async () => (await limit())?.held === 0);
    }
    const refused = (await reload(', tag: { header: Content-Length }, shared_limit: 1')) as object;
    assert.match(JSON.stringify(refused), /a tag may not be Content-Length/);
    assert.equal((await limit())?.max, 3);
    assert.deepEqual(await Promise.all(Array.from({ length: 3 }, hold)), [200, 200, 200]);
    assert.equal((await gateway.get('/')).status, 503);
    await reload(', tag: { header: x-tag }');
    assert.equal((await gateway.get('/')).status, 200);
    assert.equal(await limit(), undefined);
    release();
  });

  test('what a worker held is free when it has ended, and what it has counted stays', async () => {
    await reload(', tag: { header: x-tag }, shared_limit: 8');
    const byWorker = async () => ((await limit())?.heldByWorker ?? []).filter(([, one]) => one > 0);
    for (let turn = 0; turn < 5 && (await byWorker()).length < 2; turn++) {
      release();
      await gateway.until(async () => (await limit())?.held === 0 && (await byWorker()).length === 0);
      await Promise.all(Array.from({ length: 8 }, hold));
      await gateway.until(async () => (await byWorker()).reduce((sum, [, one]) => sum + one, 0) === 8);
    }
    const before = await byWorker();
    assert.equal(before.length, 2, 'both workers hold permits');
    const count = await tagged();
    await gateway.get('/end').catch(() => {});
    await gateway.until(async () => (await byWorker()).length === 1);
    const [left] = await byWorker();
    assert.equal((await limit())?.held, left?.[1]);
    assert.equal(await tagged(), count);
    assert.equal((await gateway.get('/')).status, 200);
    release();
  });

  test('a process that takes over goes on with the counts, and with the limit', async () => {
    await gateway.until(async () => (await limit())?.held === 0 && (await status()).workers.length === 2);
    await reload(', tag: { header: x-tag }, shared_limit: 2');
    await Promise.all([hold(), hold()]);
    await gateway.get('/');
    await gateway.until(async () => ((await limit())?.refused ?? 0) > 0);
    release();
    await gateway.until(async () => (await limit())?.held === 0);
    const [count, refused] = [await tagged(), (await limit())?.refused];
    assert.ok(count > 0);
    for (const expected of [200, 200]) assert.equal((await gateway.get('/limited')).status, expected);
    const { lines } = await gateway.upgrade();
    assert.equal(lines.at(-1)?.outcome, 'done', JSON.stringify(lines));
    await gateway.until(async () => (await gateway.status()).pid === lines.at(-1)?.pid);
    assert.deepEqual([await tagged(), (await limit())?.refused], [count, refused]);
    for (const expected of [200, 429]) assert.equal((await gateway.get('/limited')).status, expected);
    assert.deepEqual(await Promise.all([hold(), hold()]), [200, 200]);
    assert.equal((await gateway.get('/')).status, 503);
    release();
  });
});
