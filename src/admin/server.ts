import type { AddressInfo } from 'node:net';
import { errnoSentence } from '../core/errno-text.ts';
import { portHolderText } from '../deploy/port-holder.ts';
import type { AdminSpec } from '../core/configuration.ts';
import { hostPort } from '../core/endpoint.ts';
import type { Clock } from '../core/time.ts';
import type { Gateway } from '../control/gateway-status.ts';
import type { AdminAddresses } from './admin-addresses.ts';
import { certificateProblem } from './admin-tls.ts';
import { AdminListener } from './admin-listener.ts';
import { AdminContext, type AdminProgram } from './admin-context.ts';
import { AdminApi } from './api.ts';
import { listenOverTcp } from './listen-tcp.ts';
import { listenAtSocket, type SocketNotMoved, type MovedSocket, type AdminSocketFile } from './admin-socket.ts';
import { socketRefusalText } from './admin-socket-check.ts';

interface AdminServerOptions extends AdminProgram {
  readonly gateway: Gateway;
  readonly spec: AdminSpec;
  readonly clock: Clock;
  /** Addresses of a predecessor that still answers and will end: its socket is replaced, its port shared. */
  readonly predecessor?: AdminAddresses | null;
}

export interface AdminServer extends AdminAddresses {
  /**
   * Opens the listeners that another configuration needs, in addition to the open ones. Returns null, or a sentence that says why
   * that failed; then nothing has changed. `activate` or `discard` follows.
   */
  prepare(spec: AdminSpec): Promise<string | null>;
  /** Uses the prepared configuration, and closes the listeners that it no longer has. */
  activate(): void;
  discard(): void;
  /**
   * A successor answers at the same addresses from now on. This process accepts no more TCP connections, because the kernel
   * would divide them between the two; a connection to the old socket from before its replacement is still answered.
   */
  closeTcp(): void;
  /** Prepares for a successor that takes the addresses of this process. */
  moveAside(): MovedSocket | SocketNotMoved;
  /** Ends every stream, lets responses in flight finish, and removes the socket. */
  close(): Promise<void>;
}

/** The admin API could not be opened; `message` is fit for people. */
export class AdminFailure extends Error {
  override readonly name = 'AdminFailure';
}

/**
 * Opens the admin API of a gateway: on a unix socket, over TCP if there are tokens, or both. Rejects with
 * `AdminFailure` if another gateway has the socket or port, or the system does not allow it.
 */
export async function startAdminServer(options: AdminServerOptions): Promise<AdminServer> {
  const admin = new RunningAdminServer(options);
  const problem = await admin.prepare(options.spec);
  if (problem !== null) throw new AdminFailure(problem);
  admin.activate();
  return admin;
}

/** An open listener and its address. */
interface OpenListener {
  readonly key: string;
  readonly listener: AdminListener;
  readonly socket: AdminSocketFile | null;
}

class RunningAdminServer implements AdminServer {
  readonly #context: AdminContext;
  /** Null once this API is open: from then on another process at one of its addresses is not the predecessor. */
  #predecessor: AdminAddresses | null;
  #open: readonly OpenListener[] = [];
  #prepared: { readonly spec: AdminSpec; readonly added: readonly OpenListener[] } | null = null;
  /** Closing listeners that the configuration no longer has. */
  readonly #closing = new Set<Promise<void>>();

  constructor({ gateway, spec, clock, predecessor, ...program }: AdminServerOptions) {
    this.#context = new AdminContext(gateway, clock, spec, program);
    this.#context.addresses = this;
    this.#context.sessions?.onEnd(() => this.#open.forEach(({ listener }) => listener.closeRevoked()));
    this.#predecessor = predecessor ?? null;
  }

  get socketPath(): string | null {
    return this.#context.spec.socket;
  }

  get address(): { host: string; port: number } | null {
    const server = this.#open.find(({ listener }) => listener.via === 'tcp')?.listener.server;
    const bound = (server?.address() ?? null) as AddressInfo | null;
    return bound === null ? null : { host: bound.address, port: bound.port };
  }

  async prepare(spec: AdminSpec): Promise<string | null> {
    this.discard();
    const problem = spec.listen === null || spec.tls === undefined ? null : certificateProblem(spec.tls);
    if (problem !== null) return problem;
    const added: OpenListener[] = [];
    const takesOver = spec.socket !== null && spec.socket === this.#predecessor?.socketPath;
    const wanted = [openSocket(this.#context, spec, takesOver), this.#overTcp(spec)];
    for (const one of wanted) {
      if (one === null || this.#open.some(({ key }) => key === one.key)) continue;
      const opened = await one.open();
      if (typeof opened === 'string') {
        for (const listener of added) this.#closeListener(listener);
        return opened;
      }
      added.push({ key: one.key, ...opened });
    }
    this.#prepared = { spec, added };
    return null;
  }

  /** A listener of this process or its predecessor at that port, under another address too, is no obstacle. */
  #overTcp(spec: AdminSpec): PlannedListener | null {
    const taken = [this.address?.port, this.#predecessor?.address?.port];
    return openTcp(this.#context, spec, spec.listen !== null && taken.includes(spec.listen.port));
  }

  activate(): void {
    if (this.#prepared === null) return;
    const { spec, added } = this.#prepared;
    this.#prepared = null;
    this.#predecessor = null;
    this.#context.spec = spec;
    const keys = listenerKeysOf(spec);
    for (const one of this.#open) if (!keys.includes(one.key)) this.#closeListener(one);
    this.#open = [...this.#open.filter(({ key }) => keys.includes(key)), ...added];
    for (const { listener } of this.#open) {
      listener.closeRevoked();
      if (spec.tls !== undefined) listener.changeTls(spec.tls);
    }
  }

  discard(): void {
    for (const one of this.#prepared?.added ?? []) this.#closeListener(one);
    this.#prepared = null;
  }

  closeTcp(): void {
    const shared = this.#open.filter(({ listener }) => listener.via === 'tcp');
    this.#open = this.#open.filter((one) => !shared.includes(one));
    for (const one of shared) this.#closeListener(one);
  }

  moveAside(): MovedSocket | SocketNotMoved {
    // Over TCP both listen until one of them closes.
    const aside: MovedSocket[] = [];
    for (const { socket } of this.#open) {
      const moved = socket?.moveAside();
      if (moved !== undefined && 'why' in moved) {
        for (const one of aside) one.discard();
        return moved;
      }
      if (moved !== undefined) aside.push(moved);
    }
    return {
      restore: () => aside.map((one) => one.restore()).find((why) => why !== null) ?? null,
      discard: () => aside.forEach((one) => one.discard()),
    };
  }

  async close(): Promise<void> {
    this.discard();
    for (const one of this.#open) this.#closeListener(one);
    this.#open = [];
    await Promise.all(this.#closing);
    this.#context.denials.close();
    this.#context.sessions?.close();
  }

  #closeListener({ listener, socket }: OpenListener): void {
    socket?.remove();
    const closing: Promise<void> = listener.close().then(() => void this.#closing.delete(closing));
    this.#closing.add(closing);
  }
}

interface PlannedListener {
  readonly key: string;
  /** Returns a sentence if the listener cannot be opened. */
  open(): Promise<{ readonly listener: AdminListener; readonly socket: AdminSocketFile | null } | string>;
}

function listenerKeysOf(spec: AdminSpec): readonly string[] {
  const keys = spec.socket === null ? [] : [`socket:${spec.socket}`];
  return spec.listen === null ? keys : [...keys, tcpKeyOf(spec, spec.listen)];
}

/** The certificate of an open listener can be changed, but not whether it has TLS. */
function tcpKeyOf({ tls }: AdminSpec, { host, port }: NonNullable<AdminSpec['listen']>): string {
  return `${tls === undefined ? 'tcp' : 'tls'}:${hostPort(host, port)}`;
}

function openSocket(context: AdminContext, { socket: path }: AdminSpec, takesOver: boolean): PlannedListener | null {
  if (path === null) return null;
  return {
    key: `socket:${path}`,
    open: async () => {
      const listener = new AdminListener('socket', context, new AdminApi(context));
      const file = await listenAtSocket(listener.server, path, takesOver);
      return 'why' in file ? socketRefusalText(path, file) : { listener, socket: file };
    },
  };
}

function openTcp(context: AdminContext, spec: AdminSpec, shares: boolean): PlannedListener | null {
  const { listen, tokens } = spec;
  if (listen === null) return null;
  return {
    key: tcpKeyOf(spec, listen),
    open: async () => {
      // The review of a configuration file says so too, but a program that starts a gateway may skip it.
      if (tokens.length === 0)
        return 'The admin API listens over TCP only with tokens, and the configuration has none.';
      const listener = new AdminListener('tcp', context, new AdminApi(context), spec.tls ?? null);
      const refused = await listenOverTcp(listener.server, listen, shares);
      return refused === null
        ? { listener, socket: null }
        : `The admin API cannot listen at ${hostPort(listen.host, listen.port)}: ${refused.errno === 'EADDRINUSE' ? `EADDRINUSE, ${portHolderText(listen.port)}.` : errnoSentence(refused.errno)}`;
    },
  };
}
