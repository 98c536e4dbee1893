// Starts processes: each has the cache of its own start.

import assert from 'node:assert/strict';
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import * as fs from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { repositoryRoot } from '../../scripts/repository.ts';
import { limitCompiled } from '../../src/system/compile-cache.ts';
import { freePort } from '../free-port.ts';
import { until } from '../gateway/start-from-yaml.ts';
import { packedProgram } from '../program.ts';

const { cacheFolder } = createRequire(import.meta.url)(join(repositoryRoot, 'bin/compile-cache.cjs')) as {
  cacheFolder: (this: void, env: NodeJS.ProcessEnv) => string | null;
};

let home = '';
let cache = '';

beforeEach(() => {
  home = fs.mkdtempSync(join(fs.realpathSync(tmpdir()), 'candor-home-'));
  cache = join(home, '.cache', 'candor', 'compiled');
});
afterEach(() => {
  fs.chmodSync(home, 0o700);
  fs.rmSync(home, { recursive: true });
});

describe('what V8 has compiled of candor is kept', () => {
  test("in the service's folder, else in the user's, which only this user may enter", () => {
    for (const [env, folder] of [
      [{ HOME: home }, cache],
      [{ HOME: '/nowhere', XDG_CACHE_HOME: home }, join(home, 'candor', 'compiled')],
      [{ HOME: '/nowhere', CACHE_DIRECTORY: `${home}:/nowhere` }, join(home, 'compiled')],
    ] as const) {
      assert.equal(cacheFolder(env), folder);
      assert.equal(fs.statSync(folder).mode & 0o777, 0o700);
    }
  });

  test('in no folder that others may enter, or replace, or that is not known', () => {
    for (const env of [{}, { HOME: '' }, { HOME: 'relative' }, { HOME: '/proc/self' }])
      assert.equal(cacheFolder(env), null);
    fs.mkdirSync(cache, { recursive: true });
    for (const mode of [0o755, 0o770, 0o701]) {
      fs.chmodSync(cache, mode);
      assert.equal(cacheFolder({ HOME: home }), null, mode.toString(8));
    }
    fs.chmodSync(cache, 0o700);
    for (const [mode, isOwn] of [
      [0o775, false],
      [0o757, false],
      [0o1777, true],
    ] as const) {
      fs.chmodSync(home, mode);
      assert.equal(cacheFolder({ HOME: home }) !== null, isOwn, mode.toString(8));
    }
  });

  test('in no folder behind a link into one that others may write', () => {
    const shared = join(home, 'shared');
    fs.mkdirSync(shared);
    fs.chmodSync(shared, 0o777);
    fs.symlinkSync(shared, join(home, '.cache'));
    assert.equal(cacheFolder({ HOME: home }), null);
  });

  test('in no folder that belongs to another user', { skip: process.geteuid?.() === 0 ? false : 'needs root' }, () => {
    assert.notEqual(cacheFolder({ HOME: home }), null);
    for (const folder of [cache, home]) {
      fs.chownSync(folder, 65_534, 65_534);
      assert.equal(cacheFolder({ HOME: home }), null, folder);
      fs.chownSync(folder, 0, 0);
    }
  });

  test('until there are too many files: Node removes none of earlier versions', () => {
    for (const version of ['v1', 'v2']) {
      fs.mkdirSync(join(home, version));
      for (const file of ['a', 'b']) fs.writeFileSync(join(home, version, file), '');
    }
    limitCompiled(home, 4);
    assert.deepEqual(fs.readdirSync(home), ['v1', 'v2']);
    limitCompiled(home, 3);
    assert.deepEqual(fs.readdirSync(home), []);
    limitCompiled(join(home, 'missing'), 3);
  });
});

/** An application that says what it has been told, and answers. */
const application = `
  console.log('told ' + JSON.stringify(process.env));
  require('node:http').createServer((_, response) => response.end('served')).listen(process.env.PORT);`;

/** A process: what it leaves when it is killed, and what its application inherits, is what is tried. */
async function run(env: NodeJS.ProcessEnv): Promise<{ child: ChildProcess; output: () => string }> {
  const port = await freePort();
  fs.writeFileSync(join(home, 'app.cjs'), application);
  fs.writeFileSync(
    join(home, 'candor.yaml'),
    `listeners: { http: "127.0.0.1:${port}" }\napplications: { app: { command: ["${process.execPath}", app.cjs] } }\nroutes: [{ to: app }]\n`,
  );
  const child = spawn(process.execPath, [packedProgram, 'up'], {
    cwd: home,
    env: { PATH: process.env['PATH'], XDG_RUNTIME_DIR: home, TMPDIR: home, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (output += text));
  await until('it serves', async () => {
    assert.equal(child.exitCode, null, output);
    return fetch(`http://127.0.0.1:${port}`).then(
      (response) => response.ok,
      () => false,
    );
  });
  return { child, output: () => output };
}

async function end({ child }: { readonly child: ChildProcess }, signal: NodeJS.Signals): Promise<void> {
  child.kill(signal);
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
}

/** What each thread runs. */
const modules = ['cli/main', 'cli/configuration-thread', 'logger/logger-main', 'worker/worker-main'];

test('a gateway that is killed has kept what each thread compiled, and has told its application nothing of it', async () => {
  const first = await run({ HOME: home });
  const said = /told (\{.*\})/.exec(first.output())?.[1] ?? assert.fail(first.output());
  const told = Object.entries(JSON.parse(said) as Record<string, string>);
  assert.deepEqual(
    told.filter(([name, value]) => name.includes('CACHE') || value.includes('compiled')),
    [],
  );
  await new Promise((flushed) => setTimeout(flushed, 2500)); // It writes after 1.5 s.
  await end(first, 'SIGKILL');
  const second = await run({ HOME: home, NODE_DEBUG_NATIVE: 'COMPILE_CACHE' });
  await end(second, 'SIGKILL');
  for (const module of modules)
    assert.match(second.output(), new RegExp(`cache for .*/${module}\\.[jt]s was accepted`), module);
});

test('a damaged file changes nothing', async () => {
  const version = async (): Promise<readonly [number | null, string]> => {
    const child = execFile(process.execPath, [packedProgram, 'version'], { env: { HOME: home } });
    const output = (child.stdout ?? assert.fail()).setEncoding('utf8').toArray();
    await once(child, 'exit');
    return [child.exitCode, (await output).join('')];
  };
  const first = await version();
  const files = fs.globSync(`${cache}/*/*`);
  assert.ok(files.length > 0);
  for (const [at, file] of files.entries())
    fs.writeFileSync(file, at % 2 === 0 ? Buffer.alloc(4096, 7) : fs.readFileSync(file).subarray(0, 100));
  assert.deepEqual([first[0], await version()], [0, first]);
});
