import { connect, type Socket } from 'node:net';

/** The number of clients of each kind. */
export interface SlowClientSizes {
  /** Heads that come one line a second, and never end. */
  readonly heads: number;
  /** Bodies that come ten bytes a second. */
  readonly posts: number;
  /** Clients that read some 64 KiB of a large answer every five seconds. */
  readonly readers: number;
  /** Clients that read nothing of it. */
  readonly nonReaders: number;
  /** Idle connections that have carried a request. */
  readonly idle: number;
}

type SlowClientKind = keyof SlowClientSizes;

/** The state of one kind. */
interface SlowClientState {
  /** Open at this moment. */
  open: number;
  /** Closed by the gateway; each is opened again after a moment. */
  ended: number;
  /** Not connected again so far. */
  returning: number;
  /** Not opened: refused, or closed before anything was sent. */
  failed: number;
}

export type SlowClientReport = Readonly<Record<SlowClientKind, SlowClientState>>;

/** Slow and idle clients, from so many addresses of this machine that none has many connections. */
export class SlowClients {
  readonly report: Record<SlowClientKind, SlowClientState>;
  readonly #port: number;
  readonly #sockets = new Set<Socket>();
  readonly #timers = new Set<NodeJS.Timeout>();
  #count = 0;
  #disconnecting = false;

  constructor(port: number) {
    this.#port = port;
    const none = (): SlowClientState => ({ open: 0, ended: 0, returning: 0, failed: 0 });
    this.report = { heads: none(), posts: none(), readers: none(), nonReaders: none(), idle: none() };
  }

  /**
   * Opens all of them in so much time, evenly for each kind. Clients that the gateway disconnects at the same age come
   * back as evenly.
   */
  async connectAll(sizes: SlowClientSizes, spreadMs: number): Promise<void> {
    const planned = Object.entries(sizes).flatMap(([kind, size]) =>
      Array.from({ length: size }, (_, index) => ({ kind: kind as SlowClientKind, at: index / size })),
    );
    planned.sort((a, b) => a.at - b.at);
    const atOnce = Math.ceil((planned.length * everyMs) / Math.max(spreadMs, everyMs));
    for (let from = 0; from < planned.length; from += atOnce) {
      for (const { kind } of planned.slice(from, from + atOnce)) this.#open(kind);
      await new Promise((resolve) => setTimeout(resolve, everyMs));
    }
  }

  /** Closes all of them. */
  disconnectAll(): void {
    this.#disconnecting = true;
    for (const timer of this.#timers) clearTimeout(timer);
    for (const socket of this.#sockets) socket.resetAndDestroy();
    this.#disconnecting = this.#sockets.size > 0;
  }

  #open(kind: SlowClientKind, returns = false): void {
    const number = this.#count++;
    // 127.1.0.1 and on: none is an address of the normal clients.
    const localAddress = `127.1.${Math.floor(number / perAddress / 250) % 250}.${(Math.floor(number / perAddress) % 250) + 1}`;
    const socket = connect({ host: '127.0.0.1', port: this.#port, localAddress, noDelay: true });
    const state = this.report[kind];
    let sent = false;
    this.#sockets.add(socket);
    socket.on('error', () => {});
    socket.on('connect', () => {
      sent = true;
      state.open++;
      if (returns) state.returning--;
      this.#behave(kind, socket);
    });
    socket.on('close', () => {
      this.#sockets.delete(socket);
      if (sent) state.open--;
      if (this.#disconnecting) return;
      if (sent) state.ended++;
      else state.failed++;
      if (sent || !returns) state.returning++;
      this.#after(reconnectMs, () => this.#open(kind, true));
    });
  }

  #behave(kind: SlowClientKind, socket: Socket): void {
    switch (kind) {
      case 'heads':
        socket.write('GET /w/20/0 HTTP/1.1\r\nHost: crowd.test\r\n');
        this.#drip(socket, 'X-A: b\r\n');
        socket.resume();
        break;
      case 'posts':
        socket.write('POST /w/20/0 HTTP/1.1\r\nHost: crowd.test\r\nContent-Length: 1000000\r\n\r\n');
        this.#drip(socket, 'ten bytes');
        socket.resume();
        break;
      case 'readers':
        socket.write('GET /b/1000000000 HTTP/1.1\r\nHost: crowd.test\r\n\r\n');
        socket.on('data', () => {
          socket.pause();
          this.#after(5000, () => socket.resume());
        });
        break;
      case 'nonReaders':
        socket.write('GET /b/1000000000 HTTP/1.1\r\nHost: crowd.test\r\n\r\n');
        socket.pause();
        // A client that neither reads nor writes does not notice the end of its connection.
        this.#drip(socket, '\r\n', 3000);
        break;
      case 'idle':
        socket.write('GET /w/20/0 HTTP/1.1\r\nHost: crowd.test\r\n\r\n');
        socket.resume();
        break;
    }
  }

  #drip(socket: Socket, part: string, everyMs = 1000): void {
    this.#after(everyMs, () => {
      if (!socket.writable) return;
      socket.write(part);
      this.#drip(socket, part, everyMs);
    });
  }

  #after(ms: number, then: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      if (!this.#disconnecting) then();
    }, ms);
    this.#timers.add(timer);
  }
}

const everyMs = 50;
const perAddress = 100;
/** A client that was disconnected comes back after a moment. */
const reconnectMs = 500;
