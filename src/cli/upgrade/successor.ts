import { identityOf } from '../../deploy/process-identity.ts';
import type { UpgradeFailure } from '../../admin/upgrader.ts';
import { CommandFailure } from '../command-failure.ts';
import {
  type FromSuccessor,
  type PredecessorFacts,
  parsePredecessor,
  predecessorVariable,
  type ToSuccessor,
} from './handoff-messages.ts';

/** What this process has of the channel to the one that started it. */
export interface ParentChannel {
  readonly connected: boolean;
  /** Resolves when it is sent, or cannot be. */
  send(message: FromSuccessor): Promise<void>;
  onMessage(listener: (message: unknown) => void): void;
  onDisconnect(listener: () => void): void;
}

/**
 * The side of the one that comes: this process was started by a gateway whose place it is to take. Should that gateway
 * die over it, nothing is left to wait for, and this one goes on as if it had been started by itself.
 */
export class PredecessorConnection {
  readonly facts: PredecessorFacts;
  readonly #channel: ParentChannel;
  readonly #handedOff = Promise.withResolvers<void>();
  readonly #settled = Promise.withResolvers<void>();
  readonly #ended = Promise.withResolvers<void>();
  #isSettled = false;
  #predecessorDied = false;

  constructor(predecessor: PredecessorFacts, channel: ParentChannel) {
    this.facts = predecessor;
    this.#channel = channel;
    // Heard before anybody waits for it, it is heard by whoever waits then.
    this.#handedOff.promise.catch(() => {});
    const disconnected = (): void => {
      this.#predecessorDied = !this.#isSettled;
      this.#handedOff.resolve();
      this.#settle();
      this.#ended.resolve();
    };
    channel.onDisconnect(disconnected);
    // A predecessor that died while this program was loading: the event came before there was a listener.
    if (!channel.connected) disconnected();
    channel.onMessage((message) => {
      const { kind } = (message ?? {}) as Partial<ToSuccessor>;
      if (kind === 'yours') this.#handedOff.resolve();
      if (kind === 'never') {
        this.#handedOff.reject(refusedByPredecessor());
        void this.#send({ kind: 'ends' });
      }
      if (kind === 'farewell') this.#settle();
    });
  }

  /** Resolves when the predecessor leaves for good, or is dead. Until then it may take back what it has handed over. */
  get settled(): Promise<void> {
    return this.#settled.promise;
  }

  get isSettled(): boolean {
    return this.#isSettled;
  }

  /** It ended before it could say that it leaves. */
  get predecessorDied(): boolean {
    return this.#predecessorDied;
  }

  /** Resolves when the predecessor has ended: it keeps the channel open as long as it lives. */
  get predecessorEnded(): Promise<void> {
    return this.#ended.promise;
  }

  step(step: 'reading_configuration' | 'listening'): void {
    void this.#send({ kind: 'step', step });
  }

  /** Asks for what the predecessor owns. Resolves when it has let go, or is dead; rejects where it does not let go. */
  async takeOver(stateFolder: string | null): Promise<void> {
    void this.#send({ kind: 'wants', stateFolder });
    await this.#handedOff.promise;
  }

  /** This process serves. */
  ready(): void {
    void this.#send({ kind: 'ready' });
  }

  /** This process is about to end with what it cannot go on from. */
  failed(error: unknown): Promise<void> {
    return this.#send({ kind: 'failed', failure: failureOf(error) });
  }

  #settle(): void {
    this.#isSettled = true;
    this.#settled.resolve();
  }

  async #send(message: FromSuccessor): Promise<void> {
    if (this.#channel.connected) await this.#channel.send(message);
  }
}

function refusedByPredecessor(): CommandFailure {
  return new CommandFailure(
    'failure',
    'The gateway that this process was to replace hands nothing off. Nothing has changed.',
  );
}

function failureOf(error: unknown): UpgradeFailure {
  if (!(error instanceof CommandFailure)) {
    const why = 'The new process made a mistake; its messages are in the standard error of the gateway.';
    return { ok: false, kind: 'failure', reason: why, errors: [] };
  }
  const kind = error.exit === 'validation_failed' ? error.exit : 'failure';
  return { ok: false, kind, reason: error.message, errors: error.errors };
}

/** Whether this process is to succeed another, and which. Its environment is cleared of it: nobody else is to read that. */
export function connectToPredecessor(own: NodeJS.Process): PredecessorConnection | null {
  const written = own.env[predecessorVariable];
  if (written === undefined) return null;
  delete own.env[predecessorVariable];
  const predecessor = parsePredecessor(written);
  // Set by hand, or passed on by a program between the two. A child whose parent has died gets another one.
  const isParent = predecessor?.pid === own.ppid || (predecessor !== null && identityOf(predecessor.pid) === null);
  if (predecessor === null || !isParent || own.send === undefined)
    throw new CommandFailure(
      'usage',
      `${predecessorVariable} is set, but this process was not started by the gateway that it would replace.`,
    );
  return new PredecessorConnection(predecessor, {
    get connected() {
      return own.connected;
    },
    // What cannot be said to a process that has died does not matter.
    send: (message) => new Promise((resolve) => void own.send?.(message, undefined, undefined, () => resolve())),
    onMessage: (listener) => void own.on('message', listener),
    onDisconnect: (listener) => void own.once('disconnect', listener),
  });
}
