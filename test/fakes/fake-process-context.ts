import type { Output, ProcessContext } from '../../src/cli/process-context.ts';
import { systemClock } from '../../src/system/system.ts';
import { bundled } from '../program.ts';

const { runCommandLine } = await bundled<typeof import('../../src/cli/command-line.ts')>('cli/command-line');

/** A process for commands under test: what they write is kept, signals come when told. */
export class FakeProcessContext implements ProcessContext {
  readonly stdout: KeptOutput;
  readonly stderr: KeptOutput;
  readonly env: Record<string, string | undefined>;
  readonly directory: string;
  readonly clock = systemClock;
  /** A machine that nothing is to be said about. */
  readonly machine = { platform: 'linux', cores: 2, kernelSetting: (): string | null => '1' };
  readonly predecessor = null;
  readonly questions: string[] = [];
  readonly exits: number[] = [];
  /** What the person says; null: nobody is there. */
  reply: string | null = null;
  readonly #listeners = new Map<string, Set<() => void>>();

  constructor(
    directory: string,
    { terminal = false, env = {} }: { terminal?: boolean; env?: Record<string, string> } = {},
  ) {
    this.directory = directory;
    this.stdout = new KeptOutput(terminal);
    this.stderr = new KeptOutput(terminal);
    this.env = { PATH: process.env['PATH'], TMPDIR: directory, ...env };
  }

  async ask(question: string): Promise<string | null> {
    this.questions.push(question);
    return this.reply;
  }

  onSignal(signal: string, listener: () => void): () => void {
    const listeners = this.#listeners.get(signal) ?? new Set();
    this.#listeners.set(signal, listeners.add(listener));
    return () => listeners.delete(listener);
  }

  signal(signal: string): void {
    for (const listener of this.#listeners.get(signal) ?? []) listener();
  }

  exit(code: number): void {
    this.exits.push(code);
  }

  /** Runs one command line; returns its exit code. */
  candor(...argv: string[]): Promise<number> {
    return runCommandLine(argv, this);
  }
}

class KeptOutput implements Output {
  readonly isTTY: boolean;
  text = '';

  constructor(isTTY: boolean) {
    this.isTTY = isTTY;
  }

  write(text: string): void {
    this.text += text;
  }
}
