import { inspect } from 'node:util';

interface TestEvent {
  readonly name: string;
  /** The running file. */
  readonly file: string;
  /** The file that declares the test: the running one or a module that it imports. */
  readonly declaredIn: string;
  readonly line?: number | undefined;
  readonly skip?: string | boolean | undefined;
  readonly todo?: string | boolean | undefined;
  readonly details: { readonly type?: string | undefined; readonly duration_ms: number; readonly error?: unknown };
}

/** The start or the end of a test or a suite. */
type TestStep = Pick<TestEvent, 'name' | 'file' | 'declaredIn' | 'line'> & { readonly nesting: number };

interface FileReport {
  passed: number;
  failed: number;
  skipped: number;
  output: string;
  /** Suites and tests that are running, the innermost last. */
  readonly running: string[];
  /** The run ended the file; later results of its tests are ignored. */
  ended: boolean;
}

interface FileTimes {
  readonly path: string;
  readonly ms: number;
  /** Of the file's process and of the programs that it has started; null for a process that was killed. */
  readonly cpuMs: number | null;
}

interface ReportOptions {
  readonly withDiagnostics: boolean;
  /** A skipped test makes the run fail. */
  readonly complete: boolean;
  /** Of processor time; where the files took more, the report says so, and the run fails if it shall. */
  readonly cpuBudget: { readonly msMax: number; readonly fails: boolean };
  /** How many files are left to a complete run. */
  readonly leftOut: number;
}

/** How many of the slowest files, and of those with the most processor time, are printed. */
const longestMax = 10;

/** How many lines of a failure stand in the list at the end too: of the output of a long run, the end alone may be kept. */
const repeatedLinesMax = 8;

/** Of the command line of a program that was left behind: a group of files has thousands of characters. */
const programLengthMax = 400;

/** Prints a run for people: a line per file when it ends, failures in full, then the sums. */
export class TestReport {
  readonly #say: (line: string) => void;
  readonly #options: ReportOptions;
  readonly #files = new Map<string, FileReport>();
  readonly #failures: string[] = [];
  readonly #skips: string[] = [];
  /** Of groups whose process did not end. */
  readonly #late: string[] = [];
  readonly #durations: FileTimes[] = [];
  readonly #endedByRun: string[] = [];
  #runLimitMs: number | null = null;
  #notStarted: readonly string[] = [];

  constructor(say: (line: string) => void, options: ReportOptions) {
    this.#say = say;
    this.#options = options;
  }

  testStarted(step: TestStep): void {
    if (!isWholeFile(step)) this.#file(step.file).running.push(stepText(step));
  }

  testEnded(step: TestStep): void {
    const { running } = this.#file(step.file);
    const at = running.lastIndexOf(stepText(step));
    if (at !== -1) running.splice(at, 1);
  }

  /** The run ends a file because it took longer than one file may. */
  fileTimedOut(path: string, limitMs: number): void {
    const file = this.#file(path);
    const title = `✖ ${path} was ended because it was still running after ${minutes(limitMs)}`;
    file.failed++;
    this.#failures.push(title);
    this.#say(title);
    this.#say(indent(runningText(file)));
    file.ended = true;
  }

  /** The run ends a file because the whole run took too long. */
  fileEndedByRun(path: string): void {
    const file = this.#file(path);
    this.#endedByRun.push(`  ${path}: ${runningText(file)}`);
    file.ended = true;
  }

  /** The tests of a group have ended, and its process runs on. `programs`: the command lines of what they have started and that still runs. */
  processIsLate(paths: readonly string[], programs: readonly string[], lateMs: number): void {
    const what = programs.length === 0 ? 'a timer, a server or a connection' : 'what they have started';
    const title = `! ${seconds(lateMs)} after the tests of ${files(paths.length)}, ${paths[0]} to ${paths.at(-1)}, ${what} kept their process from ending`;
    this.#late.push([title, ...programs.map((program) => indent(program.slice(0, programLengthMax)))].join('\n'));
    this.#say(this.#late.at(-1) ?? '');
  }

  /** The run took longer than it may, and these files never started. */
  runEnded(limitMs: number, notStarted: readonly string[]): void {
    if (this.#endedByRun.length === 0 && notStarted.length === 0) return;
    this.#runLimitMs = limitMs;
    this.#notStarted = notStarted;
  }

  passed(event: TestEvent): void {
    // The runner reports a file without tests as a test that passed.
    if (isWholeFile(event)) return;
    // The tests of a suite are counted, not the suite, unless it is skipped: then its tests are not reported.
    if (event.details.type === 'suite' && (event.skip === undefined || event.skip === false)) return;
    if (event.todo !== undefined && event.todo !== false)
      return this.passed({ ...event, todo: false, skip: `to do (${event.todo})` });
    const file = this.#file(event.file);
    if (event.skip === undefined || event.skip === false) {
      file.passed++;
      return;
    }
    file.skipped++;
    const reason = typeof event.skip === 'string' && event.skip !== '' ? event.skip : 'no reason given';
    this.#skips.push(`  ${event.file}: ${event.name}: ${reason}`);
  }

  failed(event: TestEvent): void {
    if (event.todo !== undefined && event.todo !== false) return this.passed(event);
    // A suite fails because a test in it failed, which is reported already.
    if (event.details.type === 'suite') return;
    const file = this.#file(event.file);
    if (file.ended) return;
    file.failed++;
    const title = isWholeFile(event)
      ? `✖ ${event.file} exited before its tests ended`
      : `✖ ${event.declaredIn}:${event.line ?? 1} ${event.name}`;
    const cause = indent(
      isWholeFile(event) && file.output !== '' ? file.output.trimEnd() : causeText(event.details.error),
    );
    this.#failures.push(`${title}\n${cause.split('\n').slice(0, repeatedLinesMax).join('\n')}`);
    this.#say(title);
    this.#say(cause);
  }

  diagnosed(event: { readonly file: string; readonly message: string; readonly nesting: number }): void {
    if (this.#options.withDiagnostics && !isSum(event.message)) this.#say(`  ${event.message}`);
  }

  printed(file: string, text: string): void {
    this.#file(file).output += text;
  }

  fileEnded(path: string, ms: number, cpuMs: number | null): void {
    const file = this.#file(path);
    this.#durations.push({ path, ms, cpuMs });
    // `finish` prints these files.
    if (this.#endedByRun.some((line) => line.startsWith(`  ${path}: `))) return;
    const skipped = file.skipped > 0 ? `, ${file.skipped} skipped` : '';
    const failed = file.failed > 0 ? `, ${file.failed} failed` : '';
    const cpu = cpuMs === null ? '' : `, ${seconds(cpuMs)} of processor time`;
    this.#say(
      `${file.failed > 0 ? '✖' : '✔'} ${path}: ${file.passed} passed${failed}${skipped} (${seconds(ms)}${cpu})`,
    );
    if (file.failed > 0 && file.output !== '') this.#say(indent(`output:\n${file.output.trimEnd()}`));
  }

  /** Milliseconds that each file took that ended by itself. */
  durations(): Readonly<Record<string, number>> {
    const whole = this.#durations.filter(({ path }) => !this.#file(path).ended);
    return Object.fromEntries(whole.map(({ path, ms }) => [path, ms]));
  }

  /**
   * Prints the sums and returns whether the run is a success. A run without a test is none. `idleShare`: of the machine's processor time
   * during the run, 0 to 1.
   */
  finish(idleShare: number): boolean {
    const sums = { passed: 0, failed: 0, skipped: 0 };
    for (const file of this.#files.values()) {
      sums.passed += file.passed;
      sums.failed += file.failed;
      sums.skipped += file.skipped;
    }
    this.#sayLongest('The slowest files:', ({ ms }) => ms);
    const isWithinBudget = this.#sayCpu(idleShare);
    this.#sayList('Skipped tests and their reasons:', this.#skips);
    this.#sayList('Left behind:', this.#late);
    this.#sayList('Failed:', this.#failures);
    const ran = this.#sayWhetherAllRan();
    this.#say('');
    const { leftOut } = this.#options;
    if (leftOut > 0) this.#say(`${files(leftOut)} and most cases of sweeps are left to npm run test:complete.`);
    this.#say(`${sums.passed} passed, ${sums.failed} failed, ${sums.skipped} skipped`);
    if (this.#options.complete && sums.skipped > 0) this.#say('A complete run has no skipped tests: this run fails.');
    const isAllGood = sums.failed === 0 && sums.passed > 0 && (sums.skipped === 0 || !this.#options.complete);
    return ran && isAllGood && (isWithinBudget || !this.#options.cpuBudget.fails);
  }

  #sayLongest(title: string, msOf: (times: FileTimes) => number): void {
    const longest = this.#durations.toSorted((a, b) => msOf(b) - msOf(a)).slice(0, longestMax);
    this.#sayList(
      title,
      longest.map((times) => `  ${seconds(msOf(times)).padStart(8)}  ${times.path}`),
    );
  }

  /** Returns whether the files took no more than they may. */
  #sayCpu(idleShare: number): boolean {
    const measured = this.#durations.filter(({ cpuMs }) => cpuMs !== null);
    if (measured.length === 0) return true;
    const sumMs = measured.reduce((sum, { cpuMs }) => sum + (cpuMs ?? 0), 0);
    const idle = `the processors were idle for ${Math.round(idleShare * 100)} % of the run`;
    const title = `Processor time of ${files(measured.length)}: ${seconds(sumMs)}; ${idle}. The most expensive files:`;
    this.#sayLongest(title, ({ cpuMs }) => cpuMs ?? 0);
    const { msMax } = this.#options.cpuBudget;
    if (sumMs <= msMax) return true;
    this.#say(`${seconds(sumMs)} of processor time are more than the budget of ${seconds(msMax)}: make tests cheaper.`);
    return false;
  }

  #sayWhetherAllRan(): boolean {
    if (this.#runLimitMs === null) return true;
    this.#say('');
    this.#say(`The run was ended after ${minutes(this.#runLimitMs)}: some tests did not run.`);
    this.#sayList(`${files(this.#endedByRun.length)} still running:`, this.#endedByRun);
    this.#sayList(
      `${files(this.#notStarted.length)} not started:`,
      this.#notStarted.map((path) => `  ${path}`),
    );
    return false;
  }

  #sayList(title: string, lines: readonly string[]): void {
    if (lines.length === 0) return;
    this.#say('');
    this.#say(title);
    for (const line of lines) this.#say(line);
  }

  #file(path: string): FileReport {
    let file = this.#files.get(path);
    if (file === undefined) {
      file = { passed: 0, failed: 0, skipped: 0, output: '', running: [], ended: false };
      this.#files.set(path, file);
    }
    return file;
  }
}

/** The runner reports a file that crashed or has no tests as a test with the file's name. */
function isWholeFile(event: Pick<TestEvent, 'name' | 'file'>): boolean {
  return event.name.endsWith(event.file);
}

/** The error without the runner's wrapper. */
function causeText(error: unknown): string {
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
  // The message of a failed assertion holds both values; its other properties repeat them.
  if (cause instanceof Error && cause.name === 'AssertionError') return cause.stack ?? cause.message;
  return typeof cause === 'string' ? cause : inspect(cause, { depth: 4, breakLength: 120 });
}

function stepText({ name, declaredIn, line }: TestStep): string {
  return `${declaredIn}:${line ?? 1} ${name}`;
}

function runningText({ running }: FileReport): string {
  return running.length === 0 ? 'no test was running' : `running: ${running.join(' › ')}`;
}

function indent(text: string): string {
  return text.replace(/^/gm, '    ');
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}

function minutes(ms: number): string {
  return ms < 60_000 ? seconds(ms) : `${Math.round(ms / 6000) / 10} min`;
}

function files(count: number): string {
  return count === 1 ? '1 file' : `${count} files`;
}

/** The runner prints its sums as diagnostics; this report prints its own. */
function isSum(message: string): boolean {
  return /^(?:tests|suites|pass|fail|cancelled|skipped|todo|duration_ms) [\d.]+$/.test(message);
}
