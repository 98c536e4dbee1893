import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { connect } from 'node:net';
import { existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { systemClock } from '../src/testing/system.ts';
import type { TortureStage } from '../src/testing/torture/stage.ts';
import { tortureCases } from '../src/testing/torture/cases.ts';
import { torture, type TortureReport } from '../src/testing/torture/torture.ts';
import { type Compared, comparisonDocument } from './comparison-document.ts';
import { type Peer, type PeerName, preparePeer } from './peers.ts';
import { cacheFolder, repositoryRoot } from './repository.ts';

// `npm run compare [-- <gateway>…]`: puts Debian's gateways and Candor to the torture suite, one after another, with
// the configurations that docs/torture.md shows, and writes docs/comparison.md; with names, only these are tried anew,
// and with --document none: the page is written again from what was found last.
// Nothing is installed; everything listens on 127.0.0.1 and is stopped by its process id.

type GatewayName = Extract<PeerName, 'nginx' | 'haproxy' | 'caddy' | 'apache2'> | 'candor';

interface GatewaySpec {
  readonly title: string;
  /** The name of the file that the configuration is written to. */
  readonly file: string;
  readonly args: readonly string[];
  readonly versionArgs: readonly string[];
  readonly version: RegExp;
}

const gateways: Readonly<Record<GatewayName, GatewaySpec>> = {
  candor: {
    title: 'Candor',
    file: 'candor.yaml',
    args: [join(repositoryRoot, 'bin', 'candor'), 'up', '-c', 'candor.yaml'],
    versionArgs: [join(repositoryRoot, 'bin', 'candor'), 'version'],
    version: /candor (\S+)/,
  },
  nginx: {
    title: 'nginx',
    file: 'nginx.conf',
    args: ['-p', '.', '-c', 'nginx.conf', '-g', 'daemon off;'],
    versionArgs: ['-v'],
    version: /nginx\/(\S+)/,
  },
  haproxy: {
    title: 'HAProxy',
    file: 'haproxy.cfg',
    args: ['-f', 'haproxy.cfg'],
    versionArgs: ['-v'],
    version: /version ([\d.]+)/,
  },
  caddy: {
    title: 'Caddy',
    file: 'Caddyfile',
    args: ['run', '--config', 'Caddyfile', '--adapter', 'caddyfile'],
    versionArgs: ['version'],
    version: /v?(\d[\d.]*)/,
  },
  apache2: {
    title: 'Apache',
    file: 'httpd.conf',
    args: ['-d', '.', '-f', 'httpd.conf', '-DFOREGROUND'],
    versionArgs: ['-v'],
    version: /Apache\/(\S+)/,
  },
};

/** Where the gateways and the torture origin are in the document, and here: beside whatever runs at the usual ports. */
const gatewayPort = { shown: 8080, here: 18_080 };
const originPort = { shown: 9400, here: 19_400 };

/** A gateway that is not there after this long will not be, on however busy a machine. */
const startMsMax = 30_000;
const patienceMs = 10_000;

// An exit takes the gateway along; without this a signal would leave it behind.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(130));
const documentOnly = '--document';
const resultsFolder = join(cacheFolder, 'torture');
await compare(process.argv.slice(2));

async function compare(wanted: readonly string[]): Promise<void> {
  const all = Object.keys(gateways) as GatewayName[];
  const unknown = wanted.find((name) => name !== documentOnly && !Object.hasOwn(gateways, name));
  if (unknown !== undefined) return fail(`There is no ${unknown} here; there are ${all.join(', ')}.`);
  for (const name of all.filter((one) => wanted.length === 0 || wanted.includes(one))) {
    const found = await putToTorture(name);
    if (found === null) process.exitCode = 1;
    else keepResult(found);
  }
  const compared = all.map(readResult).filter((found) => found !== null);
  if (process.exitCode === 1 || compared.length < all.length)
    return fail(`docs/comparison.md is left as it is; what was found is in ${resultsFolder}.`);
  writeFileSync(join(repositoryRoot, 'docs', 'comparison.md'), comparisonDocument(compared));
  console.log('docs/comparison.md is written.');
}

function fail(line: string): void {
  console.error(line);
  process.exitCode = 1;
}

/** What was found last, so that one gateway can be tried anew without the others. */
function keepResult(found: Compared): void {
  mkdirSync(resultsFolder, { recursive: true });
  writeFileSync(resultOf(found.name), `${JSON.stringify({ suite: suiteOf(), ...found }, null, 1)}\n`);
}

/** Null where there is none, or one of another suite. */
function readResult(name: GatewayName): Compared | null {
  if (!existsSync(resultOf(name))) return null;
  const found = JSON.parse(readFileSync(resultOf(name), 'utf8')) as Compared & { readonly suite?: string };
  return found.suite === suiteOf() ? found : null;
}

function resultOf(name: string): string {
  return join(resultsFolder, `${name}.json`);
}

/** Which cases there are, what is expected of them, and how it is judged: results of different suites cannot be compared. */
function suiteOf(): string {
  const text = JSON.stringify(tortureCases, (_, value: unknown) => (value instanceof RegExp ? value.source : value));
  const hash = createHash('sha256').update(text);
  for (const file of ['judge.ts', 'score.ts'])
    hash.update(readFileSync(join(repositoryRoot, 'src', 'testing', 'torture', file)));
  return hash.digest('hex').slice(0, 16);
}

async function putToTorture(name: GatewayName): Promise<Compared | null> {
  const program = name === 'candor' ? { path: process.execPath, env: {} } : preparePeer(name, console.log);
  if ('missing' in program) return tell(program.missing);
  const spec = gateways[name];
  if (await answers())
    return tell(`Something listens at port ${gatewayPort.here} already; it would be judged instead.`);
  const folder = mkdtempSync(join(tmpdir(), `candor-compare-${name}-`));
  const { language, configuration } = readShown(name);
  writeFileSync(join(folder, spec.file), fitHere(configuration, program));
  let child: ChildProcess | null = null;
  try {
    // The authority of the parts with TLS is made for each run; a gateway reads it when it starts.
    const report = await runSuite(spec.title, ({ tls }) => {
      writeFileSync(join(folder, 'authority.pem'), tls?.authority.certificate ?? '');
      child = start(program, spec.args, folder);
    });
    if (report === null) return tell(`${spec.title} did not serve: ${readFileSync(join(folder, 'output'), 'utf8')}`);
    return { name, title: spec.title, version: versionOf(program, spec), language, configuration, report };
  } finally {
    if (child !== null) await stop(child);
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Whether somebody is at the port where a gateway is to be. */
async function answers(): Promise<boolean> {
  const socket = connect(gatewayPort.here, '127.0.0.1');
  const answered = await new Promise<boolean>((resolve) => {
    socket.once('connect', () => resolve(true));
    socket.once('error', () => resolve(false));
  });
  socket.destroy();
  return answered;
}

function tell(line: string): null {
  console.error(line);
  return null;
}

/** The configuration as the document shows it. */
function readShown(name: GatewayName): { readonly language: string; readonly configuration: string } {
  const document = readFileSync(join(repositoryRoot, 'docs', 'torture.md'), 'utf8');
  const shown = new RegExp(`<!-- configuration: ${name} -->\\n+\`\`\`(\\w+)\\n([^]*?)\`\`\``).exec(document);
  const [, language, configuration] = shown ?? [];
  if (language === undefined || configuration === undefined)
    throw new Error(`docs/torture.md has no configuration for ${name}.`);
  return { language, configuration };
}

/** With the ports of this run, and with the modules of an Apache that is unpacked and not installed. */
function fitHere(configuration: string, program: Extract<Peer, { path: string }>): string {
  const modules = join(dirname(program.path), '..', 'lib', 'apache2', 'modules');
  return configuration
    .replaceAll(`:${gatewayPort.shown}`, `:${gatewayPort.here}`)
    .replace(/:94(\d\d)\b/g, (_, last: string) => `:${originPort.here + Number(last)}`)
    .replaceAll('/usr/lib/apache2/modules', modules);
}

function start(program: Extract<Peer, { path: string }>, args: readonly string[], folder: string): ChildProcess {
  const output = openSync(join(folder, 'output'), 'w');
  // nginx runs as another user than root if it may, and writes what it buffers beside its configuration.
  spawnSync('chmod', ['777', folder]);
  const child = spawn(program.path, args, {
    cwd: folder,
    env: { ...process.env, ...program.env, HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder },
    stdio: ['ignore', output, output],
  });
  process.once('exit', () => child.kill('SIGTERM'));
  return child;
}

async function runSuite(title: string, onStage: (stage: TortureStage) => void): Promise<TortureReport | null> {
  const result = await torture({
    door: { url: new URL(`http://127.0.0.1:${gatewayPort.here}/`), verify: true },
    listen: { host: '127.0.0.1', port: originPort.here },
    only: [],
    tls: true,
    patienceMs,
    startMs: startMsMax,
    clock: systemClock,
    onStage,
    onAct: ({ of, request, on }, done, all) => {
      if (process.stdout.isTTY)
        process.stdout.write(`\r\u001b[K${title}: ${done + 1} of ${all} ${of.id} ${request.method} ${on}`);
    },
  });
  if (process.stdout.isTTY) process.stdout.write('\r\u001b[K');
  if ('kind' in result) {
    // The parts of the stage are many, and the same each time.
    return tell(`${title}: ${JSON.stringify({ ...result, stage: undefined })}`);
  }
  const { points, right, acceptable, misleading, dangerous } = result.score;
  console.log(
    `${title}: ${points} of 100 (${right} right, ${acceptable} acceptable, ${misleading} misleading, ${dangerous} dangerous)`,
  );
  return result;
}

function versionOf(program: Extract<Peer, { path: string }>, { versionArgs, version }: GatewaySpec): string {
  const ran = spawnSync(program.path, versionArgs, { encoding: 'utf8', env: { ...process.env, ...program.env } });
  return version.exec(ran.stdout + ran.stderr)?.[1] ?? 'unknown';
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  const kill = setTimeout(() => child.kill('SIGKILL'), 5000);
  await ended;
  clearTimeout(kill);
}
