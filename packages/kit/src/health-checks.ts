import type { KitClock } from './clock.ts';
import { errorText } from './error-text.ts';
import { knownOptions, milliseconds } from './option-checks.ts';

export type CheckStatus = 'pass' | 'warn' | 'fail';

/** What a check may return; anything else counts as passed. */
export interface CheckReport {
  readonly status?: CheckStatus;
  /** One sentence for people. */
  readonly output?: string;
}

/** Asks the real dependency. It passes unless it throws, rejects, or returns a report that says otherwise. The signal aborts at the time limit. */
export type CheckFunction = (signal: AbortSignal) => unknown;

export interface CheckOptions {
  readonly run: CheckFunction;
  /** Default 1000. */
  readonly timeoutMs?: number;
  /** How long a result is kept, failures too. Default 1000. */
  readonly cacheMs?: number;
  /** Its failure is a warning: the application serves without the dependency. */
  readonly optional?: boolean;
  /** Whether readiness needs it: only for what belongs to this instance. A failing database of all instances would take all out of service at once. */
  readonly readiness?: boolean;
}

export type Checks = Readonly<Record<string, CheckFunction | CheckOptions>>;

export interface HealthResult {
  readonly status: CheckStatus;
  readonly output: string | null;
  readonly tookMs: number;
  /** When it ended, in milliseconds since 1970. */
  readonly time: number;
}

interface KnownCheck {
  readonly options: Required<CheckOptions>;
  /** The run that requests wait for. */
  running: Promise<HealthResult> | null;
  /** It has passed its time limit and goes on: no other run begins. */
  hangsSince: number | null;
  last: { readonly result: HealthResult; readonly endedAt: number } | null;
}

/** Runs each check once, however many requests ask for it, and keeps its result for a moment. */
export class HealthChecks {
  readonly #clock: KitClock;
  readonly #checks = new Map<string, KnownCheck>();

  constructor(checks: Checks, clock: KitClock) {
    this.#clock = clock;
    for (const [name, given] of Object.entries(checks)) {
      const options = checkOptions(name, given);
      this.#checks.set(name, { options, running: null, hangsSince: null, last: null });
    }
  }

  /** The results by name. `readiness`: of those alone that readiness needs. */
  async results(readiness: boolean): Promise<ReadonlyMap<string, HealthResult>> {
    const asked = [...this.#checks].filter(([, { options }]) => !readiness || options.readiness);
    return new Map(await Promise.all(asked.map(async ([name, check]) => [name, await this.#resultOf(check)] as const)));
  }

  async #resultOf(check: KnownCheck): Promise<HealthResult> {
    const { last, options } = check;
    if (last !== null && this.#clock.now() - last.endedAt < options.cacheMs) return last.result;
    if (check.hangsSince !== null) return this.#stillHangs(check, check.hangsSince);
    check.running ??= this.#run(check);
    return check.running;
  }

  #run(check: KnownCheck): Promise<HealthResult> {
    const { run, timeoutMs } = check.options;
    const begun = this.#clock.now();
    const controller = new AbortController();
    return new Promise((resolve) => {
      const end = (status: CheckStatus, output: string | null): void => {
        if (check.running === null) return;
        cancel();
        const now = this.#clock.now();
        const result = this.#result(check, status, output, now - begun);
        check.running = null;
        check.last = { result, endedAt: now };
        resolve(result);
      };
      const cancel = this.#clock.after(timeoutMs, () => {
        check.hangsSince = begun;
        end('fail', `no result within ${timeoutMs} ms`);
        controller.abort(new DOMException(`the check took more than ${timeoutMs} ms`, 'TimeoutError'));
      });
      const settled = (report: CheckReport): void => {
        // What comes after the time limit only says that another run may begin.
        const isLate = check.hangsSince === begun;
        if (isLate) check.hangsSince = null;
        else end(report.status ?? 'pass', report.output ?? null);
      };
      // After the caller has the promise: a check that ends at once would otherwise end before it runs.
      void Promise.resolve()
        .then(() => run(controller.signal))
        .then((value) => settled(reportOf(value)))
        .catch((error: unknown) => settled({ status: 'fail', output: errorText(error) }));
    });
  }

  #stillHangs(check: KnownCheck, since: number): HealthResult {
    const tookMs = this.#clock.now() - since;
    return this.#result(check, 'fail', `still runs after ${Math.round(tookMs)} ms`, tookMs);
  }

  #result({ options }: KnownCheck, status: CheckStatus, output: string | null, tookMs: number): HealthResult {
    const shown = output === null ? null : safeText(output);
    const weighed = status === 'fail' && options.optional ? 'warn' : status;
    return { status: weighed, output: shown, tookMs, time: this.#clock.wallTime() };
  }
}

const ofCheck: Readonly<Record<keyof CheckOptions, true>> = {
  ...{ run: true, timeoutMs: true, cacheMs: true, optional: true, readiness: true },
};

/** Throws where a check cannot run: a health page that always fails would say nothing of it. */
function checkOptions(name: string, given: CheckFunction | CheckOptions): Required<CheckOptions> {
  const {
    run,
    timeoutMs = 1000,
    cacheMs = 1000,
    optional = false,
    readiness = false,
  } = typeof given === 'function' ? { run: given } : (given ?? {});
  if (typeof run !== 'function')
    throw new TypeError(`checks.${name} has no function: write a function, or { run: a function, … }`);
  if (typeof given !== 'function') knownOptions(`checks.${name}`, given, ofCheck);
  milliseconds(`checks.${name}.timeoutMs`, timeoutMs);
  milliseconds(`checks.${name}.cacheMs`, cacheMs);
  return { run, timeoutMs, cacheMs, optional, readiness };
}

function reportOf(value: unknown): CheckReport {
  if (typeof value !== 'object' || value === null) return {};
  const { status, output } = value as Readonly<Record<string, unknown>>;
  const known = status === 'pass' || status === 'warn' || status === 'fail';
  // Rows of a database may have a column of that name.
  return known ? { status, ...(typeof output === 'string' ? { output } : {}) } : {};
}

const outputMax = 200;

/** Drivers write addresses with user and password into their errors. */
function safeText(text: string): string {
  const line = text.replace(/\/\/[^/\s]+@/g, '//…@').replace(/[\u0000-\u001f\u007f]+/g, ' ');
  return line.length <= outputMax ? line : `${line.slice(0, outputMax - 1)}…`;
}
