import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { FromPart, Part, ToPart } from './soak-part.ts';

/**
 * A part that runs in its own process. A part that yields (`nice`) uses only idle processor time: in production its
 * clients are not on the gateway's machine, and their work must not be measured as the gateway's.
 */
export class PartProcess {
  readonly #process: ChildProcess;

  constructor(part: Part, priority: 'as all' | 'gives way' = 'as all') {
    const options = { serialization: 'advanced' } as const;
    const program = fileURLToPath(new URL('./soak-part.ts', import.meta.url));
    const started =
      priority === 'as all'
        ? fork(program, [JSON.stringify(part)], options)
        : fork(program, [JSON.stringify(part)], {
            ...options,
            execPath: 'nice',
            execArgv: ['-n', '19', process.execPath, ...process.execArgv],
          });
    this.#process = started;
  }

  send(message: ToPart): void {
    this.#process.send(message);
  }

  /** The next message of this kind. Rejects if the part has ended. */
  async next<K extends FromPart['kind']>(kind: K): Promise<Extract<FromPart, { kind: K }>> {
    const ended = new AbortController();
    const onExit = (): void => ended.abort();
    this.#process.once('exit', onExit);
    try {
      for (;;) {
        const [message] = (await once(this.#process, 'message', { signal: ended.signal })) as [FromPart];
        if (message.kind === kind) return message as Extract<FromPart, { kind: K }>;
      }
    } finally {
      this.#process.off('exit', onExit);
    }
  }

  async end(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const exit = once(this.#process, 'exit');
    this.#process.kill('SIGKILL');
    await exit;
  }
}
