import type { ChildProcess } from 'node:child_process';
import type { Socket } from 'node:net';
import type { Result } from '#failures/result.ts';
import { syslogFacilities, type SyslogSpec } from '../core/syslog-spec.ts';
import { after, type Clock, type Instant } from '../core/time.ts';
import { lineFeed } from '../record/line-feed.ts';
import { errnoOf, type LogOutput } from '../record/log-output.ts';
import { BackOff, backOffMaxMs, closedError, within, writeAll } from './back-off.ts';

const startMs = 5000;
/** How long a program may take nothing. */
const writeMs = 10_000;
/** How long a program may take to write what it has, once the log is closed. */
const endMs = 2000;

/** util-linux takes 1 KiB unless `--size` says more, header included; BusyBox always, and cuts a longer line in two. */
const [lineBytesMax, headerBytesMax, shortLineBytesMax] = [8192, 256, 1000];

const severityNames: Readonly<Record<string, string>> = { '4': 'warning', '6': 'info' };

interface Program {
  readonly child: ChildProcess;
  readonly input: Socket;
  readonly startedAt: Instant;
}

/**
 * Sends lines over /dev/log, a kind of socket that Node cannot open: `logger` does, of util-linux or BusyBox. Since that of BusyBox cannot read a
 * severity from a line, each severity has a program of its own, which is started when the first line comes, and again after it has ended.
 */
export class LoggerOutput implements LogOutput {
  readonly #spec: SyslogSpec;
  readonly #clock: Clock;
  readonly #backOff: BackOff;
  readonly #programs = new Map<string, Program>();
  /** What its `--help` says; null: not asked yet. */
  #help: string | null = null;

  constructor(spec: SyslogSpec, clock: Clock) {
    this.#spec = spec;
    this.#clock = clock;
    this.#backOff = new BackOff(clock);
  }

  /** `bytes`: lines, each with its severity before it (`<4>`). Writes the first lines that have the same one. */
  async write(bytes: Uint8Array, from: number): Promise<Result<number, string>> {
    // Without this socket some versions of `logger` lose all lines and say nothing.
    const reason = this.#backOff.reason ?? (isThere(this.#spec.host) ? null : 'ENOENT');
    if (reason !== null) return { ok: false, failure: reason };
    let severity = '';
    try {
      this.#help ??= await helpOf(this.#clock);
      const run = firstRun(bytes, from, this.#isLong ? lineBytesMax : shortLineBytesMax);
      severity = run.severity;
      const program = this.#programs.get(severity) ?? (await this.#start(severity));
      await writeAll(program.input, run.lines, writeMs, this.#clock);
      if (this.#clock.now() > after(program.startedAt, backOffMaxMs)) this.#backOff.succeeded();
      return { ok: true, value: run.end - from };
    } catch (error) {
      const program = this.#programs.get(severity);
      program?.child.kill('SIGKILL');
      // The end of the program has been counted already.
      const isCounted = program === undefined && this.#backOff.reason !== null;
      this.#programs.delete(severity);
      return { ok: false, failure: isCounted ? errnoOf(error) : this.#backOff.failed(errnoOf(error)) };
    }
  }

  get #isLong(): boolean {
    return this.#help?.includes('--size') === true;
  }

  async #start(severity: string): Promise<Program> {
    const { facility, tag } = this.#spec;
    const priority = `${syslogFacilities[facility]}.${severityNames[severity]}`;
    const size = this.#isLong ? ['--size', String(lineBytesMax + headerBytesMax)] : [];
    // Otherwise it goes on without its socket, and loses the lines.
    const errors = this.#help?.includes('--socket-errors') === true ? ['--socket-errors=on'] : [];
    const child = start(['-t', tag, '-p', priority, ...size, ...errors], ['pipe', 'ignore', 'ignore']);
    await within(startMs, this.#clock, (done) => child.once('error', done).once('spawn', () => done(null)));
    child.on('error', () => {});
    const program = { child, input: child.stdin as Socket, startedAt: this.#clock.now() };
    program.input.on('error', () => {}).unref();
    child.unref();
    child.once('exit', () => {
      if (this.#programs.get(severity) !== program) return;
      this.#programs.delete(severity);
      this.#backOff.failed(errnoOf(closedError()));
    });
    this.#programs.set(severity, program);
    return program;
  }

  /** Each program ends when it has read the rest. */
  async close(): Promise<void> {
    const programs = [...this.#programs.values()];
    this.#programs.clear();
    await Promise.all(
      programs.map(async ({ child, input }) => {
        try {
          await within(endMs, this.#clock, (done) => {
            child.once('exit', () => done(null));
            input.end();
          });
        } catch {
          child.kill('SIGKILL');
        }
      }),
    );
  }
}

/** In a process group of its own, so that Ctrl+C at a terminal does not end it before the gateway has written its last lines. */
function start(args: readonly string[], stdio: readonly ('pipe' | 'ignore')[]): ChildProcess {
  const env = { PATH: process.env['PATH'] ?? '/usr/bin:/bin' };
  return process
    .getBuiltinModule('node:child_process')
    .spawn('logger', args, { stdio: [...stdio], detached: true, env });
}

/** BusyBox says its options on the standard error, and ends with 1. */
async function helpOf(clock: Clock): Promise<string> {
  const child = start(['--help'], ['ignore', 'pipe', 'pipe']);
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (bytes) => (said += String(bytes)));
  try {
    await within(startMs, clock, (done) => child.once('error', done).once('close', () => done(null)));
  } finally {
    child.on('error', () => {}).kill('SIGKILL');
  }
  return said;
}

function isThere(path: string): boolean {
  return process.getBuiltinModule('node:fs').existsSync(path);
}

/** The first lines of the same severity, without it, and where they end. */
function firstRun(bytes: Uint8Array, from: number, bytesMax: number) {
  const severityOf = (at: number): string => String.fromCharCode(bytes[at + 1] ?? 0);
  const severity = severityOf(from);
  const lines: Uint8Array[] = [];
  let at = from;
  while (at < bytes.length && severityOf(at) === severity) {
    const lf = bytes.indexOf(lineFeed, at);
    const end = lf < 0 ? bytes.length : lf;
    lines.push(bytes.subarray(at + 3, Math.min(end, at + 3 + bytesMax)), Uint8Array.of(lineFeed));
    at = end + 1;
  }
  return { severity, lines: Buffer.concat(lines), end: Math.min(at, bytes.length) };
}
