import assert from 'node:assert/strict';
import { noCounts, type WorkerCounts } from '../../src/core/counters.ts';
import { Deadlines } from '../../src/core/deadline.ts';
import type { Failure } from '#failures/failure.ts';
import type { Snapshot } from '../../src/core/snapshot.ts';
import type { DownstreamHandler, DownstreamStream } from '../../src/core/stream.ts';
import { clientEngines } from '../../src/downstream/engines.ts';
import type { FailedHandshake, StartClientEngine } from '../../src/downstream/ports.ts';
import type { PrefaceStage } from '../../src/downstream/preface-stage.ts';
import { prefaceStages } from '../../src/downstream/preface-stages.ts';
import type { ListenerTls } from '../../src/core/listener-spec.ts';
import { tlsServer } from '../../src/transport/tls-server.ts';
import { systemClock, systemRandom } from '../../src/system/system.ts';
import { ByteWriter } from '../../src/wire/byte-writer.ts';
import { HeadStorage } from '../../src/wire/head-storage.ts';
import { ListenerHosts } from '../../src/worker/listener-hosts.ts';
import { WorkerListeners } from '../../src/worker/worker-listeners.ts';
import { defaultLimits } from '../exchange/world.ts';
import { openAdmission } from '../fakes/open-admission.ts';

/** Answers every path at once, except `/wait`, which it answers when the test says so or when the exchange fails. */
class Answering implements DownstreamHandler {
  readonly stream: DownstreamStream;
  readonly failures: Failure[] = [];
  /** The failure with which the request was refused. */
  refused: Failure | null = null;

  constructor(stream: DownstreamStream) {
    this.stream = stream;
  }

  onRequest(failure: Failure | null): void {
    this.refused = failure;
    if (failure !== null) this.answer(400, failure.cause);
    else if (this.stream.request.target !== '/wait') this.answer(200, this.stream.request.version);
  }

  answer(status: number, text: string): void {
    const body = Buffer.from(text);
    const framing = { kind: 'length', bytes: body.length } as const;
    const head = {
      status,
      reason: '',
      upgrade: null,
      priority: null,
      framing,
      contentLength: body.length,
      writeHeaders() {},
    };
    this.stream.respond(head);
    this.stream.sendBody(body, 0, body.length, 'owned');
    this.stream.endBody(null);
  }

  onRequestFailed(failure: Failure): void {
    this.failures.push(failure);
    if (failure.cause !== 'client_gone') this.answer(503, failure.cause);
  }

  onClientLost(failure: Failure): void {
    this.failures.push(failure);
  }

  onRequestBody(): void {}
  onRequestEnd(): void {}
  onTunnelDrained(): void {}
  readonly isQueued = false;
  onRequestReadDone(): void {}
  onClientRoom(): void {}
  onResponseSent(): void {}
}

export interface EngineListenerOptions {
  /** Runs after the PROXY protocol, before the first bytes choose the engine. */
  readonly stages: readonly PrefaceStage[];
  /** Engines beside HTTP/1.1. */
  readonly engines: readonly (readonly [protocol: string, start: StartClientEngine])[];
  readonly proxyProtocol?: boolean;
  readonly tls?: ListenerTls;
  readonly ticketKey?: Uint8Array;
  readonly headMs?: number;
}

/** One listener on a real socket, with the code of a worker. `Answering` handles its exchanges. */
export class EngineListener {
  readonly counts: WorkerCounts = noCounts(0);
  /** The handler of every exchange so far. */
  readonly handlers: Answering[] = [];
  readonly failedHandshakes: FailedHandshake[] = [];
  readonly listeners: WorkerListeners;
  address = { host: '127.0.0.1', port: 0 };
  connectionsMax = Infinity;
  permitsTaken = 0;
  readonly #options: EngineListenerOptions;

  constructor(options: EngineListenerOptions) {
    this.#options = options;
    const { engines } = clientEngines(
      { writer: new ByteWriter(), storage: new HeadStorage() },
      tlsServer(systemRandom),
    );
    const byProtocol = new Map([...options.engines, ...engines.byProtocol]);
    const [proxyProtocol, ...others] = prefaceStages(tlsServer(systemRandom), [...byProtocol.keys()]);
    this.listeners = new WorkerListeners({
      clock: systemClock,
      ...{ inheritedSockets: [], passedSockets: [], heldSockets: [], onStandInFailed() {}, onConnectionClosed() {} },
      admits: () => true,
      hosts: new ListenerHosts(tlsServer(systemRandom), options.ticketKey ?? new Uint8Array(48), {
        noteAsked: () => {},
        noteUsed: () => {},
      }),
      downstream: {
        prefaceStages: [proxyProtocol as PrefaceStage, ...options.stages, ...others],
        engines: { ...engines, byProtocol },
        onHttp2Limit() {},
        onHttp2Error() {},
        onHandshakeFailed: (failed) => void this.failedHandshakes.push(failed),
        ...{ clock: systemClock, deadlines: new Deadlines(systemClock), counts: this.counts },
        exchanges: { create: (stream) => this.#answer(stream) },
        ...{ overload: { failure: null }, isTrusted: (address) => address === '127.0.0.1', addressHeader: () => null },
        sendQueueBytes: { look() {} },
        admission: {
          ...openAdmission,
          acquire: () => (this.permitsTaken < this.connectionsMax ? String(++this.permitsTaken) : null),
          release: () => void this.permitsTaken--,
        },
      },
    });
  }

  #answer(stream: DownstreamStream): Answering {
    const handler = new Answering(stream);
    this.handlers.push(handler);
    return handler;
  }

  async open(): Promise<void> {
    const { proxyProtocol = false, tls = null, headMs = defaultLimits.headMs } = this.#options;
    const snapshot = {
      drain: { timeoutMs: 5000, lameDuckMs: 0, tunnels: 'wait' },
      listeners: [{ id: 'web', host: '127.0.0.1', port: 0, proxyProtocol, tls }],
      client: { ...defaultLimits, headMs },
    } as unknown as Snapshot;
    const fresh = await this.listeners.openNew(snapshot);
    this.listeners.admit(fresh, snapshot);
    this.address = { host: '127.0.0.1', port: fresh.listeners[0]?.port ?? assert.fail() };
  }

  /** Must be called when all clients are gone. */
  close(): void {
    this.listeners.drain(drainPlan);
    this.listeners.forceClose(true);
  }
}

export const drainPlan = { why: 'gateway_stopping', tunnels: 'wait', idleMs: 0, hasSuccessor: false } as const;
