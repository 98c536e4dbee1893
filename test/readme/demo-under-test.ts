import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { repositoryRoot } from '../../scripts/repository.ts';
import { freePort, isFree } from '../free-port.ts';

/** What `npm start` starts. */
export interface DemoUnderTest {
  /** What it printed on standard output until it was ready. */
  readonly printed: string;
  /** And on standard error. */
  readonly told: string;
  readonly port: number;
  /** Of whoever asks it: its admin socket lies where these look. */
  readonly env: NodeJS.ProcessEnv;
  /** Ends it as Ctrl-C does. */
  interrupt(): Promise<DemoEnd>;
}

interface DemoEnd {
  /** Null where a signal killed it. */
  readonly code: number | null;
  readonly said: string;
  /** Files that it left behind. */
  readonly left: readonly string[];
}

/** The README's port, or another one where that is taken. */
export async function startDemo(startScript: string): Promise<DemoUnderTest> {
  const port = (await isFree(8080)) ? 8080 : await freePort();
  const folder = mkdtempSync(join(tmpdir(), 'candor-readme-'));
  const { XDG_RUNTIME_DIR: _, RUNTIME_DIRECTORY: __, NODE_TEST_CONTEXT: ___, ...rest } = process.env;
  const env = { ...rest, TMPDIR: folder, npm_command: 'start' };
  const [command = '', ...args] = startScript.split(' ');
  const portFlag = port === 8080 ? [] : ['--port', String(port)];
  const child = spawn(command, [...args, ...portFlag], { cwd: repositoryRoot, env, stdio: ['ignore', 'pipe', 'pipe'] });
  const output = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output.stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (output.stderr += text));
  try {
    await untilReady(child, () => output.stdout.includes('Ctrl-C'));
  } catch {
    throw new Error(`the demo did not start:\n${output.stdout}${output.stderr}`);
  }
  return {
    printed: output.stdout,
    told: output.stderr,
    port,
    env,
    interrupt: async () => {
      const exit = once(child, 'exit');
      child.kill('SIGINT');
      const [code] = (await exit) as [number | null];
      const left = readdirSync(folder, { recursive: true, withFileTypes: true })
        .filter((entry) => !entry.isDirectory())
        .map(({ name }) => name);
      rmSync(folder, { recursive: true, force: true });
      return { code, said: output.stdout + output.stderr, left };
    },
  };
}

function untilReady(child: ChildProcess, ready: () => boolean): Promise<void> {
  return new Promise((resolve, reject) => {
    child.stdout?.on('data', () => {
      if (ready()) resolve();
    });
    child.once('exit', reject);
    child.once('error', reject);
  });
}

/** Runs a command line of a document to its end; what it wrote, and with what it ended. */
export function runLine(
  command: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  cwd: string = repositoryRoot,
): { readonly stdout: string; readonly stderr: string; readonly status: number | null; readonly ms: number } {
  const begun = performance.now();
  const ran = spawnSync(command, args, { cwd, env, encoding: 'utf8', timeout: 30_000 });
  const failure = ran.error === undefined ? '' : String(ran.error);
  return {
    stdout: ran.stdout ?? '',
    stderr: (ran.stderr ?? '') + failure,
    status: ran.status,
    ms: performance.now() - begun,
  };
}
