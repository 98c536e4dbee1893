import { inspect } from 'node:util';

interface TestEvent {
  readonly name: string;
  readonly file: string;
  readonly line?: number | undefined;
  readonly skip?: string | boolean | undefined;
  readonly todo?: string | boolean | undefined;
  readonly details: { readonly type?: string | undefined; readonly duration_ms: number; readonly error?: unknown };
}

interface FileReport {
  passed: number;
  failed: number;
  skipped: number;
  output: string;
}

/** A run of tests as a person reads it: a line per file as it ends, failures in full, then the sums. */
export class TestReport {
  readonly #say: (line: string) => void;
  readonly #withDiagnostics: boolean;
  readonly #files = new Map<string, FileReport>();
  readonly #failures: string[] = [];
  readonly #skips: string[] = [];
  readonly #durations: [file: string, ms: number][] = [];

  constructor(say: (line: string) => void, withDiagnostics: boolean) {
    this.#say = say;
    this.#withDiagnostics = withDiagnostics;
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
    file.failed++;
    const title = isWholeFile(event)
      ? `✖ ${event.file} ended before its tests did`
      : `✖ ${event.file}:${event.line ?? 1} ${event.name}`;
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
    this.#say('');
    this.#say(`${sums.passed} passed, ${sums.failed} failed, ${sums.skipped} skipped`);
    return sums.failed === 0 && sums.passed > 0;
  }

  #sayList(title: string, lines: readonly string[]): void {
    if (lines.length === 0) return;
    this.#say('');
    this.#say(title);
    for (const line of lines) this.#say(line);
  }

  #file(path: string): FileReport {
    let file = this.#files.get(path);
    if (file === undefined) this.#files.set(path, (file = { passed: 0, failed: 0, skipped: 0, output: '' }));
    return file;
  }
}

/** A file that crashed, or has no tests, is reported as a test with the file's name. */
function isWholeFile(event: TestEvent): boolean {
  return event.name.endsWith(event.file);
}

/** What failed, without the runner's own wrapping. */
function causeText(error: unknown): string {
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
  // The message of a failed assertion holds both values; its other properties repeat them.
  if (cause instanceof Error && cause.name === 'AssertionError') return cause.stack ?? cause.message;
  return typeof cause === 'string' ? cause : inspect(cause, { depth: 4, breakLength: 120 });
}

function indent(text: string): string {
  return text.replace(/^/gm, '    ');
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}

/** The runner ends with sums as diagnostics; ours are better. */
function isSum(message: string): boolean {
  return /^(?:tests|suites|pass|fail|cancelled|skipped|todo|duration_ms) [\d.]+$/.test(message);
}
