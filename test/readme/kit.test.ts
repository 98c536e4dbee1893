// Starts processes: the example of Python is a program of Python.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Kit } from '../../packages/kit/src/main.ts';
import { cacheFolder, repositoryRoot } from '../../scripts/repository.ts';
import { freePort } from '../free-port.ts';
import { blocksOf, readDocument } from './markdown.ts';

const document = readDocument('docs/kit.md');
const blocks = blocksOf(document);
const examples = blocks.filter(({ language }) => language === 'ts');
const folder = join(cacheFolder, 'documents-kit');
const sources = join(repositoryRoot, 'packages/kit/src');

/** What the examples import that is not the kit: packages of the lock file are themselves. */
const besides: Readonly<Record<string, string>> = {
  'dependencies.js': `export const database = { query: async () => [{ order: 7 }], end: async () => {} };
export const search = { ping: () => new Promise(() => {}) };
export const disk = { write: async () => {} };`,
  'app.module.js': 'export class AppModule {}',
  'nest.js': `import { createServer } from 'node:http';
const server = createServer((request, response) => response.end('hello'));
export const NestFactory = { create: async () => ({
  getHttpServer: () => server,
  listen: (port, host) => new Promise((resolve) => server.listen(port, host, resolve)),
  close: async () => {},
}) };`,
  'next.js': `export default () => ({
  prepare: async () => {},
  getRequestHandler: () => async (request, response) => response.end('hello'),
});`,
};

function programOf(text: string): string {
  const program = text
    .replaceAll(/'candor-kit(?:\/(\w+))?'/g, (_, entry = 'main') => JSON.stringify(join(sources, `${entry}.ts`)))
    .replace("'@nestjs/core'", "'./nest.js'")
    .replace("'next'", "'./next.js'");
  return `${program}\nexport { kit };\n`;
}

const environment: Record<string, string | undefined> = {};

/** Each takes a second. */
const drains: Promise<number>[] = [];

describe('docs/kit.md', { timeout: 60_000 }, () => {
  before(() => {
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
    for (const [name, text] of Object.entries(besides)) writeFileSync(join(folder, name), text);
    for (const name of ['PORT', 'HOST', 'CANDOR_START']) environment[name] = process.env[name];
    // As Candor starts a program: then there is no notice.
    Object.assign(process.env, { HOST: '127.0.0.1', CANDOR_START: 'of-a-test' });
  });
  after(() => {
    for (const [name, value] of Object.entries(environment))
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
  });

  for (const [index, { heading, text }] of examples.entries())
    test(`the example ${index + 1} (${heading}) serves, and is ready`, async () => {
      const file = join(folder, `example-${index}.ts`);
      writeFileSync(file, programOf(text));
      process.env['PORT'] = String(await freePort());
      const { kit } = (await import(file)) as { readonly kit: Kit };
      try {
        while (kit.state === 'starting') await new Promise(setImmediate);
        assert.equal((await fetch(`${kit.url}/readyz`)).status, 200);
        const page = await fetch(kit.url);
        const expected = text.includes('select * from orders') ? '[{"order":7}]' : 'hello';
        assert.equal(await page.text(), expected);
        if (heading === 'Checks') assertShown((await (await fetch(`${kit.url}/healthz`)).json()) as object);
      } finally {
        drains.push(kit.drain());
      }
    });

  test('its examples end with 0', async () => {
    assert.deepEqual([...new Set(await Promise.all(drains))], [0]);
  });

  test('names each option', () => {
    const text = readFileSync(join(sources, 'kit-options.ts'), 'utf8');
    const names = [...text.matchAll(/^ {2}readonly (\w+)\?:/gm)].map(([, name]) => name as string);
    assert.ok(names.length > 12);
    const table = document.slice(document.indexOf('## Options'), document.indexOf('## Python'));
    assert.deepEqual(
      names.filter((name) => !table.includes(name)),
      [],
    );
  });

  test('has an example of Python that answers', () => {
    const program = blocks.find(({ language }) => language === 'python')?.text ?? '';
    const asks = `
import asyncio
async def send(message): print(message)
scope = {"type": "http", "method": "GET", "headers": [(b"x-envoy-expected-rq-timeout-ms", b"60000"), (b"x-request-id", b"id-1")]}
for path in ("/healthz", "/"):
    asyncio.run(app({**scope, "path": path}, None, send))
`;
    const { status, stdout, stderr } = spawnSync('python3', ['-B', '-c', program + asks], {
      cwd: join(repositoryRoot, 'packages/kit-python'),
      encoding: 'utf8',
    });
    assert.equal(status, 0, stderr);
    assert.match(stdout, /"status": "pass"[^]*"database:responseTime"/);
    assert.match(stdout, /b"59\.\d+ \{'x-request-id': 'id-1'\}"/);
  });
});

/** Times and durations differ. */
function assertShown(received: object): void {
  const steady = (value: object): unknown =>
    JSON.parse(JSON.stringify(value, (key, one) => (key === 'observedValue' || key === 'time' ? 0 : one)));
  const shown = JSON.parse(blocks.find(({ language }) => language === 'json')?.text ?? '') as object;
  assert.deepEqual(steady(received), steady(shown));
}
