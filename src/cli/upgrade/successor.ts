import type { HandedOff } from '../../control/gateway-options.ts';
import { identityOf } from '../../deploy/process-identity.ts';
import type { UpgradeFailure } from '../../admin/upgrader.ts';
import { CommandFailure } from '../command-failure.ts';
import {
  type FromSuccessor,
  type PredecessorFacts,
  parsePredecessor,
  predecessorVariable,
  readStates,
  type ToSuccessor,
} from './handoff-messages.ts';
import type { EventSink } from '../../core/event.ts';
import type { FeatureStates } from '../../core/feature.ts';

/** The channel to the process that started this one. */
interface ParentChannel {
  readonly connected: boolean;
  /** Resolves when the message is sent, or cannot be sent. */
  send(message: FromSuccessor): Promise<void>;
  onMessage(listener: (message: unknown) => void): void;
  onDisconnect(listener: () => void): void;
}

/**
 * The successor's side of an upgrade: this process was started by the gateway that it replaces. If that gateway dies
 * meanwhile, there is nothing to wait for, and this process continues as if it had been started without a predecessor.
 */
export class PredecessorConnection {
  readonly facts: PredecessorFacts;
  readonly #channel: ParentChannel;
  readonly #handedOff = Promise.withResolvers<HandedOff>();
  readonly #settled = Promise.withResolvers<void>();
  readonly #ended = Promise.withResolvers<void>();
  #counted: (states: FeatureStates) => void = () => {};
  #isSettled = false;
  #predecessorDied = false;

  constructor(predecessor: PredecessorFacts, channel: ParentChannel) {
    this.facts = predecessor;
    this.#channel = channel;
    // The rejection may come before `takeOver` waits for it, and must not be unhandled then.
    this.#handedOff.promise.catch(() => {});
    const disconnected = (): void => {
      this.#predecessorDied = !this.#isSettled;
      this.#handedOff.resolve(handedOff({}));
      this.#settle();
      this.#ended.resolve();
    };
    channel.onDisconnect(disconnected);
    // The predecessor may have died while this program was loading, so that the event came before there was a listener.
    if (!channel.connected) disconnected();
    channel.onMessage((message) => {
      const { kind, ...more } = (message ?? {}) as Partial<ToSuccessor>;
      if (kind === 'yours') this.#handedOff.resolve(handedOff(more));
      if (kind === 'never') {
        this.#handedOff.reject(refusedByPredecessor());
        void this.#send({ kind: 'ends' });
      }
      if (kind === 'farewell') this.#settle();
      if (kind === 'counted') this.#counted(readStates(more.features));
    });
  }

  /** Resolves when the predecessor certainly leaves, or is dead. Until then it may roll back the handoff. */
  get settled(): Promise<void> {
    return this.#settled.promise;
  }

  get isSettled(): boolean {
    return this.#isSettled;
  }

  /** The predecessor ended before it sent 'farewell'. */
  get predecessorDied(): boolean {
    return this.#predecessorDied;
  }

  /** Resolves when the predecessor has ended. It keeps the channel open as long as it lives. */
  get predecessorEnded(): Promise<void> {
    return this.#ended.promise;
  }

  /** What the predecessor counts while this process serves already. */
  onCounted(listener: (states: FeatureStates) => void): void {
    this.#counted = listener;
  }

  step(step: 'reading_configuration' | 'listening'): void {
    void this.#send({ kind: 'step', step });
  }

  /**
   * Asks for what the predecessor owns. Resolves when it has been released, or the predecessor is dead; rejects if the
   * predecessor refuses.
   */
  async takeOver(stateFolder: string | null): Promise<HandedOff> {
    void this.#send({ kind: 'wants', stateFolder });
    return this.#handedOff.promise;
  }

  /** Reports that this process serves. */
  ready(): void {
    void this.#send({ kind: 'ready' });
  }

  /** Reports the failure with which this process is about to end. */
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

/** A predecessor of another version may send no key and no states, or anything. */
function handedOff(more: object): HandedOff {
  const { ticketKey, ticketKeyAgeMs, features } = more as Record<string, unknown>;
  return {
    ticketKey: typeof ticketKey === 'string' ? new Uint8Array(Buffer.from(ticketKey, 'base64')) : null,
    ticketKeyAgeMs: typeof ticketKeyAgeMs === 'number' ? ticketKeyAgeMs : 0,
    features: readStates(features),
  };
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

/**
 * Connects to the predecessor if this process is a successor. Removes the variable from the environment, so that no other
 * process reads it.
 */
export function connectToPredecessor(own: NodeJS.Process): PredecessorConnection | null {
  const written = own.env[predecessorVariable];
  if (written === undefined) return null;
  delete own.env[predecessorVariable];
  const predecessor = parsePredecessor(written);
  // The variable may have been set by hand, or passed on by a program in between. A child whose parent has died gets another
  // parent.
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
    // A message that cannot be sent to a dead process does not matter.
    send: (message) => new Promise((resolve) => void own.send?.(message, undefined, undefined, () => resolve())),
    onMessage: (listener) => void own.on('message', listener),
    onDisconnect: (listener) => void own.once('disconnect', listener),
  });
}

/**
 * Emits an event about the upgrade, and who asked for it. The events of the predecessor are lost with that process. Waits
 * until the predecessor certainly leaves.
 */
export async function reportTakeover(
  connection: PredecessorConnection,
  events: EventSink,
  version: string,
): Promise<void> {
  await connection.settled;
  const { pid: predecessor, version: from, actor = 'gateway' } = connection.facts;
  const how = connection.predecessorDied ? ', which ended before the handoff was complete' : '';
  events.emit({
    kind: 'upgrade_taken_over',
    subject: 'gateway',
    reason: `this process, candor ${version}, has replaced process ${predecessor}, candor ${from}${how}`,
    evidence: { predecessor, pid: process.pid, from, version },
    actor: typeof actor === 'string' ? actor : 'gateway',
  });
}

/** Runs a command. If it fails, sends the reason to the predecessor before this process ends. */
export async function reportingToPredecessor(
  predecessor: PredecessorConnection | null,
  command: () => Promise<number>,
): Promise<number> {
  try {
    return await command();
  } catch (error) {
    await predecessor?.failed(error);
    throw error;
  }
}
