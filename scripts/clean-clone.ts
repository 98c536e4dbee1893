import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { repositoryRoot } from './repository.ts';
import type { Toolchain } from './toolchain.ts';

/** The result of following the README in a clean clone. */
export interface CloneResult {
  /** Seconds that `npm ci` took; null if it failed. */
  readonly installS: number | null;
  /** Seconds until `npm start` said that it serves; null if it never did. */
  readonly startS: number | null;
  /** How many of the README's curl lines got the promised status. */
  readonly curls: { readonly right: number; readonly all: number };
  /** Whether `npx` finds the command in another folder into which the clone was installed. */
  readonly elsewhere: boolean;
  /** Whether Ctrl-C ended all processes within ten seconds. */
  readonly stopped: boolean;
  /** Null if it was not requested. */
  readonly tested: boolean | null;
  /** Problems, including files and processes that were left; empty if there are none. */
  readonly problems: readonly string[];
}

const installMsMax = 300_000;
const startMsMax = 60_000;
const stopMsMax = 10_000;
const testMsMax = 900_000;

/** Variables that a network may need. All others are removed from the environment. */
export const networkVariables = [
  'HTTPS_PROXY',
  'HTTP_PROXY',
  'NO_PROXY',
  'https_proxy',
  'http_proxy',
  'no_proxy',
  'NODE_EXTRA_CA_CERTS',
  'npm_config_registry',
];

/** Clones the committed state into an empty folder, with an empty HOME, and does there what the README says. */
export async function tryCleanClone(toolchain: Toolchain, curl: string, withTest: boolean): Promise<CloneResult> {
  const folder = mkdtempSync(join(tmpdir(), 'candor-clone-'));
  try {
    return await new CleanClone(folder, toolchain).run(curl, withTest);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

class CleanClone {
  readonly #clone: string;
  readonly #home: string;
  readonly #project: string;
  readonly #env: NodeJS.ProcessEnv;
  readonly #npm: string;
  readonly #problems: string[] = [];

  constructor(folder: string, toolchain: Toolchain) {
    this.#clone = join(folder, 'candor');
    this.#home = join(folder, 'home');
    this.#project = join(folder, 'project');
    this.#npm = join(toolchain.folder, 'npm');
    const network = networkVariables.flatMap((name) => {
      const value = process.env[name];
      return value === undefined ? [] : [[name, value] as const];
    });
    this.#env = { ...Object.fromEntries(network), PATH: toolchain.folder, HOME: this.#home };
  }

  async run(curl: string, withTest: boolean): Promise<CloneResult> {
    mkdirSync(this.#home);
    const failed: CloneResult = {
      installS: null,
      startS: null,
      curls: { right: 0, all: 0 },
      elsewhere: false,
      stopped: false,
      tested: null,
      problems: this.#problems,
    };
    const cloned = spawnSync('git', ['clone', '--quiet', repositoryRoot, this.#clone], { encoding: 'utf8' });
    if (cloned.status !== 0) return this.#report(failed, `git clone: ${cloned.stderr}`);
    const installS = this.#timed(['ci'], installMsMax);
    if (installS === null) return failed;
    const started = await this.#start();
    if (started === null) return { ...failed, installS };
    const { startS, child, port } = started;
    const curls = this.#ask(curl, port);
    const stopped = await this.#stop(child);
    const elsewhere = this.#installElsewhere();
    const tested = withTest ? this.#timed(['test'], testMsMax) !== null : null;
    this.#lookAround();
    return { installS, startS, curls, elsewhere, stopped, tested, problems: this.#problems };
  }

  #report<T>(result: T, problem: string): T {
    this.#problems.push(problem.trim());
    return result;
  }

  #timed(args: readonly string[], msMax: number): number | null {
    const began = performance.now();
    const ran = spawnSync(this.#npm, args, { cwd: this.#clone, env: this.#env, encoding: 'utf8', timeout: msMax });
    if (ran.status === 0) return seconds(began);
    return this.#report(null, `npm ${args.join(' ')} failed:\n${lastLines(`${ran.stdout}${ran.stderr}`)}`);
  }

  async #start(): Promise<{ child: ChildProcess; startS: number; port: number } | null> {
    const began = performance.now();
    // In its own process group, as on a terminal: Ctrl-C goes to the whole group.
    const child = spawn(this.#npm, ['start'], { cwd: this.#clone, env: this.#env, detached: true });
    let said = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        said += text;
      });
    }
    // Without a terminal, a taken port is an error and not a question.
    while (!said.includes('Ctrl-C')) {
      if (child.exitCode !== null || seconds(began) * 1000 > startMsMax) {
        await this.#stop(child);
        return this.#report(null, `npm start does not serve:\n${lastLines(said)}`);
      }
      await sleep(50);
    }
    const port = Number(/http:\/\/localhost:(\d+)/.exec(said)?.[1] ?? 8080);
    return { child, startS: seconds(began), port };
  }

  #ask(curl: string, port: number): CloneResult['curls'] {
    const lines = curlLines(readFileSync(join(this.#clone, 'README.md'), 'utf8'));
    let right = 0;
    for (const { url, status } of lines) {
      const address = url.replace(/:8080\b/, `:${port}`);
      const ran = spawnSync(curl, ['-sS', '-i', '--max-time', '10', address], { encoding: 'utf8' });
      if (ran.stdout.startsWith(`HTTP/1.1 ${status} `)) right += 1;
      else this.#problems.push(`curl ${address}: not ${status} but ${lastLines(ran.stdout || ran.stderr, 1)}`);
    }
    return { right, all: lines.length };
  }

  /**
   * Ctrl-C: signals the whole group, as a terminal does. npm itself may end by the signal; the processes that it started
   * must end.
   */
  async #stop({ pid }: ChildProcess): Promise<boolean> {
    if (pid === undefined) return false;
    const began = performance.now();
    signalGroup(pid, 'SIGINT');
    while (signalGroup(pid, 0)) {
      if (seconds(began) * 1000 > stopMsMax) {
        signalGroup(pid, 'SIGKILL');
        return this.#report(false, `it did not stop within ${stopMsMax / 1000} s`);
      }
      await sleep(50);
    }
    return true;
  }

  /** The README's steps for a project of one's own. `npx` is another name of `npm exec`. */
  #installElsewhere(): boolean {
    mkdirSync(this.#project);
    writeFileSync(join(this.#project, 'package.json'), '{}\n');
    const commands = [
      ['install', '--no-audit', '--no-fund', '../candor'],
      ['exec', '--offline', '--', 'candor', 'version'],
    ];
    for (const args of commands) {
      const options = { cwd: this.#project, env: this.#env, encoding: 'utf8', timeout: startMsMax } as const;
      const ran = spawnSync(this.#npm, args, options);
      const isWell = ran.status === 0 && (args[0] === 'install' || /^candor \d/m.test(ran.stdout));
      if (!isWell)
        return this.#report(false, `npm ${args.join(' ')} in another folder:\n${lastLines(ran.stdout + ran.stderr)}`);
    }
    return true;
  }

  #lookAround(): void {
    const status = spawnSync('git', ['status', '--porcelain'], { cwd: this.#clone, encoding: 'utf8' }).stdout.trim();
    if (status !== '') this.#problems.push(`the clone has changed:\n${lastLines(status)}`);
    // npm keeps its cache and logs in one, what Node has compiled of Candor is in the other.
    const left = readdirSync(this.#home).filter((entry) => entry !== '.npm' && entry !== '.cache');
    if (left.length > 0) this.#problems.push(`HOME has ${left.join(', ')}`);
  }
}

/** The curl lines of the README, each with the promised status. */
function curlLines(readme: string): readonly { readonly url: string; readonly status: string }[] {
  return [...readme.matchAll(/^\$ curl -i (\S+)\nHTTP\/1\.1 (\d{3}) /gm)].map(([, url = '', status = '']) => ({
    url,
    status,
  }));
}

/** Returns whether the group exists. */
function signalGroup(group: number, signal: NodeJS.Signals | 0): boolean {
  try {
    process.kill(-group, signal);
    return true;
  } catch {
    return false; // ESRCH: no process of the group exists.
  }
}

function seconds(began: number): number {
  return Math.round((performance.now() - began) / 100) / 10;
}

function lastLines(text: string, count = 15): string {
  return text.trim().split('\n').slice(-count).join('\n');
}
