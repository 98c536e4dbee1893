import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { get } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, test } from 'node:test';
import { findPeer } from '../../scripts/peers.ts';
import type { SummaryReport } from '#explain/summary-report.ts';
import { FakeProcessContext } from '../fakes/fake-process-context.ts';
import { freePort } from '../free-port.ts';
import { makeMemoryGroup } from '../memory-group.ts';

// A real program is killed by the kernel's OOM killer behind a real nginx. `candor explain` gets nginx's two logs, the program's
// own log and the kernel's.

const limitBytes = 96 * 1024 * 1024;

/** Keeps 16 MiB more with each request, which the limit of its control group ends after a few. */
const program = `
const kept = [];
require('node:http').createServer((request, response) => {
  if (request.url === '/grow') kept.push(Buffer.alloc(16 * 1024 * 1024, 1));
  response.end('x');
}).listen(Number(process.argv[2]), '127.0.0.1', () => console.log('listening'));
`;

const ends: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).toReversed()) await end();
});

test('a program that the OOM killer ended is named as the cause of its refused connections', async (t) => {
  const nginx = findPeer('nginx');
  if ('missing' in nginx) return t.skip(nginx.missing);
  const made = makeMemoryGroup(`candor-oom-${process.pid}`, limitBytes);
  if (typeof made === 'string') return t.skip(made);
  ends.push(made.remove);
  const group = made.folder;
  if (kernelLog() === null) return t.skip('the log of the kernel cannot be read with dmesg');

  const folder = mkdtempSync(join(tmpdir(), 'candor-oom-'));
  ends.push(() => rmSync(folder, { recursive: true, force: true }));
  const [appPort, port] = [await freePort(), await freePort()];
  const app = await startProgram(folder, appPort, group);
  await startNginx(nginx, folder, port, appPort);
  assert.equal(await statusOf(port, '/'), 200);

  const ended = once(app, 'exit');
  while (app.exitCode === null && app.signalCode === null) if ((await statusOf(port, '/grow')) !== 200) break;
  assert.deepEqual(await ended, [null, 'SIGKILL']);
  for (let count = 0; count < 6; count++) assert.equal(await statusOf(port, `/${count}`), 502);

  const kernel = await waitFor(() => kernelLog()?.filter((line) => line.includes(`rocess ${app.pid} (`)) ?? []);
  writeFileSync(join(folder, 'kern.log'), `${kernel.join('\n')}\n`);
  writeFileSync(join(folder, 'app.log'), 'listening\n');
  const context = new FakeProcessContext(folder);
  const code = await context.candor('explain', '--json', 'error.log', 'access.log', 'app.log', 'kern.log');
  const report = JSON.parse(context.stdout.text) as { [key in keyof SummaryReport]: SummaryReport[key] };
  assert.equal(code, 1, context.stderr.text);
  assert.equal(report.failures, 7, 'one request was cut, six were refused, and each is in two logs');
  assert.equal(report.incidents.length, 1);
  const { cause, parts } = report.incidents[0] as SummaryReport['incidents'][0];
  assert.deepEqual(
    parts.map(({ shape, count }) => [shape, count]),
    [
      ['reset', 1],
      ['unreachable', 6],
    ],
  );
  assert.deepEqual(
    [cause?.source, cause?.kind, cause?.confidence],
    ['kernel', 'oom_kill', 'possible'],
    JSON.stringify(cause),
  );
  assert.match(cause?.sentence ?? '', new RegExp(`\\(pid ${app.pid}\\)`));
});

async function startProgram(folder: string, port: number, group: string): Promise<ChildProcess> {
  const file = join(folder, 'shop.cjs');
  writeFileSync(file, program);
  // The shell joins the group, and then becomes the program, so that all of its memory counts.
  const join_ = `echo $$ > ${join(group, 'cgroup.procs')} && exec "$0" "$@"`;
  const child = spawn('/bin/sh', ['-c', join_, process.execPath, file, String(port)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  ends.push(() => end(child));
  await once(child.stdout, 'data');
  return child;
}

async function startNginx(
  { path, env }: { readonly path: string; readonly env: Readonly<Record<string, string>> },
  folder: string,
  port: number,
  appPort: number,
): Promise<void> {
  for (const log of ['error.log', 'access.log']) writeFileSync(join(folder, log), '');
  writeFileSync(
    join(folder, 'nginx.conf'),
    `worker_processes 1; daemon off; pid nginx.pid; error_log error.log;
${process.getuid?.() === 0 ? 'user root;' : ''}
events { worker_connections 128; }
http {
  access_log access.log combined;
  client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path f; uwsgi_temp_path u; scgi_temp_path s;
  server { listen 127.0.0.1:${port}; location / { proxy_pass http://127.0.0.1:${appPort}; } }
}
`,
  );
  const child = spawn(path, ['-p', folder, '-c', join(folder, 'nginx.conf'), '-e', join(folder, 'error.log')], {
    env: { ...process.env, ...env },
    stdio: 'ignore',
  });
  ends.push(() => end(child));
  await waitFor(async () => ((await statusOf(port, '/').catch(() => 0)) === 200 ? [true] : []));
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, 'exit');
  child.kill('SIGTERM');
  await exit;
}

function statusOf(port: number, path: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const request = get({ host: '127.0.0.1', port, path, agent: false }, (response) => {
      response.resume().on('end', () => resolve(response.statusCode ?? 0));
    });
    request.on('error', reject);
  });
}

/** Its lines, with times; null if this user may not read it. */
function kernelLog(): readonly string[] | null {
  const { status, stdout } = spawnSync('dmesg', ['--time-format=iso'], { encoding: 'utf8', maxBuffer: 1e8 });
  return status === 0 && stdout !== '' ? stdout.split('\n') : null;
}

const withinMs = 20_000;

async function waitFor<T>(look: () => readonly T[] | Promise<readonly T[]>): Promise<readonly T[]> {
  const until = performance.now() + withinMs;
  for (;;) {
    const found = await look();
    if (found.length > 0) return found;
    assert.ok(performance.now() < until, 'it did not happen in time');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
