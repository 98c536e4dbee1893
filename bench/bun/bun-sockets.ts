/** The part of Bun's sockets that the experiment uses, as version 1.4.4 has it. Its own types are no dependency of ours. */
export interface BunSockets {
  listen(options: ListenOptions): BunListener;
  connect(options: ConnectOptions): Promise<BunSocket>;
}

export interface BunSocket {
  /** Whoever hears of what happens to it. */
  data: SocketOwner;
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly localAddress: string;
  readonly localPort: number;
  /** Not documented; −1 once it is closed. */
  readonly fd: number;
  /** How many bytes the kernel has taken; −1 where the connection is gone. Nothing is kept for later. */
  write(bytes: Uint8Array, start: number, length: number): number;
  /** Sends FIN. */
  shutdown(): void;
  /** Closes both directions; not documented. */
  close(): void;
  /** Closes with RST. */
  terminate(): void;
  /** Not documented, as `resume`. */
  pause(): void;
  resume(): void;
}

export interface BunListener {
  readonly port: number;
  stop(closeConnections?: boolean): void;
}

/** What Bun calls for all sockets of a listener; each has its owner in `data`. */
export interface SocketHandlers {
  open(socket: BunSocket): void;
  data(socket: BunSocket, bytes: Uint8Array): void;
  end(socket: BunSocket): void;
  drain(socket: BunSocket): void;
  close(socket: BunSocket, error?: Error): void;
  error(socket: BunSocket, error: Error): void;
  connectError(socket: BunSocket, error: Error): void;
}

export interface SocketOwner {
  onOpen(socket: BunSocket): void;
  onBytes(bytes: Uint8Array): void;
  onEnd(): void;
  onDrain(): void;
  onClose(error: Error | null): void;
  onConnectError(error: Error): void;
}

interface ListenOptions {
  readonly hostname: string;
  readonly port: number;
  readonly allowHalfOpen: boolean;
  readonly socket: SocketHandlers;
}

type ConnectOptions = ({ readonly hostname: string; readonly port: number } | { readonly unix: string }) & {
  readonly allowHalfOpen: boolean;
  readonly data: SocketOwner;
  readonly socket: SocketHandlers;
};

/** Throws on any other runtime. */
export function bunSockets(): BunSockets {
  const { Bun: sockets } = globalThis as { readonly Bun?: BunSockets };
  if (sockets === undefined) throw new Error('this program runs on Bun');
  return sockets;
}

/** Each event goes to the socket's owner. */
export const ownerHandlers: Omit<SocketHandlers, 'open'> = {
  data: (socket, bytes) => socket.data.onBytes(bytes),
  end: (socket) => socket.data.onEnd(),
  drain: (socket) => socket.data.onDrain(),
  close: (socket, error) => socket.data.onClose(error ?? null),
  // What a handler of ours throws comes here too, and is a defect: it must not pass for something of the network.
  error: (_socket, error) => {
    throw error;
  },
  connectError: (socket, error) => socket.data.onConnectError(error),
};
