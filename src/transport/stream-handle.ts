/**
 * libuv's handle of a connection, which Node's own sockets are built on, without streams and events above it.
 *
 * Node does not document it. So it is used in few places, behind `streamInternals`, which checks every member first; where
 * one is missing, Candor does not start.
 */
export interface StreamHandle {
  readonly fd: number;
  /** Bytes that the kernel has not accepted yet. */
  readonly writeQueueSize: number;
  /** Called with the handle as `this`; the buffer that it returns is read into from then on. */
  onread: (this: StreamHandle) => Uint8Array | undefined;
  /** Ours: for `onread` and the callbacks. */
  owner: HandleOwner;
  /** Takes encrypted bytes that were read past it. Absent where bytes are what they mean. */
  receive?(bytes: Uint8Array): void;
  useUserBuffer(buffer: Uint8Array): void;
  readStart(): number;
  readStop(): number;
  /** 0: sent; below 0: an error; an object: a part is pending, whose `oncomplete` will be called. */
  writeBuffer(request: null, bytes: Uint8Array): number | WriteRequest;
  shutdown(request: ShutdownRequest): number;
  reset(onClosed: (this: StreamHandle) => void): number;
  close(onClosed?: (this: StreamHandle) => void): void;
  getpeername(into: EndPoint): number;
  getsockname(into: EndPoint): number;
  setNoDelay(on: boolean): number;
}

/** Receives the events of a handle. */
export interface HandleOwner {
  onHandleRead(bytesOrError: number): Uint8Array | undefined;
  onHandleWritten(status: number): void;
  onHandleShut(): void;
  onHandleClosed(): void;
  /** A write that the owner does not wait for has failed: nothing more can be sent. */
  onHandleFailed(status: number): void;
}

export interface EndPoint {
  address?: string | undefined;
  port?: number | undefined;
}

export interface WriteRequest {
  handle: StreamHandle;
  /** Keeps the bytes alive until the kernel has accepted them. */
  buffer: Uint8Array;
  oncomplete: (this: WriteRequest, status: number) => void;
  /** Not null where it was completed before a callback was set. */
  writeStatus: number | null;
}

export interface ShutdownRequest {
  handle: StreamHandle;
  /** Absent: nobody is called. */
  oncomplete: ((this: ShutdownRequest) => void) | undefined;
  /** The connection closes once every byte is with the kernel; what the peer still sends does not matter. */
  closes?: boolean;
}

/** A handle that is not connected yet. Each call returns 0, or below 0 an error, after which the request is not answered. */
interface UnconnectedHandle extends StreamHandle {
  /** To an IPv4 address. */
  connect(request: ConnectRequest, address: string, port: number): number;
  connect6(request: ConnectRequest, address: string, port: number): number;
}

interface UnconnectedPipe extends StreamHandle {
  connect(request: ConnectRequest, path: string): number;
}

export interface ConnectRequest {
  owner: { onHandleConnected(status: number): void };
  /** Called once, also where the handle has been closed in between. */
  oncomplete: (this: ConnectRequest, status: number) => void;
}

interface StreamInternals {
  readonly TCP: new (type: number) => UnconnectedHandle;
  readonly TCPConnectWrap: new () => ConnectRequest;
  readonly Pipe: new (type: number) => UnconnectedPipe;
  readonly PipeConnectWrap: new () => ConnectRequest;
  readonly ShutdownWrap: new () => ShutdownRequest;
  /** The results of the last call. */
  readonly streamBaseState: ArrayLike<number>;
  readonly kReadBytesOrError: number;
  readonly kLastWriteErr: number;
}

const handleMethods = [
  ...['useUserBuffer', 'readStart', 'readStop', 'writeBuffer', 'shutdown', 'reset', 'close'],
  ...['getpeername', 'getsockname', 'setNoDelay'],
];

export const streamInternals: StreamInternals = findInternals(nodeBinding);

/** The internals that `binding` returns. Throws a sentence for people where one of them is missing. */
export function findInternals(binding: (name: string) => unknown): StreamInternals {
  const streams = internalsOf(binding, 'stream_wrap') as Partial<StreamInternals>;
  const tcp = internalsOf(binding, 'tcp_wrap') as Partial<StreamInternals>;
  const pipes = internalsOf(binding, 'pipe_wrap') as Partial<StreamInternals>;
  if (
    typeof streams.ShutdownWrap !== 'function' ||
    typeof streams.streamBaseState?.length !== 'number' ||
    typeof streams.kReadBytesOrError !== 'number' ||
    typeof streams.kLastWriteErr !== 'number'
  )
    throw otherInternals('streams');
  const { TCP, TCPConnectWrap } = tcp;
  const { Pipe, PipeConnectWrap } = pipes;
  requireMembers(TCP?.prototype, ['writeQueueSize', 'onread', 'connect', 'connect6', ...handleMethods], 'connections');
  requireMembers(Pipe?.prototype, ['connect'], 'unix sockets');
  if (typeof TCPConnectWrap !== 'function' || typeof PipeConnectWrap !== 'function')
    throw otherInternals('connections (requests)');
  const { ShutdownWrap, streamBaseState, kReadBytesOrError, kLastWriteErr } = streams as StreamInternals;
  const known = { ShutdownWrap, streamBaseState, kReadBytesOrError, kLastWriteErr };
  return { ...known, TCP, TCPConnectWrap, Pipe, PipeConnectWrap } as StreamInternals;
}

export function internalsOf(binding: (name: string) => unknown, name: string): object {
  try {
    return (binding(name) ?? {}) as object;
  } catch (error) {
    // Node's permission model keeps them from programs.
    const why = error instanceof Error ? error.message : String(error);
    throw new Error(`Candor needs Node 26 without restrictions: it does not show its ${name} (${why})`, {
      cause: error,
    });
  }
}

export function requireMembers(prototype: object | undefined, names: readonly string[], what: string): void {
  const missing = names.find((name) => prototype === undefined || !(name in prototype));
  if (missing !== undefined) throw otherInternals(`${what} (${missing})`);
}

function otherInternals(what: string): Error {
  return new Error(
    `Candor needs Node 26: this is Node ${process.version}, which has other internals of ${what}; run \`npm install node@26\` beside Candor`,
  );
}

export function nodeBinding(name: string): unknown {
  return (process as unknown as { binding(name: string): unknown }).binding(name);
}
