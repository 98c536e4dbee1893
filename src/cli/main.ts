import { thisMachine } from './process-context.ts';
import { writeSync } from 'node:fs';
import { isatty } from 'node:tty';
import type { Output, ProcessContext } from './process-context.ts';
import { systemClock } from '../system/system.ts';
import { runCommandLine } from './command-line.ts';
import { earlySignals, signalSource } from './signal-source.ts';
import { defectText, CommandFailure } from './command-failure.ts';
import { connectToPredecessor } from './upgrade/successor.ts';

type Stream = NodeJS.WriteStream & { readonly fd: number };

/**
 * Standard output or standard error of this process. Both may fail: the disk may be full, or the reader may have left. A
 * command that prints a result ends then. A gateway continues to serve: the line that cannot be written is lost, and the
 * next line is tried again.
 */
class StandardOutput implements Output {
  readonly isTTY: boolean;
  readonly #stream: Stream;
  #outlives = false;

  /** `onUnwritable` is called with the errno, and ends the process. */
  constructor(stream: Stream, onUnwritable: (errno: string) => void) {
    this.#stream = stream;
    this.isTTY = isatty(stream.fd);
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (!this.#outlives) onUnwritable(error.code ?? 'EIO');
    });
  }

  /** From now on, a failed write does not end the process. */
  outlive(): void {
    this.#outlives = true;
  }

  write(text: string): void {
    // Node closes its stream for good at the first error, but the disk may have room again later.
    if (this.#stream.destroyed) this.#tryOnce(text);
    else this.#stream.write(text);
  }

  #tryOnce(text: string): void {
    try {
      writeSync(this.#stream.fd, text);
    } catch {
      // This line is lost too.
    }
  }

  rows(): number | null {
    return this.#stream.rows ?? null;
  }

  /**
   * A pipe is written asynchronously. Text that is still buffered is lost if the process exits. A gateway, whose output may have no
   * reader, does not wait: null.
   */
  drained(): Promise<void> | null {
    const stream = this.#stream;
    if (this.#outlives || stream.writableLength === 0 || stream.destroyed) return null;
    return new Promise((resolve) => stream.write('', () => resolve()));
  }
}

/** The program `candor`: runs one command line in this process. */

async function ask(question: string): Promise<string | null> {
  if (!process.stdin.isTTY || !process.stderr.isTTY) return null;
  // Loaded here, because a gateway that starts asks nothing.
  const { createInterface } = process.getBuiltinModule('node:readline/promises');
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return await lines.question(question);
  } catch {
    // The person pressed Ctrl-D or Ctrl-C.
    return 'n';
  } finally {
    lines.close();
  }
}

function onKey(listener: (key: string) => void): () => void {
  const { stdin } = process;
  const onData = (bytes: Buffer): void => listener(bytes.toString('utf8'));
  stdin.setRawMode(true);
  stdin.on('data', onData);
  stdin.resume();
  return () => {
    stdin.off('data', onData);
    stdin.setRawMode(false);
    stdin.pause();
  };
}

function fail(error: unknown): never {
  // The environment of this process may be unusable before a command runs.
  const { message, code } = error instanceof CommandFailure ? error : { message: defectText(error), code: 1 };
  process.stderr.write(`${message}\n`);
  process.exit(code);
}

process.on('uncaughtException', fail);
process.on('unhandledRejection', fail);
// A reader that has read enough (`candor events | head`) is no failure; a full disk is.
const unwritable = (errno: string): never => process.exit(errno === 'EPIPE' ? 0 : 1);
const stdout = new StandardOutput(process.stdout, unwritable);
const stderr = new StandardOutput(process.stderr, unwritable);

const context: ProcessContext = {
  stdout,
  stderr,
  outliveOutputs: () => {
    stdout.outlive();
    stderr.outlive();
  },
  env: process.env,
  directory: process.cwd(),
  clock: systemClock,
  machine: thisMachine,
  predecessor: connectToPredecessor(process),
  ask,
  ...(isatty(0) ? { onKey } : {}),
  onSignal: signalSource(process, systemClock, (code) => process.exit(code), earlySignals(process)),
  exit: (code) => process.exit(code),
};

const code = await runCommandLine(process.argv.slice(2), context);
// A pipe takes what its reader has room for; the rest of a result would be lost with the process.
await stdout.drained();
await stderr.drained();
process.exit(code);
