import type { TransportFacts } from '../core/transport.ts';
import type { EndPoint, StreamHandle } from './stream-handle.ts';

/** Have the properties that Node sets already: 0.79 µs with the system call, instead of 0.94 for a new object. */
const remote = newEndPoint();
const local = newEndPoint();

function newEndPoint(): { address: string | undefined; family: string | undefined; port: number | undefined } {
  return { address: undefined, family: undefined, port: undefined };
}

/** The peer's address at once; the local one costs a system call and is looked up on demand. */
export class HandleFacts implements TransportFacts {
  readonly kind = 'tcp';
  readonly tls = null;
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly #handle: StreamHandle;
  #local: EndPoint | null = null;

  /** `known`: where the handle has been connected to. Absent: looked up. */
  constructor(handle: StreamHandle, known?: { readonly address: string; readonly port: number }) {
    this.#handle = handle;
    if (known !== undefined) {
      this.remoteAddress = known.address;
      this.remotePort = known.port;
      return;
    }
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
    this.#handle.getsockname(local);
    this.#local = { address: local.address, port: local.port };
    local.address = undefined;
    local.port = undefined;
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
