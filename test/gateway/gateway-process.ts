import assert from 'node:assert/strict';
import { type ChildProcess, fork } from 'node:child_process';
import { join } from 'node:path';
import type { Event, EventKind } from '../../src/core/event.ts';
import type { HandoffResult, HandoffSuccessor, ReloadOutcome } from '../../src/control/gateway-status.ts';
import type { GatewayStatus } from '../../src/core/schemas/status.ts';
import { until } from './start-from-yaml.ts';

/** A gateway in its own process, which tests can kill and replace. */
export class GatewayProcess {
  readonly child: ChildProcess;
  readonly events: Event[] = [];
  readonly lines: string[] = [];
  readonly #answers: { word: string; value: unknown }[] = [];
  hasExited = false;
  #status: GatewayStatus | null = null;

  constructor() {
    this.child = fork(join(import.meta.dirname, 'fixtures', 'gateway-process.ts'), {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    this.child.once('exit', () => {
      this.hasExited = true;
    });
    this.child.on('message', (message: { word: string; value: unknown }) => {
      if (message.word === 'event') this.events.push(message.value as Event);
      else if (message.word === 'line') this.lines.push(String(message.value));
      else this.#answers.push(message);
    });
  }

  get pid(): number {
    assert.ok(this.child.pid !== undefined);
    return this.child.pid;
  }

  async start(path: string, succeeds = false): Promise<void> {
    this.#send({ word: 'start', path, succeeds });
    await this.received(succeeds ? 'waiting' : 'start');
    if (!succeeds) await this.status();
  }

  /** Lets a gateway that waits for its predecessor adopt the applications. */
  async go(): Promise<void> {
    this.#send({ word: 'go' });
    await this.received('start');
    await this.status();
  }

  /** Tells the gateway that its predecessor will not roll back any more. */
  async settled(): Promise<void> {
    await this.#ask({ word: 'settled' });
  }

  async status(): Promise<GatewayStatus> {
    this.#status = (await this.#ask({ word: 'status' })) as GatewayStatus;
    return this.#status;
  }

  async handOff(successor: HandoffSuccessor): Promise<HandoffResult> {
    return (await this.#ask({ word: 'hand_off', successor })) as HandoffResult;
  }

  async rollBack(): Promise<boolean> {
    return (await this.#ask({ word: 'roll_back' })) === true;
  }

  async reload(): Promise<ReloadOutcome> {
    return (await this.#ask({ word: 'reload' })) as ReloadOutcome;
  }

  /** `leaveMs`: how long the detached applications wait for a successor. */
  async stop(leaveMs: number | null = null): Promise<void> {
    if (this.hasExited) return;
    await this.#ask({ word: 'stop', leaveMs });
    await until('the process has ended', () => this.hasExited, 30_000);
  }

  kill(): void {
    this.child.kill('SIGKILL');
  }

  /** The pid with which the application answers. */
  async get(path = '/'): Promise<string> {
    const address = this.#status?.listeners[0]?.address;
    const response = await fetch(`http://${address}${path}`);
    const text = await response.text();
    assert.equal(response.status, 200, text);
    return text;
  }

  eventsOf<K extends EventKind>(kind: K): Extract<Event, { kind: K }>[] {
    return this.events.filter((event): event is Extract<Event, { kind: K }> => event.kind === kind);
  }

  /** The value of the next message with that name; a failure fails the test. */
  async received(word: string): Promise<unknown> {
    const take = () => this.#answers.findIndex((answer) => answer.word === word || answer.word === 'failed');
    await until(`the process answers "${word}"`, () => take() !== -1 || this.hasExited, 30_000);
    const [answer] = take() === -1 ? [] : this.#answers.splice(take(), 1);
    assert.ok(answer !== undefined, `the process ended before it answered "${word}"`);
    if (answer.word === 'failed') throw Object.assign(new Error('it failed'), answer.value);
    return answer.value;
  }

  #ask(order: Readonly<Record<string, unknown>>): Promise<unknown> {
    this.#send(order);
    return this.received(String(order['word']));
  }

  #send(order: Readonly<Record<string, unknown>>): void {
    this.child.send(order);
  }
}
