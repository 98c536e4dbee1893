import type { OutputLine, OutputSource } from '../core/output-line.ts';
import { LineRedactor, type TextRedactor } from '../redact/text-redactor.ts';
import { after, type Clock, type Instant, type Timer } from '../core/time.ts';
import { RecentGrowth } from './recent-count.ts';

/** Of one application. More than a person reads; an application that prints so much all day fills its part of the store within hours. */
export const bytesPerSecond = 64 * 1024;
/** What it may print at once: a start, or a burst of stack traces. */
const burstBytes = 1024 * 1024;

/** How long a line waits for others before it goes to the store. */
const batchMs = 100;

/** Sources come from instances, which come and go; beyond this the redactors begin anew. */
const sourcesMax = 1024;

interface OutputCaptureParts {
  readonly clock: Clock;
  /** Of the active configuration. */
  readonly redactor: () => TextRedactor;
  /** False without a store: then nothing is kept, and a line costs this question. */
  readonly isWanted: () => boolean;
  readonly send: (lines: readonly OutputLine[]) => void;
}

/** Passes lines of applications on to the store: redacted, up to a rate, in batches. What comes faster is left out and counted. */
export class OutputCapture {
  readonly #parts: OutputCaptureParts;
  readonly #applications = new Map<string, Allowance>();
  readonly #redactors = new Map<string, LineRedactor>();
  #redactor: TextRedactor | null = null;
  #lines: OutputLine[] = [];
  #timer: Timer | null = null;

  constructor(parts: OutputCaptureParts) {
    this.#parts = parts;
  }

  note(source: OutputSource, text: string): void {
    if (!this.#parts.isWanted()) return;
    const allowance = this.#allowanceOf(source);
    if (!allowance.take(text.length + 1, this.#parts.clock.now())) {
      allowance.skip(source, this.#parts.clock.now());
    } else {
      this.#lines.push(this.#line(source, this.#redact(source, text), allowance.takeSkipped()));
    }
    if (this.#timer !== null) return;
    const at = after(this.#parts.clock.now(), batchMs);
    this.#timer = this.#parts.clock.schedule(at, (capture: OutputCapture) => capture.flush(), this as OutputCapture);
  }

  /** Applications that have printed too fast since the start. */
  get leftOut(): readonly LeftOutput[] {
    const now = this.#parts.clock.now();
    return [...this.#applications].flatMap(([application, allowance]) => allowance.leftOut(application, now) ?? []);
  }

  /** Passes on what waits. */
  flush(): void {
    this.#timer?.cancel();
    this.#timer = null;
    for (const allowance of this.#applications.values()) {
      const { lastSkipped } = allowance;
      // No line came after those that were left out: an empty one says how many they were.
      if (lastSkipped !== null) this.#lines.push(this.#line(lastSkipped, '', allowance.takeSkipped()));
    }
    const lines = this.#lines;
    this.#lines = [];
    if (lines.length > 0) this.#parts.send(lines);
  }

  #line(source: OutputSource, text: string, leftOut: number): OutputLine {
    return { at: this.#parts.clock.wallTime(), source, text, leftOut };
  }

  #allowanceOf({ application }: OutputSource): Allowance {
    let allowance = this.#applications.get(application);
    if (allowance === undefined) {
      allowance = new Allowance(this.#parts.clock);
      this.#applications.set(application, allowance);
    }
    return allowance;
  }

  /** A private key may span several lines of one source. */
  #redact({ application, instance, stream, path }: OutputSource, text: string): string {
    const redactor = this.#parts.redactor();
    if (redactor !== this.#redactor || this.#redactors.size > sourcesMax) this.#redactors.clear();
    this.#redactor = redactor;
    const key = `${instance ?? application} ${path ?? stream}`;
    let lines = this.#redactors.get(key);
    if (lines === undefined) {
      lines = new LineRedactor(redactor);
      this.#redactors.set(key, lines);
    }
    return lines.redact(text);
  }
}

/** What an application has printed too fast. */
export interface LeftOutput {
  readonly application: string;
  /** Lines since the start, and in the last minute. */
  readonly lines: number;
  readonly recentLines: number;
  /** The first of those of which none was more than a minute after the one before, and the last. */
  readonly since: Instant;
  readonly lastAt: Instant;
}

/** So long after the last line that was left out, another one begins anew. */
const recentMs = 60_000;

/** How much of an application's output is still passed on: a token bucket of bytes. */
class Allowance {
  #bytes = burstBytes;
  #at: number;
  #skipped = 0;
  #total = 0;
  #times: Pick<LeftOutput, 'since' | 'lastAt'> | null = null;
  readonly #growth: RecentGrowth;
  /** Where the last line that was left out came from; null if none waits to be told. */
  lastSkipped: OutputSource | null = null;

  constructor(clock: Clock) {
    this.#at = clock.now();
    this.#growth = new RecentGrowth(clock, () => this.#total);
  }

  take(bytes: number, now: number): boolean {
    this.#bytes = Math.min(burstBytes, this.#bytes + ((now - this.#at) * bytesPerSecond) / 1000);
    this.#at = now;
    if (this.#bytes < bytes) return false;
    this.#bytes -= bytes;
    return true;
  }

  skip(source: OutputSource, now: Instant): void {
    const isNew = this.#times === null || now - this.#times.lastAt >= recentMs;
    if (isNew) this.#growth.restart(0);
    else this.#growth.sample();
    this.#skipped += 1;
    this.#total += 1;
    this.#times = { since: isNew ? now : (this.#times?.since ?? now), lastAt: now };
    this.lastSkipped = source;
  }

  /** Null: nothing was. */
  leftOut(application: string, now: Instant): LeftOutput | null {
    if (this.#times === null) return null;
    const recentLines = now - this.#times.lastAt < recentMs ? this.#growth.lastMinute : 0;
    return { application, lines: this.#total, recentLines, ...this.#times };
  }

  takeSkipped(): number {
    const skipped = this.#skipped;
    this.#skipped = 0;
    this.lastSkipped = null;
    return skipped;
  }
}
