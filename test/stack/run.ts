import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { chownSync, cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { type Peer, preparePeers } from '../../scripts/peers.ts';
import { repositoryRoot } from '../../scripts/repository.ts';
import { loseWorker, losableEnvironment } from './lose-worker.ts';
import { SteadyLoad } from './steady-load.ts';

const usage = `usage: npm run try:stack -- [options]

Runs examples/stack as a new user would: PostgreSQL and Redis of Debian, an API
with two instances, a worker, a job, a single-page application, secrets and
limits, in one file. Then, with requests all the time: a secret is changed, the
database is stopped, the job fails, the worker leaks, the gateway is reloaded
and upgraded. Says what status, incidents and events tell each time.

  --rate <n>     requests a second (300)
  --keep         leave the folder
  --help

Ends with 0 where everything was told rightly and no request failed that should not.

example: npm run try:stack -- --rate 100
`;
const { values } = parseArgs({
  options: { rate: { type: 'string', default: '300' }, keep: { type: 'boolean' }, help: { type: 'boolean' } },
});
if (values.help === true) {
  console.log(usage);
  process.exit(0);
}

type Found = Extract<Peer, { path: string }>;
const folder = mkdtempSync(join(tmpdir(), 'candor-stack-'));
/** Of the servers, which are another user's where this one is root. */
const serversFolder = mkdtempSync(join(tmpdir(), 'candor-stack-servers-'));
const children: ChildProcess[] = [];
const bin = join(repositoryRoot, 'bin/candor');
let failures = 0;

async function says(what: string, check: () => Promise<void> | void): Promise<void> {
  const began = performance.now();
  try {
    await check();
    console.log(`✔ ${what} (${((performance.now() - began) / 1000).toFixed(1)} s)`);
  } catch (error) {
    failures++;
    console.log(`✖ ${what}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

async function until(what: string, holds: () => boolean | Promise<boolean>, limitMs = 30_000): Promise<void> {
  const began = performance.now();
  while (!(await holds())) {
    if (performance.now() - began > limitMs) throw new Error(`${what}: not within ${limitMs / 1000} s`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** Without the variables of this process's own gateway or service. */
const environment = { PATH: process.env['PATH'] ?? '', HOME: folder, REDIS_PORT: '' };

/** Not `spawnSync`: the load goes on, and what the gateway prints is read. */
async function candor(args: readonly string[], input = ''): Promise<{ code: number | null; out: string; err: string }> {
  const child = spawn(process.execPath, [bin, ...args], { cwd: folder, env: environment });
  const said = { code: null as number | null, out: '', err: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said.out += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said.err += text));
  child.stdin.end(input);
  const [code] = (await once(child, 'close')) as [number | null];
  return { ...said, code };
}

async function asJson(args: readonly string[]): Promise<unknown> {
  const { code, out, err } = await candor([...args, '--json']);
  if (out === '') throw new Error(`candor ${args.join(' ')} ended with ${code}: ${err}`);
  // Events are a line each.
  return out.trimEnd().includes('\n{')
    ? out
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as unknown)
    : JSON.parse(out);
}

interface Status {
  readonly pid: number;
  readonly workers: readonly { readonly state: string }[];
}

const status = async (): Promise<Status> => (await asJson(['status'])) as Status;

const mentions = async (args: readonly string[], pattern: RegExp): Promise<boolean> =>
  pattern.test(JSON.stringify(await asJson(args)));

/** Debian's servers as this user, or as nobody where that is root: PostgreSQL refuses to run as root. */
function startPeer(peer: Found, args: readonly string[], input = ''): ChildProcess {
  const isRoot = process.getuid?.() === 0;
  const as = isRoot ? { uid: 65534, gid: 65534 } : {};
  const child = spawn(peer.path, args, {
    ...{ cwd: serversFolder, env: { ...process.env, ...peer.env, LC_ALL: 'C' }, stdio: ['pipe', 'ignore', 'ignore'] },
    ...as,
  });
  child.stdin?.end(input);
  children.push(child);
  return child;
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill(signal);
  await once(child, 'exit');
}

async function main(): Promise<void> {
  const peers = preparePeers(['postgres', 'redis-server'], console.log);
  const missing = peers.flatMap((peer) => ('missing' in peer ? [peer.missing] : []));
  if (missing.length > 0) throw new Error(missing.join('\n'));
  const [postgres, redis] = peers as [Found, Found];
  if (process.getuid?.() === 0) chownSync(serversFolder, 65534, 65534);
  const [databasePort, redisPort, webPort] = [await freePort(), await freePort(), await freePort()];
  environment.REDIS_PORT = String(redisPort);
  const data = join(serversFolder, 'database');
  const initdb = startPeer({ ...postgres, path: join(dirname(postgres.path), 'initdb') }, [
    ...['-D', data, '-U', 'shop', '-A', 'trust', '--no-sync', '--no-locale', '-E', 'UTF8'],
  ]);
  await once(initdb, 'exit');
  // Single-user mode needs no other program: https://www.postgresql.org/docs/current/app-postgres.html
  const single = startPeer(postgres, ['--single', '-D', data, 'postgres'], 'create database shop;\n');
  await once(single, 'exit');
  const startDatabase = (): ChildProcess =>
    startPeer(postgres, ['-D', data, '-p', String(databasePort), '-h', '127.0.0.1', '-k', serversFolder, '-F']);
  let database = startDatabase();
  startPeer(redis, ['--port', String(redisPort), '--bind', '127.0.0.1', '--save', '', '--dir', serversFolder]);

  cpSync(join(repositoryRoot, 'examples/stack'), folder, { recursive: true });
  const file = join(folder, 'candor.yaml');
  const adapted = readFileSync(file, 'utf8')
    .replaceAll('127.0.0.1:5432', `127.0.0.1:${databasePort}`)
    .replaceAll('127.0.0.1:6379', `127.0.0.1:${redisPort}`)
    .replace('127.0.0.1:8443', `127.0.0.1:${webPort}`);
  writeFileSync(file, adapted);

  const keys = ['first-key-of-the-shop', 'second-key-of-the-shop'] as const;
  await says('a secret is set before the first start', async () => {
    const { code, err } = await candor(['secret', 'set', 'SESSION_KEY', '--application', 'api'], `${keys[0]}\n`);
    assert.equal(code, 0, err);
  });
  await says('check has nothing to say', async () => {
    const { code, out, err } = await candor(['check']);
    assert.deepEqual([code, `${out}${err}`.includes('warning')], [0, false], `${out}${err}`);
  });
  const gateway = spawn(process.execPath, [bin, 'up'], {
    ...{ cwd: folder, env: { ...environment, ...losableEnvironment(folder) }, stdio: ['ignore', 'pipe', 'pipe'] },
  });
  children.push(gateway);
  let output = '';
  for (const stream of [gateway.stdout, gateway.stderr])
    stream?.setEncoding('utf8').on('data', (text: string) => (output += text));
  const load = new SteadyLoad({ host: '127.0.0.1', port: webPort }, Number(values.rate));

  await says('everything is up over HTTPS: API, application, worker, dependencies', async () => {
    await until('the API answers', async () => (await load.get('/api/hello')).status === 200, 60_000);
    assert.match((await load.get('/api/orders')).text, /"at":"20/);
    assert.match((await load.get('/')).text, /<title>Shop/);
    await until('the worker is ready', () => mentions(['status'], /api\.mail/));
    await until('both dependencies are up', () => mentions(['status'], /"database".*"up".*"cache".*"up"/));
    assert.match((await candor(['jobs'])).out, /report/);
  });

  load.start(['/api/hello', '/']);
  await says('a secret is changed under load: instances are replaced, and no request fails', async () => {
    const digest = createHash('sha256').update(keys[1]).digest('hex').slice(0, 12);
    const { code, err } = await candor(['secret', 'set', 'SESSION_KEY', '--application', 'api'], `${keys[1]}\n`);
    assert.equal(code, 0, err);
    await until('the new key is in use everywhere', async () => {
      const texts = await Promise.all(Array.from({ length: 8 }, () => load.get('/api/hello')));
      return texts.every(({ text }) => text.includes(digest));
    });
    assert.deepEqual(load.failures(), []);
  });
  await says('20 reloads lose no request', async () => {
    for (let at = 0; at < 20; at++) {
      writeFileSync(file, `${adapted}\n# ${at}\n`);
      assert.equal((await candor(['reload'])).code, 0);
    }
    assert.deepEqual(load.failures(), []);
  });

  await says('5 upgrades lose no request, and start no worker twice', async () => {
    for (let at = 0; at < 5; at++) {
      const { code, out, err } = await candor(['upgrade']);
      assert.equal(code, 0, `${out}${err}`);
    }
    assert.deepEqual(load.failures(), []);
    const workers = spawnSync('pgrep', ['-fc', 'python3 -u worker.py'], { encoding: 'utf8' });
    assert.equal(workers.stdout.trim(), '1');
  });

  await says(
    '5 workers of the gateway end during jobs, changes of a secret, rotations of the key and an upgrade: each runs once, and only requests in flight there break',
    async () => {
      const { length: before } = load.failures();
      for (let at = 0; at < 4; at++) {
        const job = candor(['jobs', 'run', 'api.report']);
        const secret =
          at % 2 === 0
            ? candor(['secret', 'rotate-key'])
            : candor(['secret', 'set', 'SESSION_KEY', '--application', 'api'], `${keys[at === 1 ? 0 : 1]}\n`);
        await loseWorker(folder, (await status()).pid);
        const [ran, changed] = await Promise.all([job, secret]);
        assert.deepEqual([ran.code, changed.code], [3, 0], `${ran.err}${changed.err}`);
        await until('all workers serve', async () =>
          (await status()).workers.every(({ state }) => state === 'serving'),
        );
      }
      const { runs } = ((await asJson(['jobs', 'api.report'])) as { jobs: { runs: unknown[] }[] }).jobs[0] ?? {
        runs: [],
      };
      assert.equal(runs.length, 4);
      const lost = ((await asJson(['events'])) as { kind: string; evidence: Record<string, number | null> }[])
        .filter(({ kind }) => kind === 'worker_lost')
        .map(({ evidence }) => [evidence['exchanges_lost'] ?? 0, evidence['unread_connections'] ?? null] as const);
      assert.ok(lost.length >= 4, `${lost.length} lost workers are told`);
      const broken = load.failures().slice(before);
      assert.deepEqual(
        broken.filter(({ what }) => !what.startsWith('0 ')),
        [],
      );
      const inFlight = lost.reduce((sum, [exchanges, unread]) => sum + exchanges + (unread ?? 0), 0);
      const isKnown = lost.every(([, unread]) => unread !== null);
      console.log(`  ${lost.length} workers lost with ${inFlight} requests; clients saw ${broken.length} broken ones`);
      assert.ok(!isKnown || broken.length <= inFlight, JSON.stringify(broken));
      const { pid } = await status();
      const upgrade = candor(['upgrade']);
      await loseWorker(folder, pid);
      assert.equal((await upgrade).code, 0);
      // Events of the process that has gone are gone with it.
      assert.deepEqual(
        load.failures().filter(({ what }) => !what.startsWith('0 ')),
        [],
      );
      load.forget();
    },
  );

  await says('the database is stopped: status and the incident name it, and the API is not taken out', async () => {
    load.add('/api/orders');
    await new Promise((resolve) => setTimeout(resolve, 15_000));
    await end(database, 'SIGINT');
    await until('status says that it is down', () => mentions(['status'], /"database".*"down"/), 15_000);
    await until('an incident', () => mentions(['incidents'], /database/), 30_000);
    const [first] = ((await asJson(['incidents'])) as { incidents: { suspects: readonly { text?: string }[] }[] })
      .incidents;
    assert.match(JSON.stringify(first?.suspects?.[0] ?? null), /database/);
    assert.equal((await load.get('/api/hello')).status, 200);
  });
  await says('the database is back: status says so', async () => {
    database = startDatabase();
    await until('status says that it is up', () => mentions(['status'], /"database".*"up"/));
    load.remove('/api/orders');
  });

  await says('the job fails: its code and its words are told, and it is run once', async () => {
    const { code, out, err } = await candor(['jobs', 'run', 'api.report']);
    assert.equal(code, 3, `${out}${err}`);
    assert.match(`${out}${err}`, /orders\.csv/);
    assert.ok((await mentions(['status'], /report/)) && (await mentions(['events'], /api\.report/)));
  });
  await says('the worker leaks: its memory is seen to grow, and the limit ends it with that reason', async () => {
    writeFileSync(join(folder, 'api', 'leak'), '');
    const isTold = ({ subject, reason }: { subject: string; reason: string }): boolean =>
      /api\.mail/.test(subject) && /memory/.test(reason);
    let told: { reason: string } | undefined;
    await until(
      'its end is told',
      async () =>
        (told = ((await asJson(['events'])) as { subject: string; reason: string }[]).find(isTold)) !== undefined,
      120_000,
    );
    console.log(`  ${told?.reason}`);
    rmSync(join(folder, 'api', 'leak'));
  });
  await says('top and cost show what the application uses', async () => {
    assert.match((await candor(['top', '--once'])).out, /api\.mail/);
    assert.match((await candor(['cost'])).out, /api/);
  });
  const failed = load.failures().filter(({ path }) => path !== '/api/orders');
  await says('no request failed that did not need the database', () => assert.deepEqual(failed, []));
  await load.stop();
  await says('the gateway stops, and leaves no program behind', async () => {
    assert.equal((await candor(['stop'])).code, 0);
    assert.equal(
      spawnSync('pgrep', ['-fc', `${folder}|python3 -u worker.py`], { encoding: 'utf8' }).stdout.trim(),
      '0',
    );
  });
  const secrets = [...keys].filter((key) => output.includes(key));
  await says('no secret was printed', () => assert.deepEqual(secrets, []));
  console.log(load.summary());
}

try {
  await main();
} finally {
  for (const child of children.toReversed()) await end(child, child === children[0] ? 'SIGINT' : 'SIGTERM');
  if (values.keep === true) console.log(`kept: ${folder}`);
  else for (const made of [folder, serversFolder]) rmSync(made, { recursive: true, force: true });
}
process.exitCode = failures === 0 ? 0 : 1;
