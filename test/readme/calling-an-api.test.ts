// Starts processes: Python and curl. Each example of docs/calling-an-api.md asks an API that fails at first.

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { repositoryRoot } from '../../scripts/repository.ts';
import { blocksOf, readDocument } from './markdown.ts';

const document = readDocument('docs/calling-an-api.md');
const examples = blocksOf(document);
const clientSource = pathToFileURL(join(repositoryRoot, 'packages', 'client', 'src', 'main.ts')).href;

/** The first request of each path is answered with 503; at /payments of services that ignore keys, each one. */
class FailingApi {
  readonly #server: Server = createServer((request, response) => {
    const { method = '', url = '' } = request;
    const times = (this.seen.get(`${method} ${url}`) ?? 0) + 1;
    this.seen.set(`${method} ${url}`, times);
    const key = request.headers['idempotency-key'];
    if (key !== undefined) this.keys.push(String(key));
    request.resume().once('end', () => {
      const isServed = times > 1 && (method === 'GET' || key !== undefined);
      response.writeHead(isServed ? 200 : 503, { 'Retry-After': '0' }).end(isServed ? 'served' : 'busy');
    });
  });
  readonly seen = new Map<string, number>();
  readonly keys: string[] = [];

  async start(): Promise<string> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}

const isThere = (program: string): boolean => spawnSync(program, ['--version']).status === 0;
const programs: Readonly<Record<string, readonly string[]>> = { python: ['python3', '-'], sh: ['sh', '-e'] };

describe('docs/calling-an-api.md', { concurrency: true }, () => {
  let folder = '';
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'candor-calling-'));
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  async function runScript(language: string, code: string, name: string): Promise<void> {
    if (language === 'js') {
      const file = join(folder, `${name}.mjs`);
      writeFileSync(
        file,
        code.replaceAll(/from '([^']+)'/g, (_, from: string) => {
          const resolved = from === 'candor-client' ? clientSource : import.meta.resolve(from);
          return `from '${resolved}'`;
        }),
      );
      await import(pathToFileURL(file).href);
      return;
    }
    const [program = '', ...words] = programs[language] ?? assert.fail(language);
    const child = spawn(program, words, { stdio: ['pipe', 'ignore', 'pipe'] });
    let complained = '';
    child.stderr.setEncoding('utf8').on('data', (part: string) => (complained += part));
    child.stdin.end(code);
    const [status] = (await once(child, 'close')) as [number];
    assert.equal(status, 0, complained);
  }

  for (const [index, { language, heading, text }] of examples.entries()) {
    const needs = language === 'python' ? 'python3' : language === 'sh' ? 'curl' : null;
    const skip = needs !== null && !isThere(needs) && `${needs} is missing`;
    const hasKeys = text.includes('honouredBy');
    const what = hasKeys ? 'asks twice with one key' : 'asks twice for the orders and pays once';
    test(`${heading}: the ${language} example ${what}`, { skip }, async () => {
      const api = new FailingApi();
      try {
        const origin = await api.start();
        await runScript(
          language,
          text.replaceAll(/https:\/\/(?:api|payments)\.example\.org/g, origin),
          `example-${index}`,
        );
        if (hasKeys) {
          assert.equal(api.seen.get('POST /payments'), 2);
          assert.equal(new Set(api.keys).size, 1);
        } else assert.deepEqual(Object.fromEntries(api.seen), { 'GET /orders': 2, 'POST /payments': 1 });
      } finally {
        api.close();
      }
    });
  }

  test('every section has an example', () => {
    const sections = ['fetch alone', 'candor-client', 'axios', 'got', 'TanStack Query', 'Python', 'curl'];
    assert.deepEqual([...new Set(examples.map(({ heading }) => heading))], sections);
  });
});
