import { inspect } from 'node:util';

interface TestEvent {
  readonly name: string;
  /** The file that runs. */
  readonly file: string;
  /** The file that the test is written in, which may be one that it imports. */
  readonly declaredIn: string;
  readonly line?: number | undefined;
  readonly skip?: string | boolean | undefined;
  readonly todo?: string | boolean | undefined;
  readonly details: { readonly type?: string | undefined; readonly duration_ms: number; readonly error?: unknown };
}

/** A test, or a suite, that begins or ends. */
type TestStep = Pick<TestEvent, 'name' | 'file' | 'declaredIn' | 'line'> & { readonly nesting: number };

interface FileReport {
  passed: number;
  failed: number;
  skipped: number;
  output: string;
  /** Under way, the innermost last. */
  readonly running: string[];
  /** It was ended from outside; what its tests say from then on is of no account. */
  cut: boolean;
}

/** A run of tests as a person reads it: a line per file as it ends, failures in full, then the sums. */
export class TestReport {
  readonly #say: (line: string) => void;
  readonly #withDiagnostics: boolean;
  readonly #files = new Map<string, FileReport>();
  readonly #failures: string[] = [];
  readonly #skips: string[] = [];
  readonly #durations: [file: string, ms: number][] = [];
  readonly #cut: string[] = [];
  #runLimitMs: number | null = null;
  #notBegun: readonly string[] = [];

  constructor(say: (line: string) => void, withDiagnostics: boolean) {
    this.#say = say;
    this.#withDiagnostics = withDiagnostics;
  }

  testBegan(step: TestStep): void {
    if (!isWholeFile(step)) this.#file(step.file).running.push(stepText(step));
  }

  testEnded(step: TestStep): void {
    const { running } = this.#file(step.file);
    const at = running.lastIndexOf(stepText(step));
    if (at !== -1) running.splice(at, 1);
  }

  /** A file took longer than one file may, and is made to end. */
  fileCut(path: string, limitMs: number): void {
    const file = this.#file(path);
    const title = `✖ ${path} was ended: it had not ended after ${minutes(limitMs)}`;
    file.failed++;
    this.#failures.push(title);
    this.#say(title);
    this.#say(indent(runningText(file)));
    file.cut = true;
  }

  /** A file is made to end because the whole run took too long. */
  fileCutByRun(path: string): void {
    const file = this.#file(path);
    this.#cut.push(`  ${path}: ${runningText(file)}`);
    file.cut = true;
  }

  /** The run took longer than it may; these files were never begun. */
  runEnded(limitMs: number, notBegun: readonly string[]): void {
    if (this.#cut.length === 0 && notBegun.length === 0) return;
    this.#runLimitMs = limitMs;
    this.#notBegun = notBegun;
  }

  passed(event: TestEvent): void {
    // A file without tests counts as a test that passed; it proves nothing.
    if (isWholeFile(event)) return;
    // A suite is its tests, except where it is skipped: then nothing is heard of them.
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
    // A suite fails because a test in it did, which has been told.
    if (event.details.type === 'suite') return;
    const file = this.#file(event.file);
    if (file.cut) return;
    file.failed++;
    const title = isWholeFile(event)
      ? `✖ ${event.file} ended before its tests did`
      : `✖ ${event.declaredIn}:${event.line ?? 1} ${event.name}`;
    this.#failures.push(title);
    this.#say(title);
    this.#say(
      indent(isWholeFile(event) && file.output !== '' ? file.output.trimEnd() : causeText(event.details.error)),
    );
  }

  diagnosed(event: { readonly file: string; readonly message: string; readonly nesting: number }): void {
    if (this.#withDiagnostics && !isSum(event.message)) this.#say(`  ${event.message}`);
  }

  printed(file: string, text: string): void {
    this.#file(file).output += text;
  }

  fileEnded(path: string, ms: number): void {
    const file = this.#file(path);
    this.#durations.push([path, ms]);
    // What there is to say of it is said at the end.
    if (this.#cut.some((line) => line.startsWith(`  ${path}: `))) return;
    const skipped = file.skipped > 0 ? `, ${file.skipped} skipped` : '';
    const failed = file.failed > 0 ? `, ${file.failed} failed` : '';
    this.#say(`${file.failed > 0 ? '✖' : '✔'} ${path}: ${file.passed} passed${failed}${skipped} (${seconds(ms)})`);
    if (file.failed > 0 && file.output !== '') this.#say(indent(`it printed:\n${file.output.trimEnd()}`));
  }

  /** Prints the sums; whether all is well. No test at all is not. */
  finish(): boolean {
    const sums = { passed: 0, failed: 0, skipped: 0 };
    for (const file of this.#files.values()) {
      sums.passed += file.passed;
      sums.failed += file.failed;
      sums.skipped += file.skipped;
    }
    this.#sayList(
      'The slowest files:',
      this.#durations
        .toSorted((a, b) => b[1] - a[1])
        .slice(0, 10)
        .map(([path, ms]) => `  ${seconds(ms).padStart(8)}  ${path}`),
    );
    this.#sayList('Skipped, and why:', this.#skips);
    this.#sayList('Failed:', this.#failures);
    const complete = this.#sayWhetherComplete();
    this.#say('');
    this.#say(`${sums.passed} passed, ${sums.failed} failed, ${sums.skipped} skipped`);
    return complete && sums.failed === 0 && sums.passed > 0;
  }

  #sayWhetherComplete(): boolean {
    if (this.#runLimitMs === null) return true;
    this.#say('');
    this.#say(`The run was ended after ${minutes(this.#runLimitMs)}: the sums are not those of all tests.`);
    this.#sayList(`${files(this.#cut.length)} had not ended:`, this.#cut);
    this.#sayList(
      `${files(this.#notBegun.length)} had not begun:`,
      this.#notBegun.map((path) => `  ${path}`),
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
      file = { passed: 0, failed: 0, skipped: 0, output: '', running: [], cut: false };
      this.#files.set(path, file);
    }
    return file;
  }
}

/** A file that crashed, or has no tests, is reported as a test with the file's name. */
function isWholeFile(event: Pick<TestEvent, 'name' | 'file'>): boolean {
  return event.name.endsWith(event.file);
}

/** What failed, without the runner's own wrapping. */
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
  return running.length === 0 ? 'no test of it was running' : `running then: ${running.join(' › ')}`;
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

/** The runner ends with sums as diagnostics; ours are better. */
function isSum(message: string): boolean {
  return /^(?:tests|suites|pass|fail|cancelled|skipped|todo|duration_ms) [\d.]+$/.test(message);
}
