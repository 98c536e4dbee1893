import { spawn } from 'node:child_process';
import { basename } from 'node:path';
import { leftOut } from '../redact/span.ts';
import { TextRedactor } from '../redact/text-redactor.ts';
import { alertJson } from './alert-json.ts';
import {
  accepted,
  type AlertChannel,
  type AlertMessage,
  marked,
  refused,
  type SendResult,
  withoutSecrets,
} from './channel.ts';
import { programFault } from './network-error.ts';

/** Only the end of the output is kept. */
const outputMax = 2000;

/** Starts a program for each message, which gets it as JSON on its standard input. No shell runs. */
export class CommandChannel implements AlertChannel {
  readonly destination: string;
  readonly #command: readonly string[];

  constructor(command: readonly string[]) {
    this.#command = command;
    this.destination = basename(command[0] ?? '');
  }

  send(message: AlertMessage, signal: AbortSignal): Promise<SendResult> {
    const [program = '', ...words] = this.#command;
    const secrets = secretsOf(this.#command);
    const json = `${JSON.stringify(alertJson(message))}\n`;
    const sent = marked('>', `${this.destination}, with on its standard input:\n${json}`.trimEnd());
    return new Promise((resolve) => {
      // In a process group of its own: what a script has started ends with it, and cannot hold its output open.
      const child = spawn(program, words, {
        stdio: ['pipe', 'pipe', 'pipe'],
        detached: true,
        env: commandEnvironment(process.env),
      });
      let output = '';
      const collect = (part: string): void => void (output = (output + part).slice(-outputMax));
      for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', collect);
      const kill = (): void => endGroup(child.pid);
      signal.addEventListener('abort', kill, { once: true });
      const end = (result: SendResult): void => {
        signal.removeEventListener('abort', kill);
        resolve(result);
      };
      child.on('error', (error) => {
        const { reason, nextStep } = programFault(error, program);
        end(refused(reason, nextStep, { isRetriable: true, exchange: [...sent, `< ${reason}`] }));
      });
      child.on('close', (code, byWhat) => {
        const printed = output.trim() === '' ? '(it printed nothing)' : output.trim();
        const exchange = [...sent, ...marked('<', withoutSecrets(printed, secrets))];
        if (code === 0 && !signal.aborted) return end(accepted(`${this.destination} exited with 0`, exchange));
        const how = signal.aborted
          ? 'did not end in time and was killed'
          : code === null
            ? `was ended by ${byWhat}`
            : `exited with ${code}`;
        end(refused(`${this.destination} ${how}`, 'See what the program printed.', { isRetriable: true, exchange }));
      });
      // A program that reads nothing breaks the pipe: its exit code decides.
      child.stdin.on('error', () => {});
      child.stdin.end(json);
    });
  }
}

const redactor = new TextRedactor();

/** What the rule for commands hides, which the program may print: whole words, and what follows `--token=`. */
function secretsOf(command: readonly string[]): readonly string[] {
  return redactor.redactCommand(command).flatMap((shown, at) => {
    const word = command[at] as string;
    return shown.endsWith(leftOut) && word.startsWith(shown.slice(0, -leftOut.length))
      ? [word.slice(shown.length - leftOut.length)]
      : [];
  });
}

/** What a program needs to run, and what is written for it; secrets of the gateway's environment are not for it. */
export function commandEnvironment(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const isPassed = (name: string): boolean =>
    passed.has(name) || (name.startsWith('CANDOR_') && !ownVariables.has(name));
  return Object.fromEntries(Object.entries(environment).filter(([name]) => isPassed(name)));
}

const passed: ReadonlySet<string> = new Set(['PATH', 'HOME', 'LANG', 'TZ', 'USER']);

/** The token of the admin API, and the mark by which the gateway knows its own applications. */
const ownVariables: ReadonlySet<string> = new Set(['CANDOR_TOKEN', 'CANDOR_START']);

function endGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It has ended meanwhile.
  }
}
