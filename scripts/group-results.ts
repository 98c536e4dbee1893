import { relative } from 'node:path';
import { repositoryRoot } from './repository.ts';
import type { CpuTimes } from './test-cpu.ts';
import type { TestGroup } from './test-groups.ts';
import type { TestProcess } from './test-process.ts';
import type { TestReport } from './test-report.ts';

interface FileResults {
  readonly path: string;
  readonly events: ((report: TestReport) => void)[];
  /** How long the file took; null as long as it has not ended in order. */
  ms: number | null;
}

/**
 * What the process of a group says about its files. The report learns of a file when the process has ended, and only of
 * files that came to their end; the others have to be run again, alone.
 */
export class GroupResults {
  readonly #files: ReadonlyMap<string, FileResults>;
  /** Whose tests the runner reports. */
  #current: FileResults | undefined;
  /** The process ended otherwise than by the end of its tests. */
  #crashed = false;
  /** Its tests have ended, and it has to be ended itself. */
  #isLate = false;
  readonly #onAllEnded: () => void;

  /** `onAllEnded`: each file has come to its end. The process may still run. */
  constructor(group: TestGroup, onAllEnded: () => void) {
    this.#onAllEnded = onAllEnded;
    this.#files = new Map(group.map((path) => [path, { path, events: [], ms: null }]));
  }

  async collect({ stream }: TestProcess): Promise<void> {
    // The tests of depth 0 are the files, see `test-group-process.ts`.
    stream.on('test:start', ({ nesting, name }) => {
      if (nesting === 0) this.#current = this.#files.get(name);
    });
    stream.on('test:pass', (event) => {
      if (event.nesting === 0) this.#fileEnded(event.name, event.details.duration_ms);
      else this.#tell((report, file) => report.passed({ ...event, file, declaredIn: nameOf(event.file) }));
    });
    stream.on('test:fail', (event) => {
      const declaredIn = nameOf(event.file);
      if (event.nesting > 0) return this.#tell((report, file) => report.failed({ ...event, file, declaredIn }));
      const { failureType } = event.details.error as { readonly failureType?: string };
      if (failureType === 'hookFailed')
        this.#tell((report, file) => report.failed({ ...event, file, declaredIn: file, line: 1, name: 'its end' }));
      if (failureType === 'hookFailed' || failureType === 'subtestsFailed')
        this.#fileEnded(event.name, event.details.duration_ms);
      // The runner reports a crash as a failure of a test with the name of the process's file.
      else if (!this.#files.has(event.name)) this.#crashed = !this.#isLate;
    });
    stream.on('test:diagnostic', (event) => this.#tell((report, file) => report.diagnosed({ ...event, file })));
    stream.on('test:stdout', ({ message }) => this.#tell((report, file) => report.printed(file, message)));
    stream.on('test:stderr', ({ message }) => this.#tell((report, file) => report.printed(file, message)));
    for await (const _ of stream) void _;
  }

  /** The process did not end by itself after its tests: how it ends is no result. */
  endsLate(): void {
    this.#isLate = true;
  }

  /** Tells the report of the files that have ended. Returns the others. */
  deliver(report: TestReport, cpu: CpuTimes | null): TestGroup {
    const all = [...this.#files.values()];
    const ended = this.#crashed && all.every(({ ms }) => ms !== null) ? [] : all.filter(({ ms }) => ms !== null);
    const ownMs = Object.values(cpu?.files ?? {}).reduce((sum, ms) => sum + ms, 0);
    // What the process took before its first file and after its last one: the files share it.
    const sharedMs = cpu === null ? 0 : (cpu.ms - ownMs) / all.length;
    for (const { path, events, ms } of ended) {
      for (const tell of events) tell(report);
      report.fileEnded(path, ms ?? 0, cpu === null ? null : (cpu.files[path] ?? 0) + sharedMs);
    }
    return all.filter((file) => !ended.includes(file)).map(({ path }) => path);
  }

  #fileEnded(path: string, ms: number): void {
    const file = this.#files.get(path);
    if (file === undefined) return;
    file.ms = ms;
    if ([...this.#files.values()].every((one) => one.ms !== null)) this.#onAllEnded();
  }

  #tell(tell: (report: TestReport, file: string) => void): void {
    const file = this.#current;
    file?.events.push((report) => tell(report, file.path));
  }
}

function nameOf(file: string | undefined): string {
  return file === undefined ? '' : relative(repositoryRoot, file);
}
