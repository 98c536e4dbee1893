import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

/** What is between the gateway and an endpoint does to connections. */
interface RelayBehaviour {
  /** Each direction is late by this time. */
  readonly delayMs?: number;
  /** Connections end so long after a request has come without a byte of its response. */
  readonly cutAfterMs?: number;
  /** Connections that were idle for so long pass nothing any more, and tell no side. */
  readonly forgetsAfterMs?: number;
  /** Nothing passes. */
  readonly passesNothing?: true;
  /** A direction stops after so many bytes of a response. */
  readonly responseBytesMax?: number;
  /** A request stops after so many bytes. */
  readonly requestBytesMax?: number;
  /** The share of the slices of both directions that are lost, and come by so much later; what follows waits for them. */
  readonly lossShare?: number;
  readonly lossMs?: number;
  /** The share of the slices of requests in place of which the connection is reset. */
  readonly resetShare?: number;
  /** The share of requests that the relay answers itself, with these bytes. */
  readonly answerShare?: number;
  readonly answer?: string;
  /** The share of connections, those that are open too, on which nothing passes. */
  readonly silentShare?: number;
  /** New connections are closed at once. */
  readonly refuses?: true;
}

/** A proxy or a network between the gateway and an endpoint, in the process of the play. */
export class Relay {
  behaviour: RelayBehaviour = {};
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(to: number) {
    this.#server = createServer((near) => this.#pass(near, to));
  }

  static async start(port: number, to: number): Promise<Relay> {
    const relay = new Relay(to);
    relay.#server.listen(port, '127.0.0.1');
    await once(relay.#server, 'listening');
    return relay;
  }

  stop(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  #pass(near: Socket, to: number): void {
    if (this.behaviour.refuses === true) return void near.resetAndDestroy();
    const far = connect(to, '127.0.0.1');
    const path = Math.random();
    const state = {
      activeAt: Date.now(),
      isForgotten: false,
      requestBytes: 0,
      responseBytes: 0,
      timer: undefined as NodeJS.Timeout | undefined,
    };
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      this.#sockets.add(one);
      one.on('error', () => other.destroy());
      one.on('end', () => !state.isForgotten && other.end());
      one.on('close', () => {
        this.#sockets.delete(one);
        clearTimeout(state.timer);
        if (!state.isForgotten) other.destroy();
      });
    }
    near.on('data', (bytes: Buffer) => {
      const { forgetsAfterMs, resetShare = 0, answerShare = 0, answer = '', cutAfterMs } = this.behaviour;
      if (forgetsAfterMs !== undefined && Date.now() - state.activeAt > forgetsAfterMs) state.isForgotten = true;
      if (state.isForgotten || path < (this.behaviour.silentShare ?? 0)) return;
      state.activeAt = Date.now();
      state.responseBytes = 0;
      if (Math.random() < resetShare) return void near.resetAndDestroy();
      if (Math.random() < answerShare) return void near.end(answer);
      clearTimeout(state.timer);
      if (cutAfterMs !== undefined) state.timer = setTimeout(() => near.destroy(), cutAfterMs);
      const left = (this.behaviour.requestBytesMax ?? Number.POSITIVE_INFINITY) - state.requestBytes;
      state.requestBytes += bytes.length;
      if (left > 0) this.#forward(near, far, bytes.subarray(0, left));
    });
    far.on('data', (bytes: Buffer) => {
      clearTimeout(state.timer);
      state.activeAt = Date.now();
      const left = (this.behaviour.responseBytesMax ?? Number.POSITIVE_INFINITY) - state.responseBytes;
      state.responseBytes += bytes.length;
      state.requestBytes = 0;
      if (state.isForgotten || left <= 0) return;
      this.#forward(far, near, left < bytes.length ? bytes.subarray(0, left) : bytes);
    });
  }

  #forward(from: Socket, socket: Socket, bytes: Buffer): void {
    if (this.behaviour.passesNothing === true) return;
    const { delayMs = 0, lossShare = 0, lossMs = 0 } = this.behaviour;
    if (Math.random() < lossShare) {
      from.pause();
      setTimeout(() => {
        socket.write(bytes);
        from.resume();
      }, lossMs);
    } else if (delayMs === 0) socket.write(bytes);
    else setTimeout(() => socket.write(bytes), delayMs);
  }
}
