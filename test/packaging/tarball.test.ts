// Only `npm run test:complete` runs this file: it builds, packs and installs the package. `npm test` starts the same bundles.
// Starts processes: the installed package is run.

import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { threadEntries, workerEntry } from '../../scripts/bundle-entries.ts';
import { packAndInstall, withoutNpm } from '../../scripts/pack.ts';
import { cacheFolder, repositoryRoot, toolPath } from '../../scripts/repository.ts';
import { freePort } from '../free-port.ts';

/** What a user's machine gets; each has its reason in `docs/adr/0002-libraries-or-own-code.md`. */
const packagesMax = 40;
const megabytesMax = 25;

const home = join(cacheFolder, 'tarball');
const installed = packAndInstall(home);
const unbuildable =
  'failure' in installed && !/E(?:AI_AGAIN|NOTFOUND|NETUNREACH|CONNREFUSED|NOTCACHED)/.test(installed.failure);
const skip = 'failure' in installed && !unbuildable ? 'no package registry is reached from here' : false;
const command = join(home, 'node_modules', '.bin', 'candor');

/** Of what is started here: admin sockets lie in a folder of its own, and nothing says that npm runs us. */
const sockets = mkdtempSync(join(tmpdir(), 'candor-tarball-'));
const env = { ...withoutNpm(process.env), TMPDIR: sockets, XDG_RUNTIME_DIR: '', RUNTIME_DIRECTORY: '' };

const groups: ChildProcess[] = [];
after(() => {
  for (const child of groups) if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
  rmSync(sockets, { recursive: true, force: true });
});

const application = `require('node:http')
  .createServer((request, response) => response.end('from the application'))
  .listen(process.env.PORT, '127.0.0.1');
`;

const user = `import type * as diagnose from 'candor/diagnose';
import { type Gateway, type GatewayOptions, startGateway } from 'candor';
import { type FaultOrigin, SimulatedClock, startFaultOrigin } from 'candor/testing';

export type Diagnose = typeof diagnose;
export const origin: FaultOrigin = await startFaultOrigin();
export const start = (options: GatewayOptions): Promise<Gateway> => startGateway(options);
new SimulatedClock().advanceSync(1);
// @ts-expect-error A gateway cannot be started without a configuration.
await startGateway({});
`;

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

test('the units for systemd are shipped', { skip }, () => {
  const shipped = globSync('node_modules/candor/packaging/*', { cwd: home }).map((path) => basename(path));
  for (const name of ['candor.service', 'candor.socket', '50-candor.conf']) assert.ok(shipped.includes(name), name);
});

test('no source, no test and no development file is shipped', { skip }, () => {
  const shipped = globSync('node_modules/candor/**', { cwd: home });
  assert.deepEqual(
    shipped.filter((path) =>
      // Of the measurements, what documents link to.
      /\.test\.|\/fixtures\/|(?<!\.d)\.ts$|candor\/(?:src|test|scripts)\b|candor\/bench\/(?!storms\/configurations).*(?<!\.md|\.svg|\.tsv|\/storms)$/.test(
        path,
      ),
    ),
    [],
  );
});

test('what is shipped imports nothing but Node and its own files, and each thread but the worker is one file', {
  skip,
}, () => {
  const dist = join(home, 'node_modules/candor/dist');
  for (const file of globSync('**/*.js', { cwd: dist, exclude: ['dashboard/**'] })) {
    const text = readFileSync(join(dist, file), 'utf8');
    const imported = [...text.matchAll(/(?:^|;)(?:im|ex)port\s*(?:[\w${},*\s]*from)?\s*"([^"]+)"/gm)].map(
      ([, name = '']) => name,
    );
    const own = imported.filter((name) => !isBuiltin(name));
    const isOneFile = threadEntries.some((entry) => entry !== workerEntry && file === entry.replace(/\.ts$/, '.js'));
    assert.deepEqual(isOneFile ? own : own.filter((name) => !existsSync(join(dist, dirname(file), name))), [], file);
  }
});

test('the licenses of the packages that it contains are shipped', { skip }, () => {
  const text = readFileSync(join(home, 'node_modules/candor/dist/LICENSES.txt'), 'utf8');
  for (const name of ['@stricli/core', 'yaml', 'zod']) {
    const manifest = join(repositoryRoot, 'node_modules', name, 'package.json');
    const { version, license } = JSON.parse(readFileSync(manifest, 'utf8')) as { version: string; license: string };
    assert.ok(text.includes(`\n${name} ${version}: ${license}`), name);
  }
  assert.match(text, /Permission to use, copy[^]*Permission is hereby granted/);
  assert.match(text, /Apache License\s+Version 2\.0/);
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

describe('the installed command', { skip, timeout: 120_000 }, () => {
  before(() => {
    if (skip !== false) return;
    writeFileSync(join(home, 'server.js'), application);
    writeFileSync(join(home, 'mistaken.yaml'), 'upstreams: { app: "127.0.0.1:3000" }\nrouts: []\n');
  });

  test('run serves the command that it starts, by npx too', async () => {
    const port = await freePort();
    const gateway = startNpx(['run', '--port', String(port), '--', 'node', 'server.js']);
    assert.equal(await ask(port, gateway), 'from the application', gateway.said);
    // Some npm end as their command did, others by the signal.
    assert.ok([0, 130, null].includes(await gateway.interrupt()), gateway.said);
    assert.match(gateway.said, /the gateway stops: SIGINT/);
  });

  test('up runs a configuration, and status finds it', async () => {
    const port = await freePort();
    writeFileSync(
      join(home, 'candor.yaml'),
      `listeners: { http: "127.0.0.1:${port}" }\napplications: { web: { command: node server.js } }\n`,
    );
    const gateway = startInstalled(['up', '-c', 'candor.yaml']);
    assert.equal(await ask(port, gateway), 'from the application', gateway.said);
    const status = runInstalled(['status']);
    assert.match(status.stdout, / serving, up [^]*web\/1 {2}ready/, status.stderr);
    assert.equal(await gateway.interrupt(), 0, gateway.said);
  });

  test('demo brings its examples along', async () => {
    const port = await freePort();
    const gateway = startInstalled(['demo', '--port', String(port)]);
    assert.match((await ask(port, gateway)) ?? '', /This page works/, gateway.said);
    const refused = await fetch(`http://127.0.0.1:${port}/demo/unreachable`);
    assert.equal(refused.status, 502);
    await refused.body?.cancel();
    assert.equal(await gateway.interrupt(), 0, gateway.said);
  });

  test('check complains, and ends with 4', () => {
    const ran = runInstalled(['check', '-c', 'mistaken.yaml']);
    assert.equal(ran.status, 4, ran.stderr);
    assert.match(ran.stdout, /mistaken\.yaml:2:1: error: unknown key "routs"/);
  });
});

describe('the installed modules', { skip }, () => {
  test('candor/testing starts a fault origin', () => {
    const program = `
      import { startFaultOrigin } from 'candor/testing';
      const origin = await startFaultOrigin();
      console.log((await fetch(origin.url + '/status/418')).status);
      await origin.close();`;
    const ran = spawnSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8', cwd: home });
    assert.equal(ran.stdout, '418\n', ran.stderr);
  });

  test('have types that a strict TypeScript program can use', () => {
    writeFileSync(join(home, 'user.mts'), user);
    const types = join(repositoryRoot, 'node_modules', '@types');
    const flags = [
      '--ignoreConfig',
      '--noEmit',
      '--strict',
      '--module',
      'nodenext',
      '--types',
      'node',
      '--typeRoots',
      types,
    ];
    const ran = spawnSync(process.execPath, [toolPath('typescript', 'tsc'), ...flags, 'user.mts'], {
      encoding: 'utf8',
      cwd: home,
    });
    assert.equal(ran.stdout, '');
    assert.equal(ran.status, 0);
  });
});

/** An installed gateway that runs. */
interface Running {
  readonly said: string;
  readonly ended: boolean;
  /** Ends it as Ctrl-C does; resolves with its exit code. */
  interrupt(): Promise<number | null>;
}

function startInstalled(args: readonly string[]): Running {
  return start(process.execPath, [command, ...args]);
}

/** As people type it. Ctrl-C reaches every process of the terminal, so the whole group gets it here. */
function startNpx(args: readonly string[]): Running {
  return start('npx', ['--no', 'candor', ...args]);
}

function start(file: string, args: readonly string[]): Running {
  const child = spawn(file, args, { cwd: home, env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  const running = { said: '', ended: false, interrupt };
  const exit = once(child, 'close');
  exit.then(
    () => (running.ended = true),
    (error: unknown) => {
      running.said += String(error);
      running.ended = true;
    },
  );
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (running.said += text));
  groups.push(child);
  return running;

  async function interrupt(): Promise<number | null> {
    if (!running.ended) process.kill(-(child.pid as number), 'SIGINT');
    const [code] = (await exit) as [number | null];
    return code;
  }
}

function runInstalled(args: readonly string[]): { stdout: string; stderr: string; status: number | null } {
  return spawnSync(process.execPath, [command, ...args], { cwd: home, env, encoding: 'utf8' });
}

/** The content of the first 200; the gateway answers 503 until the application is ready. */
async function ask(port: number, gateway: Running): Promise<string | null> {
  while (!gateway.ended) {
    const response = await fetch(`http://127.0.0.1:${port}/`).catch(() => null);
    if (response?.status === 200) return response.text();
    await response?.body?.cancel();
    await sleep(100);
  }
  return null;
}

function readManifest(): { version: string; exports: Record<string, string | { types: string; default: string }> } {
  return JSON.parse(readFileSync(join(home, 'node_modules/candor/package.json'), 'utf8')) as ReturnType<
    typeof readManifest
  >;
}
