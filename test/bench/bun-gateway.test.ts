import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, request, type Server } from 'node:http';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { findBun } from '../../bench/bun/bun-program.ts';
import { accepts } from '../../bench/processes.ts';
import { repositoryRoot } from '../../scripts/repository.ts';

const bun = findBun();
const runtimes = [
  { name: 'Node', program: process.execPath, file: 'on-node.ts', skip: false as const },
  {
    name: 'Bun',
    program: 'path' in bun ? bun.path : '',
    file: 'on-bun.ts',
    skip: 'missing' in bun ? bun.missing : (false as const),
  },
];

const folder = mkdtempSync(join(tmpdir(), 'one-thread-'));
let origin: Server;
let originPort = 0;
before(async () => {
  origin = createServer((asked, answer) => {
    let bytes = 0;
    asked.on('data', (some: Buffer) => (bytes += some.length));
    asked.on('end', () => (asked.url === '/cut' ? answer.destroy() : answer.end(`${asked.method} ${bytes}`)));
  });
  originPort = await portOf(origin);
});
after(() => {
  origin.close();
  rmSync(folder, { recursive: true, force: true });
});

async function portOf(server: { listen(port: number, host: string): unknown; address(): unknown }): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server as Server, 'listening');
  return (server.address() as AddressInfo).port;
}

/** One that nobody listens on now. */
async function freePort(): Promise<number> {
  const server = createTcpServer();
  const port = await portOf(server);
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function ask(port: number, path: string, content: Buffer | null): Promise<{ status: number; text: string }> {
  const asked = request({ port, host: '127.0.0.1', path, method: content === null ? 'GET' : 'POST', agent: false });
  asked.end(content ?? undefined);
  const [answer] = (await once(asked, 'response')) as [AsyncIterable<Buffer> & { statusCode: number }];
  const pieces: Buffer[] = [];
  for await (const piece of answer) pieces.push(piece);
  return { status: answer.statusCode, text: Buffer.concat(pieces).toString() };
}

for (const { name, program, file, skip } of runtimes) {
  describe(`the engine in one thread of ${name}`, { skip }, () => {
    it('forwards, answers for an endpoint that breaks off, and records each exchange', async () => {
      const port = await freePort();
      const log = join(folder, `${name}.log`);
      const path = join(repositoryRoot, 'bench', 'bun', file);
      const gateway = spawn(program, [path, String(port), String(originPort), log], { stdio: 'inherit' });
      const gone = once(gateway, 'exit');
      try {
        for (let tries = 0; tries < 100 && !(await accepts(port)); tries++) await sleep(20);
        assert.deepEqual(await ask(port, '/a', null), { status: 200, text: 'GET 0' });
        assert.deepEqual(await ask(port, '/b', Buffer.alloc(300_000)), { status: 200, text: 'POST 300000' });
        assert.equal((await ask(port, '/cut', null)).status, 502);
        let lines: string[] = [];
        for (let tries = 0; tries < 100 && lines.length < 3; tries++) {
          await sleep(20);
          lines = readFileSync(log, 'utf8').trimEnd().split('\n');
        }
        const kinds = lines.map((line) => (JSON.parse(line) as { kind: string }).kind);
        assert.deepEqual(kinds, ['exchange', 'exchange', 'exchange']);
      } finally {
        gateway.kill('SIGTERM');
        await gone;
      }
    });
  });
}
