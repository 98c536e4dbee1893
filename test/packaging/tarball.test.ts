import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, globSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { packAndInstall } from '../../scripts/pack.ts';
import { cacheFolder } from '../../scripts/repository.ts';

/** What a user's machine gets; each has its reason in `docs/adr/0003-dependencies.md`. */
const packagesMax = 40;
const megabytesMax = 25;

const home = join(cacheFolder, 'tarball');
const installed = packAndInstall(home);
const unbuildable =
  'failure' in installed && !/E(?:AI_AGAIN|NOTFOUND|NETUNREACH|CONNREFUSED|NOTCACHED)/.test(installed.failure);
const skip = 'failure' in installed && !unbuildable ? 'no package registry is reached from here' : false;
const command = join(home, 'node_modules', '.bin', 'candor');

const children: ChildProcess[] = [];
after(() => children.forEach((child) => child.kill('SIGKILL')));

test('the tarball is packed and installed into an empty folder', { skip }, () => {
  assert.ok('folder' in installed, 'failure' in installed ? installed.failure : '');
});

test('the installed command says its version', { skip }, () => {
  const ran = spawnSync(process.execPath, [command, '--version'], { encoding: 'utf8', cwd: home });
  assert.equal(ran.stdout.trim(), readManifest().version);
  assert.equal(ran.status, 0);
});

test('every exported module can be imported, and has its types', { skip }, () => {
  const { exports } = readManifest();
  for (const [subpath, target] of Object.entries(exports)) {
    if (typeof target === 'string') continue;
    assert.ok(existsSync(join(home, 'node_modules/candor', target.types)), `${target.types} is missing`);
    const specifier = join('candor', subpath);
    const ran = spawnSync(process.execPath, ['--input-type=module', '-e', `await import('${specifier}')`], {
      encoding: 'utf8',
      cwd: home,
    });
    assert.equal(ran.status, 0, `import '${specifier}': ${ran.stderr}`);
  }
});

test('no source, no test and no development file is shipped', { skip }, () => {
  const shipped = globSync('node_modules/candor/**', { cwd: home });
  assert.deepEqual(
    shipped.filter((path) => /\.test\.|\/fixtures\/|(?<!\.d)\.ts$|candor\/(?:src|test|scripts|bench)\b/.test(path)),
    [],
  );
});

test(`at most ${packagesMax} packages and ${megabytesMax} MB are installed, none of them native`, {
  skip,
}, (context) => {
  const packages = globSync(
    ['node_modules/*/package.json', 'node_modules/@*/*/package.json', 'node_modules/**/node_modules/*/package.json'],
    { cwd: home },
  );
  const megabytes = Number(
    spawnSync('du', ['-sm', join(home, 'node_modules')], { encoding: 'utf8' }).stdout.split('\t')[0],
  );
  context.diagnostic(`${packages.length} packages, ${megabytes} MB`);
  assert.ok(packages.length <= packagesMax, `${packages.length} packages`);
  assert.ok(megabytes <= megabytesMax, `${megabytes} MB`);
  assert.deepEqual(globSync('node_modules/**/*.node', { cwd: home }), []);
});

test('the installed gateway serves a command that it starts', { skip, timeout: 60_000 }, async () => {
  writeFileSync(
    join(home, 'server.js'),
    "require('node:http').createServer((request, response) => response.end('from the application')).listen(process.env.PORT, '127.0.0.1');\n",
  );
  const port = await freePort();
  const gateway = spawn(
    process.execPath,
    [command, 'run', '--port', String(port), '--', process.execPath, 'server.js'],
    {
      cwd: home,
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  children.push(gateway);
  let said = '';
  for (const stream of [gateway.stdout, gateway.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (said += text));

  const answer = await ask(port, gateway);
  assert.equal(answer, 'from the application', said);
  const exited = once(gateway, 'exit');
  gateway.kill('SIGTERM');
  assert.deepEqual(await exited, [0, null], said);
});

/** The content of the first 200; the gateway answers 503 until the application is ready. */
async function ask(port: number, gateway: ChildProcess): Promise<string | null> {
  while (gateway.exitCode === null) {
    const response = await fetch(`http://127.0.0.1:${port}/`).catch(() => null);
    if (response?.status === 200) return response.text();
    await response?.body?.cancel();
    await sleep(100);
  }
  return null;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address !== null ? address.port : 0;
}

function readManifest(): { version: string; exports: Record<string, string | { types: string; default: string }> } {
  return JSON.parse(readFileSync(join(home, 'node_modules/candor/package.json'), 'utf8')) as ReturnType<
    typeof readManifest
  >;
}
