import type { AddressInfo } from 'node:net';
import { errnoSentence } from '../core/descriptor-text.ts';
import type { AdminSpec } from '../core/configuration.ts';
import { hostPort } from '../core/endpoint.ts';
import type { Clock } from '../core/time.ts';
import type { Gateway } from '../control/gateway-status.ts';
import { AdminListener } from './admin-listener.ts';
import { AdminContext } from './admin-context.ts';
import { listenOverTcp } from './listen-tcp.ts';
import type { Stopper } from './stopper.ts';
import type { Upgrader } from './upgrader.ts';
import { listenAtSocket, type SocketNotMoved, type MovedSocket, type AdminSocketFile } from './admin-socket.ts';
import { socketRefusalText } from './admin-socket-check.ts';

export interface AdminServerOptions {
  readonly gateway: Gateway;
  readonly spec: AdminSpec;
  readonly clock: Clock;
  /** Where a predecessor still answers, who leaves: its socket is replaced, its port shared. */
  readonly predecessor?: AdminAddresses | null;
  /** Absent where the program that runs the gateway cannot be replaced. */
  readonly upgrader?: Upgrader;
  /** Absent where the program that runs the gateway ends by other means alone. */
  readonly stopper?: Stopper;
  /** Why the program takes no change of the overlay now, one sentence; null, or absent: it does. */
  readonly refusal?: () => string | null;
}

/** Where an admin API answers. */
export interface AdminAddresses {
  /** Null where it has none. */
  readonly socketPath: string | null;
  /** Where it listens over TCP, with the port that the system chose for 0; null where it does not. */
  readonly address: { readonly host: string; readonly port: number } | null;
}

export interface AdminServer extends AdminAddresses {
  /**
   * Opens what another configuration needs beside what is open. Null when that is so; else the sentence that says why
   * not, and nothing has changed. `commit` or `discard` follows.
   */
  prepare(spec: AdminSpec): Promise<string | null>;
  /** Answers by the configuration that was prepared, and closes what it has no more. */
  activate(): void;
  discard(): void;
  /**
   * A successor answers at the same places from now on. Over TCP no more connections are taken here, since the kernel
   * would share them out between the two; whoever was led to the old socket before it was replaced still has his answer.
   */
  closeTcp(): void;
  /** Another process is to have the places of this one. */
  moveAside(): MovedSocket | SocketNotMoved;
  /** Ends every stream, lets running answers end, and removes the socket. */
  close(): Promise<void>;
}

/** The admin API could not be opened; `message` is fit for people. */
export class AdminFailure extends Error {
  override readonly name = 'AdminFailure';
}

/**
 * Opens the admin API of a gateway: on a unix socket, over TCP where there are tokens, or both. Rejects with
 * `AdminFailure` where another gateway holds the place, or the system does not allow it.
 */
export async function startAdminServer(options: AdminServerOptions): Promise<AdminServer> {
  const admin = new RunningAdminServer(options);
  const problem = await admin.prepare(options.spec);
  if (problem !== null) throw new AdminFailure(problem);
  admin.activate();
  return admin;
}

/** A door that is open, and how it is found. */
interface OpenListener {
  readonly key: string;
  readonly listener: AdminListener;
  readonly socket: AdminSocketFile | null;
}

class RunningAdminServer implements AdminServer {
  readonly #context: AdminContext;
  /** Until it is open: later, whoever answers at a place is a stranger. */
  #predecessor: AdminAddresses | null;
  #open: readonly OpenListener[] = [];
  #prepared: { readonly spec: AdminSpec; readonly added: readonly OpenListener[] } | null = null;
  /** Of doors that the configuration has no more. */
  readonly #closing = new Set<Promise<void>>();

  constructor({ gateway, spec, clock, predecessor, upgrader, stopper, refusal }: AdminServerOptions) {
    this.#context = new AdminContext(gateway, clock, spec, upgrader ?? null, stopper ?? null, refusal ?? (() => null));
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

  /** What this process or its predecessor has there, under another address too, does not keep it from the port. */
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
    for (const { listener } of this.#open) listener.closeRevoked();
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
    // Over TCP both are there until one of them closes.
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
  }

  #closeListener({ listener, socket }: OpenListener): void {
    socket?.remove();
    const closing: Promise<void> = listener.close().then(() => void this.#closing.delete(closing));
    this.#closing.add(closing);
  }
}

interface PlannedListener {
  readonly key: string;
  /** A sentence where it cannot be opened. */
  open(): Promise<{ readonly listener: AdminListener; readonly socket: AdminSocketFile | null } | string>;
}

function listenerKeysOf({ socket, listen }: AdminSpec): readonly string[] {
  const keys = socket === null ? [] : [`socket:${socket}`];
  return listen === null ? keys : [...keys, `tcp:${hostPort(listen.host, listen.port)}`];
}

function openSocket(context: AdminContext, { socket: path }: AdminSpec, takesOver: boolean): PlannedListener | null {
  if (path === null) return null;
  return {
    key: `socket:${path}`,
    open: async () => {
      const listener = new AdminListener('socket', context);
      const file = await listenAtSocket(listener.server, path, takesOver);
      return 'why' in file ? socketRefusalText(path, file) : { listener, socket: file };
    },
  };
}

function openTcp(context: AdminContext, { listen, tokens }: AdminSpec, shares: boolean): PlannedListener | null {
  if (listen === null) return null;
  const key = hostPort(listen.host, listen.port);
  return {
    key: `tcp:${key}`,
    open: async () => {
      // The configuration's review says so too; whoever starts a gateway by program has not passed there.
      if (tokens.length === 0) return 'The admin API listens over TCP only for whoever has a token, and there is none.';
      const listener = new AdminListener('tcp', context);
      const refused = await listenOverTcp(listener.server, listen, shares);
      return refused === null
        ? { listener, socket: null }
        : `The admin API cannot listen at ${key}: ${errnoSentence(refused.errno)}`;
    },
  };
}
