import type { ChildProcess } from 'node:child_process';
import { constants } from 'node:os';
import type { UpgradeFailure, UpgradeOutcome, Upgrader, UpgradeStep } from '../../admin/upgrader.ts';
import type { EventSink } from '../../core/event.ts';
import { after, type Clock, type Timer } from '../../core/time.ts';
import type { FeatureStates } from '../../core/feature.ts';
import { type FromSuccessor, readFromSuccessor, type ToSuccessor, writtenStates } from './handoff-messages.ts';

/** The part of an upgrade that the predecessor's gateway does. */
export interface ProcessHandoff {
  /** Why no upgrade is possible now; null if one is. */
  refusal(): string | null;
  /**
   * Releases for the successor what only one process can own: the state folder and the applications. The gateway continues
   * to serve. Resolves with a sentence if it failed.
   */
  handOff(successor: { readonly pid: number; readonly stateFolder: string | null }): Promise<string | null>;
  /** The key of TLS session tickets, which the successor goes on with. */
  ticketKey(): { readonly key: Uint8Array; readonly ageMs: number };
  /** What the parts of features go on with in the successor. */
  featureStates(): FeatureStates;
  /** What has come since, while the successor serves already. */
  moreFeatureStates(): FeatureStates;
  /** The successor has ended: takes back what was released. Resolves with a sentence if something could not be taken back. */
  rollBack(): Promise<string | null>;
  /** The successor serves: a rollback is no longer possible. */
  complete(): void;
}

interface UpgradesParts {
  readonly clock: Clock;
  readonly events: EventSink;
  readonly handoff: ProcessHandoff;
  /** Starts the successor with a channel to this process. `actor`: who asked for the upgrade. */
  readonly start: (actor: string) => ChildProcess;
}

/** A failed successor may stop in order, since it may have begun to serve, but only for this long. */
const terminateMs = 5_000;

/** A successor that has not answered 'ends' by then is frozen or still loading, so it serves no requests that could finish. */
const endingAnswerMs = 500;

/** A process that has been replaced tells what it still counts, until the last requests of its connections have come (`lastRequestMs`). */
const countsEveryMs = [...Array<number>(10).fill(100), ...Array<number>(10).fill(500)];

/** A rollback writes a few small files. A disk that hangs must not delay the answer to the requester. */
const rollBackMs = 5_000;

/**
 * The predecessor's side of an upgrade. Only one upgrade can run at a time. Until the successor has taken over, a failure
 * leaves this process as it was.
 */
export class Upgrades implements Upgrader {
  readonly #parts: UpgradesParts;
  readonly #handedOff = Promise.withResolvers<number>();
  #connection: SuccessorConnection | null = null;
  #running: Promise<unknown> = Promise.resolve();
  #handingOff: Promise<unknown> = Promise.resolve();
  #isOver = false;

  constructor(parts: UpgradesParts) {
    this.#parts = parts;
  }

  /** Resolves with the pid of the process that has taken over. */
  get handedOff(): Promise<number> {
    return this.#handedOff.promise;
  }

  /** The process that has taken over; null while there is none. */
  get successor(): SuccessorProcess | null {
    return this.#isOver ? (this.#connection?.process ?? null) : null;
  }

  /** A successor has been started, and it is not decided yet which of the two processes will serve. */
  get isUnderWay(): boolean {
    return this.#connection !== null;
  }

  async upgrade(
    actor: string,
    timeoutMs: number,
    onStep: (step: UpgradeStep, pid: number) => void,
  ): Promise<UpgradeOutcome> {
    const problem = this.#refusal();
    if (problem !== null) return failed('refused', problem);
    const line = this.#startSuccessor(actor, timeoutMs);
    if (!(line instanceof SuccessorConnection)) return line;
    this.#connection = line;
    const outcome = this.#run(line, actor, onStep);
    this.#running = outcome;
    return outcome;
  }

  async #run(
    line: SuccessorConnection,
    actor: string,
    onStep: (step: UpgradeStep, pid: number) => void,
  ): Promise<UpgradeOutcome> {
    const { clock, events } = this.#parts;
    const beganAt = clock.now();
    const { pid } = line;
    const reason = `process ${pid} takes over`;
    events.emit({ kind: 'upgrade_started', subject: 'gateway', reason, evidence: { pid }, actor });
    const failure = await this.#follow(line, onStep).catch(defectFailure);
    if (failure !== null) return this.#fail(line, actor, failure);
    this.#isOver = true;
    this.#parts.handoff.complete();
    line.send({ kind: 'farewell' });
    line.detach();
    this.#sendCounts(line, countsEveryMs);
    const afterMs = Math.round(clock.now() - beganAt);
    const done = `process ${pid} has taken over; this process finishes requests in flight`;
    events.emit({ kind: 'upgrade_done', subject: 'gateway', reason: done, evidence: { pid, afterMs }, actor });
    onStep('draining', pid);
    this.#handedOff.resolve(pid);
    return { ok: true, pid };
  }

  /** This process has counted until now, and goes on while connections that it has accepted send requests. */
  #sendCounts(line: SuccessorConnection, [delayMs, ...left]: readonly number[]): void {
    if (!line.isOpen) return;
    const states = this.#parts.handoff.moreFeatureStates();
    if (Object.keys(states).length > 0) line.send({ kind: 'counted', features: writtenStates(states) });
    const { clock } = this.#parts;
    if (delayMs !== undefined)
      clock.schedule(after(clock.now(), delayMs), (own: Upgrades) => own.#sendCounts(line, left), this as Upgrades);
  }

  /** The upgrade failed. Restores the state before it, or says in the outcome what could not be restored. */
  async #fail(line: SuccessorConnection, actor: string, failure: UpgradeFailure): Promise<UpgradeFailure> {
    await line.end();
    const left = await this.#rollBack();
    const why = left === null ? failure.reason : `${failure.reason} ${left}`;
    const { errors } = failure;
    const kind = this.#isOver ? 'stopping' : failure.kind;
    const evidence = { pid: line.pid, reason: why, errors };
    const reason = `${kind === 'stopping' ? 'the upgrade was abandoned' : 'the old process continues'}: ${why}`;
    this.#parts.events.emit({ kind: 'upgrade_failed', subject: 'gateway', reason, evidence, actor });
    return { ok: false, kind, reason: why, errors };
  }

  /** Resolves with a sentence if the rollback is not complete. No other upgrade can start until it is. */
  #rollBack(): Promise<string | null> {
    const { clock, handoff } = this.#parts;
    const takingBack = this.#handingOff
      .then(() => handoff.rollBack())
      .catch((error) => defectFailure(error).reason)
      .finally(() => {
        this.#connection = null;
      });
    const late = Promise.withResolvers<string>();
    const timer = clock.schedule(
      after(clock.now(), rollBackMs),
      (late: PromiseWithResolvers<string>) => late.resolve('The handoff is not rolled back yet.'),
      late,
    );
    return Promise.race([takingBack, late.promise]).finally(() => timer.cancel());
  }

  /** This process must stop for another reason. A successor that does not serve yet ends first; resolves when it has. */
  async abandon(why: string): Promise<void> {
    this.#isOver = true;
    // A successor that survives this and owns nothing must not mistake the end of this process for a crash, and take over.
    this.#connection?.send({ kind: 'never' });
    this.#connection?.fail(failed('stopping', `The gateway is stopping: ${why}.`));
    await this.#running.catch(() => {});
  }

  #refusal(): string | null {
    if (this.#connection !== null) return 'Another upgrade is in progress.';
    if (this.#isOver) return 'This gateway is stopping.';
    return this.#parts.handoff.refusal();
  }

  #startSuccessor(actor: string, timeoutMs: number): SuccessorConnection | UpgradeFailure {
    try {
      const child = this.#parts.start(actor);
      if (child.pid !== undefined) return new SuccessorConnection(child, child.pid, timeoutMs, this.#parts.clock);
      child.once('error', () => {});
    } catch {
      // Handled like a child without a pid: the system could not start it.
    }
    return failed(
      'failure',
      'The new process could not be started: the system has no free process, or the program is missing.',
    );
  }

  /** Null if the successor has taken over. */
  async #follow(
    line: SuccessorConnection,
    onStep: (step: UpgradeStep, pid: number) => void,
  ): Promise<UpgradeFailure | null> {
    onStep('starting', line.pid);
    for (;;) {
      const said = await line.next();
      switch (said.kind) {
        case 'step':
          onStep(said.step, line.pid);
          break;
        case 'wants': {
          const failure = await this.#handOff(line, said.stateFolder);
          if (failure !== null) return failure;
          line.send({ kind: 'yours', ...handedOver(this.#parts.handoff) });
          break;
        }
        case 'ready':
          onStep('ready', line.pid);
          return null;
        case 'ends':
          break;
        case 'failed':
          return said.failure;
      }
    }
  }

  /** Null if the handoff succeeded. A disk that hangs cannot block it for longer than the upgrade's time limit. */
  #handOff(line: SuccessorConnection, stateFolder: string | null): Promise<UpgradeFailure | null> {
    const releasing = this.#parts.handoff
      .handOff({ pid: line.pid, stateFolder })
      .then((why) => (why === null ? null : failed('failure', why)), defectFailure);
    this.#handingOff = releasing;
    return Promise.race([releasing, line.failed]);
  }
}

function handedOver(handoff: ProcessHandoff): Omit<ToSuccessor, 'kind'> {
  const { key, ageMs } = handoff.ticketKey();
  const features = writtenStates(handoff.featureStates());
  return { ticketKey: Buffer.from(key).toString('base64'), ticketKeyAgeMs: ageMs, features };
}

function failed(kind: UpgradeFailure['kind'], why: string): UpgradeFailure {
  return { ok: false, kind, reason: why, errors: [] };
}

/** An unexpected error fails the upgrade, and nothing else. */
function defectFailure(error: unknown): UpgradeFailure {
  const said = error instanceof Error ? error.message.split('\n', 1)[0] : String(error);
  return failed('failure', `The gateway made a mistake: ${said}. This is a defect; please report it.`);
}

/** A successor that serves. It is a child of this process. */
export interface SuccessorProcess {
  readonly pid: number;
  /** Closes the channel, so that the successor knows that this process has drained, although the process stays. */
  hangUp(): void;
  signal(signal: NodeJS.Signals): void;
  /** Resolves with the exit code, as a shell would have it. Keeps this process running until then. */
  untilEnded(): Promise<number>;
}

/** Receives the messages of a successor, in order. Its exit and the time limit count as 'failed' messages. */
class SuccessorConnection {
  readonly pid: number;
  readonly #child: ChildProcess;
  readonly #clock: Clock;
  readonly #received: FromSuccessor[] = [];
  readonly #timer: Timer;
  #wake: (() => void) | null = null;
  #isEnding = false;
  readonly #failed = Promise.withResolvers<UpgradeFailure>();
  readonly #exited = Promise.withResolvers<void>();

  constructor(child: ChildProcess, pid: number, timeoutMs: number, clock: Clock) {
    this.pid = pid;
    this.#child = child;
    this.#clock = clock;
    const late = failed('timeout', `The new process (${pid}) has not taken over within ${timeoutMs / 1000} s.`);
    this.#timer = clock.schedule(
      after(clock.now(), timeoutMs),
      (line: SuccessorConnection) => line.fail(late),
      this as SuccessorConnection,
    );
    child.on('message', (message) => {
      const said = readFromSuccessor(message);
      if (said?.kind === 'ends') this.#isEnding = true;
      if (said !== null) this.#receive(said);
    });
    child.on('error', () => {}); // a message that could not be sent; the exit event follows
    child.once('exit', (code, signal) => {
      this.#exited.resolve();
      // Its last messages may still be on their way.
      if (child.connected) child.once('disconnect', () => this.#ended(code, signal));
      else this.#ended(code, signal);
    });
  }

  #ended(code: number | null, signal: string | null): void {
    const how = signal === null ? `with exit code ${code}` : `by ${signal}`;
    const where = 'its messages are in the standard error of the gateway';
    this.fail(failed('failure', `The new process (${this.pid}) ended ${how} before it took over; ${where}.`));
  }

  /** Waits for the next message. */
  async next(): Promise<FromSuccessor> {
    for (;;) {
      const said = this.#received.shift();
      if (said !== undefined) return said;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  get isOpen(): boolean {
    return this.#child.connected;
  }

  send(message: ToSuccessor): void {
    if (this.#child.connected) this.#child.send(message, () => {});
  }

  /** Resolves with the failure as soon as the upgrade has failed, even if unread messages come before it. */
  get failed(): Promise<UpgradeFailure> {
    return this.#failed.promise;
  }

  fail(failure: UpgradeFailure): void {
    this.#failed.resolve(failure);
    this.#receive({ kind: 'failed', failure });
  }

  get process(): SuccessorProcess {
    const child = this.#child;
    return {
      pid: this.pid,
      hangUp: () => {
        if (child.connected) child.disconnect();
      },
      signal: (signal) => void child.kill(signal),
      untilEnded: () =>
        new Promise((resolve) => {
          const end = (): void => resolve(child.exitCode ?? 128 + constants.signals[child.signalCode ?? 'SIGKILL']);
          if (child.exitCode !== null || child.signalCode !== null) return end();
          child.ref();
          child.once('exit', end);
        }),
    };
  }

  /** Stops watching the successor. The channel stays open, so that the successor sees when this process ends. */
  detach(): void {
    this.#timer.cancel();
    this.#child.removeAllListeners();
    this.#child.on('error', () => {});
    this.#child.unref();
    this.#child.channel?.unref();
  }

  /** Ends the successor, in order if it can. Resolves when it has ended. */
  async end(): Promise<void> {
    this.#timer.cancel();
    this.send({ kind: 'never' });
    this.#child.kill('SIGTERM');
    const now = this.#clock.now();
    const kills = [
      this.#clock.schedule(
        after(now, endingAnswerMs),
        (line: SuccessorConnection) => line.killIfSilent(),
        this as SuccessorConnection,
      ),
      this.#clock.schedule(after(now, terminateMs), (child: ChildProcess) => child.kill('SIGKILL'), this.#child),
    ];
    await this.#exited.promise;
    for (const kill of kills) kill.cancel();
  }

  /** Called by the timer of `end`. */
  killIfSilent(): void {
    if (!this.#isEnding) this.#child.kill('SIGKILL');
  }

  #receive(said: FromSuccessor): void {
    this.#received.push(said);
    this.#wake?.();
    this.#wake = null;
  }
}
