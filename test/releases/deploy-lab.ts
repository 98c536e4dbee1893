import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../free-port.ts';
import { LabProcess } from '../outages/lab-process.ts';
import { candorProgram } from '../program.ts';
import { environmentOf } from './application.ts';
import { oldRelease, writeFiles } from './base-application.ts';
import type { CommandOutcome, Strategy } from './play-result.ts';
import { oldCommands, type Release } from './release-form.ts';
import { StockService } from './stock-service.ts';

const startMs = 60_000;
const migrationMs = 60_000;
/** Longer than a rollout of any strategy takes. */
const deployMs = 600_000;
const instances = 2;
const outputMax = 4000;
const launcher = 'launch.sh';
const releaseSettings = {
  strategy: 'canary',
  steps: ['5% 30s', '25% 20s', '50% 10s'],
  bake: '30s',
  warm: '10m',
};

type Environment = Readonly<Record<string, string>>;

/** A gateway with the old release of the shop, and the files of the new one. */
export class DeployLab {
  readonly port: number;
  readonly stock: StockService;
  readonly socket: string;
  readonly #folder: string;
  readonly #release: Release;
  readonly #gateway: LabProcess;

  private constructor(release: Release, folder: string, stock: StockService, port: number) {
    this.#release = release;
    this.#folder = folder;
    this.stock = stock;
    this.port = port;
    this.socket = join(folder, 'admin.sock');
    const words = [process.execPath, candorProgram, 'up', '-c', join(folder, 'candor.yaml')];
    this.#gateway = new LabProcess('gateway', words, {}, join(folder, 'gateway.txt'), false);
  }

  /** Resolves when both instances of the old release are ready. */
  static async start(release: Release, folder: string): Promise<DeployLab> {
    const lab = new DeployLab(release, folder, await StockService.start(), await freePort());
    try {
      lab.#write();
      lab.#gateway.start();
      await lab.#serves();
      return lab;
    } catch (error) {
      await lab.stop();
      throw error;
    }
  }

  get #usual(): Environment {
    return environmentOf(join(this.#folder, 'data'), this.stock.url);
  }

  #write(): void {
    const { language, command, environment, files } = this.#release;
    const [oldFolder, newFolder] = [join(this.#folder, 'old'), join(this.#folder, 'new')];
    const oldCommand = oldCommands[language];
    const old = oldRelease(language);
    mkdirSync(join(this.#folder, 'data'));
    writeFiles(oldFolder, old);
    writeFiles(newFolder, files(old));
    // The configuration has one command and environment for all releases; where the new one has its own, each has a script.
    const isOther = command.join(' ') !== oldCommand.join(' ') || Object.keys(environment).length > 0;
    if (isOther) writeFileSync(join(oldFolder, launcher), launcherText(oldCommand, {}));
    if (isOther) writeFileSync(join(newFolder, launcher), launcherText(command, environment));
    const shop = {
      ...{
        command: isOther ? ['sh', launcher] : oldCommand,
        directory: oldFolder,
        environment: this.#usual,
        instances,
      },
      ...{ readiness: '/healthz', releases: releaseSettings },
    };
    // A file of YAML may be JSON.
    const configuration = {
      ...{ listeners: { http: `127.0.0.1:${this.port}` }, admin: { socket: this.socket } },
      ...{ state: join(this.#folder, 'state'), applications: { shop }, routes: [{ to: 'shop' }] },
    };
    writeFileSync(join(this.#folder, 'candor.yaml'), JSON.stringify(configuration, null, 1));
  }

  async #serves(): Promise<void> {
    const until = performance.now() + startMs;
    while (performance.now() < until && this.#gateway.isRunning) {
      const asked = fetch(`http://127.0.0.1:${this.port}/healthz`, { signal: AbortSignal.timeout(1000) });
      if ((await asked.then(({ status }) => status).catch(() => 0)) === 200) return;
      await sleep(200);
    }
    throw new Error(`the gateway does not serve: ${this.gatewayOutput}`);
  }

  /** Null: the release has no migration. */
  async migrate(signal: AbortSignal): Promise<CommandOutcome | null> {
    const { migration, environment } = this.#release;
    if (migration === null) return null;
    const folder = join(this.#folder, 'new');
    return run(migration, { folder, environment: { ...this.#usual, ...environment }, withinMs: migrationMs, signal });
  }

  deploy(strategy: Strategy, signal: AbortSignal): Promise<CommandOutcome> {
    const from = join(this.#folder, 'new');
    const words = ['deploy', 'shop', '--from', from, '--strategy', strategy, '--name', this.#release.name, '--json'];
    return this.#candor(words, deployMs, signal);
  }

  async releases(signal: AbortSignal): Promise<unknown> {
    const { output } = await this.#candor(['releases', '--json'], 20_000, signal);
    try {
      return JSON.parse(output) as unknown;
    } catch {
      return output;
    }
  }

  #candor(words: readonly string[], withinMs: number, signal: AbortSignal): Promise<CommandOutcome> {
    const command = [process.execPath, candorProgram, ...words, '--socket', this.socket];
    return run(command, { folder: this.#folder, environment: {}, withinMs, signal });
  }

  get isGatewayRunning(): boolean {
    return this.#gateway.isRunning;
  }

  get gatewayOutput(): string {
    return readFileSync(join(this.#folder, 'gateway.txt'), 'utf8').slice(-outputMax);
  }

  /** The gateway ends its instances; where it is killed, its watchdog does. */
  async stop(): Promise<void> {
    await this.#gateway.stop('SIGTERM', 60_000);
    await this.stock.stop();
  }
}

/** Quotes for a shell. */
const quoted = (word: string): string => `'${word.replaceAll("'", "'\\''")}'`;

const launcherText = (command: readonly string[], environment: Environment): string =>
  [
    ...Object.entries(environment).map(([name, value]) => `export ${name}=${quoted(value)}`),
    `exec ${command.map(quoted).join(' ')}`,
    '',
  ].join('\n');

interface RunOptions {
  readonly folder: string;
  readonly environment: Environment;
  readonly withinMs: number;
  readonly signal: AbortSignal;
}

async function run(command: readonly string[], options: RunOptions): Promise<CommandOutcome> {
  const { folder, environment, withinMs, signal } = options;
  const [program = '', ...args] = command;
  const startedAt = performance.now();
  const child = spawn(program, args, {
    ...{ cwd: folder, env: { ...process.env, ...environment }, stdio: ['ignore', 'pipe', 'pipe'] },
    ...{ signal: AbortSignal.any([signal, AbortSignal.timeout(withinMs)]), killSignal: 'SIGKILL' },
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream?.setEncoding('utf8').on('data', (text: string) => (output += text));
  const exitCode = await new Promise<number | null>((resolve) => {
    child.on('error', () => {}).once('close', resolve);
  });
  return { exitCode, output: output.trim(), seconds: Math.round((performance.now() - startedAt) / 100) / 10 };
}
