import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { pathToFileURL } from 'node:url';
import { IDBFactory } from 'fake-indexeddb';

const folder = join(import.meta.dirname, '..');
const text = readFileSync(join(folder, 'README.md'), 'utf8');
const { exports } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
  exports: Record<string, { default: string } | string>;
};
const examples = [...text.matchAll(/```js\n([^]*?)```/g)]
  .map(([, code = '']) => code)
  .filter((code) => code.startsWith('import'));

/** The source of an entry of this package, or the module of another one. */
function resolved(name: string): string {
  const entry = exports[name.replace(/^candor-client/, '.')];
  if (!name.startsWith('candor-client') || typeof entry !== 'object') return import.meta.resolve(name);
  return pathToFileURL(join(folder, entry.default.replace('./dist', 'src').replace(/js$/, 'ts'))).href;
}

describe('the examples of the document of candor-client', () => {
  const server = createServer((request, response) => request.resume().on('end', () => response.end('{}')));
  const scripts = mkdtempSync(join(tmpdir(), 'candor-client-'));
  const platform = globalThis as { indexedDB?: unknown };
  let origin = '';

  before(async () => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    platform.indexedDB = new IDBFactory();
  });
  after(() => {
    delete platform.indexedDB;
    server.close();
    server.closeAllConnections();
    rmSync(scripts, { recursive: true });
  });

  for (const [at, code] of examples.entries()) {
    it(`run: ${/from '(candor-client[^']*|[^']*)';\n\n/.exec(code)?.[1] ?? at}`, async () => {
      const script = join(scripts, `${at}.mjs`);
      const runnable = code
        .replaceAll(/from '([^']+)'/g, (_, name: string) => `from '${resolved(name)}'`)
        .replaceAll('https://api.example.org', origin)
        .replaceAll('Bearer …', 'Bearer token');
      writeFileSync(script, `${runnable}\nexport const ended = typeof queue === 'undefined' || queue.close();\n`);
      await assert.doesNotReject(import(pathToFileURL(script).href));
    });
  }

  it('are there for every entry', () => {
    for (const name of Object.keys(exports)) {
      if (name === './package.json') continue;
      assert.match(text, new RegExp(`from 'candor-client${name.slice(1)}'`), name);
    }
  });
});
