import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { run } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { testBundleVariable } from '../test/program.ts';
import { threadModules } from './compiled-programs.ts';
import { repositoryRoot } from './repository.ts';
import { flagsOfTests } from './test-flags.ts';
import { cpuFileVariable, type CpuTimes } from './test-cpu.ts';
import { bundledThreadsVariable } from './test-preload.ts';

type TestStream = ReturnType<typeof run>;

interface TestProcessOptions {
  readonly file: string;
  readonly words?: readonly string[];
  /** Ends the process. */
  readonly signal: AbortSignal;
  /** The folder with the bundle of the command that the tests shall start; null to start it from the source. */
  readonly bundle: string | null;
}

/** What the process starts inherits it. */
const runVariable = 'CANDOR_TEST_RUN';

let processes = 0;

/** A process that runs a test file. */
export class TestProcess {
  readonly stream: TestStream;
  readonly #options: TestProcessOptions;
  readonly #cpuFile: string;

  constructor(options: TestProcessOptions) {
    this.#options = options;
    this.#cpuFile = join(tmpdir(), `candor-test-cpu-${process.pid}-${processes++}`);
    const { file, words = [], signal, bundle } = options;
    this.stream = run({
      files: [resolve(repositoryRoot, file)],
      argv: words,
      cwd: repositoryRoot,
      signal,
      execArgv: [...flagsOfTests, `--import=${join(repositoryRoot, 'scripts', 'test-preload.ts')}`],
      env: {
        ...process.env,
        [cpuFileVariable]: this.#cpuFile,
        [runVariable]: this.#cpuFile,
        ...(bundle === null
          ? {}
          : { [testBundleVariable]: bundle, [bundledThreadsVariable]: JSON.stringify(threadModules(bundle)) }),
      },
    });
  }

  /** The command lines of the programs that its tests have started and that run. Empty where there is no /proc. */
  programs(): readonly string[] {
    const own = this.#running();
    const others = this.#startedByTests().filter((pid) => !own.includes(pid));
    return others.map((pid) => readOrEmpty(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').trim());
  }

  /** The CPU time of the ended process and of the programs that it has started; null if it was killed. */
  takeCpu(): CpuTimes | null {
    if (!existsSync(this.#cpuFile)) return null;
    const times = JSON.parse(readFileSync(this.#cpuFile, 'latin1')) as CpuTimes;
    rmSync(this.#cpuFile);
    return times;
  }

  /**
   * After the abort the runner has sent SIGTERM and does not wait; a program that handles SIGTERM may still run, and so may gateways and
   * applications that the tests had started, which would keep their ports.
   */
  async end(graceMs: number): Promise<void> {
    const graceEnd = performance.now() + graceMs;
    for (;;) {
      const pids = this.#running();
      if (pids.length === 0) break;
      if (performance.now() >= graceEnd) for (const pid of pids) killIfRunning(pid);
      await sleep(20);
    }
    for (const pid of this.#startedByTests()) killIfRunning(pid);
  }

  /** They have inherited a variable that no other test process has. Empty where there is no /proc. */
  #startedByTests(): readonly number[] {
    const mark = `\0${runVariable}=${this.#cpuFile}\0`;
    const pids = existsSync('/proc') ? readdirSync('/proc').map(Number) : [];
    return pids.filter((pid) => pid > 0 && `\0${readOrEmpty(`/proc/${pid}/environ`)}\0`.includes(mark));
  }

  /** Empty where there is no /proc. (proc(5), /proc/pid/task/tid/children) */
  #running(): readonly number[] {
    const { file, words = [] } = this.#options;
    const command = [resolve(repositoryRoot, file), ...words].join('\0');
    const children = readOrEmpty(`/proc/${process.pid}/task/${process.pid}/children`).trim();
    return children
      .split(' ')
      .filter((pid) => pid !== '' && `\0${readOrEmpty(`/proc/${pid}/cmdline`)}`.includes(`\0${command}\0`))
      .map(Number);
  }
}

function killIfRunning(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // The process has ended meanwhile.
  }
}

function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return ''; // The process has ended meanwhile, or there is no /proc here.
  }
}
