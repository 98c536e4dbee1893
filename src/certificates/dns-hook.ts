import { spawn } from 'node:child_process';
import { failWith, type Result, succeed } from '#failures/result.ts';
import { TextRedactor } from '../redact/text-redactor.ts';
import { after, type Clock } from '../core/time.ts';
import { plainText } from './acme-documents.ts';
import type { ChallengeKind } from '../core/listener-spec.ts';
import type { DnsPropagation } from './dns-propagation.ts';
import type { ChallengeResponder, DnsChallenge, PreparedChallenge } from './challenges.ts';
import { withStreams } from '../deploy/child-streams.ts';

interface DnsHookSettings {
  /** The program and its first arguments; 'present' or 'cleanup' follows. */
  readonly command: readonly string[];
  readonly timeoutMs: number;
  /** How long after `present` the record is waited for until the CA is let look; 0: it is not looked for. */
  readonly propagationMs: number;
}

/** Only the end of the output goes into a failure. */
const outputLengthMax = 400;
const redactor = new TextRedactor();
/** Between the request to end and the end by force. */
const killMs = 5000;

/**
 * Shows DNS-01 challenges by a command of the operator's. It is started with the argument `present` or `cleanup` and with
 * CANDOR_ACME_DOMAIN, CANDOR_ACME_NAME (the record's name) and CANDOR_ACME_VALUE in its environment. `present` ends when the
 * record has been set; its exit code is 0, otherwise what it prints is the reason of the failure.
 */
export class DnsHook implements ChallengeResponder {
  readonly kinds: readonly ChallengeKind[] = ['dns-01'];
  readonly #settings: DnsHookSettings;
  readonly #clock: Clock;
  readonly #propagation: Pick<DnsPropagation, 'wait'>;

  constructor(settings: DnsHookSettings, clock: Clock, propagation: Pick<DnsPropagation, 'wait'>) {
    this.#settings = settings;
    this.#clock = clock;
    this.#propagation = propagation;
  }

  async present(challenge: PreparedChallenge): Promise<Result<string | null, string>> {
    if (challenge.kind !== 'dns-01') return failWith('the hook command shows only dns-01');
    const problem = await this.#run('present', challenge);
    if (problem !== null) return failWith(problem);
    const { propagationMs } = this.#settings;
    if (propagationMs === 0) return succeed(null);
    const { recordName, value } = challenge;
    // The CA decides: a record that is late here may be found by it.
    return succeed(await this.#propagation.wait(recordName, value, propagationMs));
  }

  async cleanUp(challenge: PreparedChallenge): Promise<void> {
    // A record that stays does no harm: its value is used once.
    if (challenge.kind === 'dns-01') await this.#run('cleanup', challenge);
  }

  /** Null: it succeeded. Otherwise the reason. */
  #run(action: 'present' | 'cleanup', { domain, recordName, value }: DnsChallenge): Promise<string | null> {
    const [program = '', ...first] = this.#settings.command;
    const environment = { CANDOR_ACME_DOMAIN: domain, CANDOR_ACME_NAME: recordName, CANDOR_ACME_VALUE: value };
    const { timeoutMs } = this.#settings;
    const label = `\`${redactor.redactCommand([program, ...first, action]).join(' ')}\``;
    return new Promise((resolve) => {
      // In a process group of its own: what a script has started ends with it, and cannot hold its output open.
      const env = { ...process.env, ...environment };
      const child = withStreams(
        spawn(program, [...first, action], { env, stdio: ['ignore', 'pipe', 'pipe'], detached: true }),
      );
      let output = '';
      let isLate = false;
      const collect = (part: string) => (output = (output + part).slice(-4 * outputLengthMax));
      for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', collect);
      const signal = (name: NodeJS.Signals) => child.pid !== undefined && endGroup(child.pid, name);
      const start = this.#clock.now();
      const timer = this.#clock.schedule(
        after(start, timeoutMs),
        () => void ((isLate = true), signal('SIGTERM')),
        undefined,
      );
      const kill = this.#clock.schedule(after(start, timeoutMs + killMs), () => void signal('SIGKILL'), undefined);
      const end = (reason: string | null) => {
        timer.cancel();
        kill.cancel();
        resolve(reason);
      };
      child.on('error', (error) =>
        end(`${label} could not be started (${(error as NodeJS.ErrnoException).code ?? error.name})`),
      );
      child.on('close', (code, byWhat) => {
        if (code === 0 && !isLate) return end(null);
        const how = isLate
          ? `did not end within ${timeoutMs / 1000} s`
          : `ended with ${code === null ? byWhat : `exit code ${code}`}`;
        const printed = plainText(output).slice(-outputLengthMax);
        end(`${label} ${how}${printed === '' ? ' and printed nothing' : `: ${printed}`}`);
      });
    });
  }
}

function endGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch {
    // It has ended meanwhile.
  }
}
