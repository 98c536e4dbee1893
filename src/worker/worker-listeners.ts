import type { EndingInstance } from '../core/stream.ts';
import { lastResponseReadMs } from '../core/client-engine.ts';
import type { DrainSpec } from '../core/configuration.ts';
import type { ClientLimits, ListenerSpec } from '../core/listener-spec.ts';
import { lastRequestMs } from '../core/drain.ts';
import type { ForceCloseReason } from '#failures/failure.ts';
import { type InheritedSocket, inheritedFor } from '../core/inherited-socket.ts';
import type { ManagedTls } from '../core/managed-tls.ts';
import type { OwnSocket, PassedSocket } from '../core/passed-socket.ts';
import type { Snapshot } from '../core/snapshot.ts';
import { after, type Clock } from '../core/time.ts';
import type { Transport } from '../core/transport.ts';
import { ListenerConnections } from '../downstream/listener.ts';
import type { ListenerSettings } from '../downstream/listener-settings.ts';
import type { SharedPorts } from '../downstream/ports.ts';
import { listen, type BoundListener } from '../transport/listen.ts';
import { forceCloseFailure } from './force-close-failure.ts';
import type { ListenerHosts } from './listener-hosts.ts';
import type { DrainPlan, ListenProblem, OpenListener } from '../core/worker-messages.ts';

interface OpenedListener {
  /** As opened, not as configured. */
  port: number;
  /** Empty until the snapshot is activated, if the sockets are the predecessor's. */
  readonly listening: BoundListener[];
  /** More than one if the predecessor had more workers; none if the socket is the service manager's. */
  sockets: readonly OwnSocket[];
  /** Sockets of the main thread that this worker accepts from once the snapshot is activated. */
  adopted: readonly PassedSocket[];
  /** Sockets that it accepts from, by link; null until the duplicate exists. */
  readonly duplicates: Map<string, BoundListener | null>;
  readonly connections: ListenerConnections;
  /** What it was made from, of the active snapshot; null before. */
  spec: ListenerSpec | null;
  /** Connections that came before the snapshot was activated; null afterwards. */
  held: Transport[] | null;
}

/** Identifies a listener of the snapshot: by the host and port that are open, not as configured. */
interface KeyedListener {
  readonly spec: ListenerSpec;
  readonly key: string;
}

/** Listeners of a snapshot that is not active yet: connections to them are held. */
export interface NewListeners {
  readonly opened: ReadonlyMap<string, OpenedListener>;
  readonly problems: readonly ListenProblem[];
  readonly keyed: readonly KeyedListener[];
  /** All listeners of the snapshot, as opened. */
  readonly listeners: readonly OpenListener[];
}

export const noListeners: NewListeners = { opened: new Map(), problems: [], keyed: [], listeners: [] };

interface WorkerListenersParts {
  readonly clock: Clock;
  readonly inheritedSockets: readonly InheritedSocket[];
  /** Sockets of the predecessor that this worker accepts from. */
  readonly passedSockets: readonly PassedSocket[];
  /** Sockets of the main thread that this worker accepts from, at duplicates. */
  readonly heldSockets: readonly PassedSocket[];
  /** A socket of the main thread cannot be duplicated: another worker has to accept from it. */
  readonly onStandInFailed: (link: string, errno: string) => void;
  readonly downstream: SharedPorts;
  /**
   * Whether a connection with this descriptor may be accepted; its number shows how many are in use. Refused connections have been
   * counted.
   */
  readonly admits: (address: string, descriptor: number) => boolean;
  /** A connection has ended, of an open listener or a closed one. */
  readonly onConnectionClosed: () => void;
  readonly hosts: ListenerHosts;
}

/**
 * The listeners of one worker:
 *
 *     opening ──▶ holding ──snapshot active────▶ admitting ──▶ closing, its connections draining ──▶ gone
 *                    └──────snapshot refused──▶ discarded
 */
export class WorkerListeners {
  readonly #parts: WorkerListenersParts;
  readonly #listeners = new Map<string, OpenedListener>();
  /** Connections of closed listeners: they stay open until their exchange or its drain time is over. */
  readonly #closing = new Set<ListenerConnections>();
  /** Sockets of the predecessor that this worker does not accept from yet. */
  #passed: readonly PassedSocket[];
  /** Sockets of the main thread that this worker does not accept from yet. */
  #toAdopt: readonly PassedSocket[];
  readonly #hosts: ListenerHosts;
  #endsTunnels = false;
  /** Why the connections are closed. */
  #why: ForceCloseReason = 'gateway_stopping';
  /** Drain settings of the active snapshot. */
  #drain: DrainSpec = { timeoutMs: 0, lameDuckMs: 0, tunnels: 'wait' };

  constructor(parts: WorkerListenersParts) {
    this.#parts = parts;
    this.#passed = parts.passedSockets;
    this.#toAdopt = parts.heldSockets;
    this.#hosts = parts.hosts;
  }

  /**
   * Opens listeners of the snapshot that are not open yet. Connections to them are held; other listeners stay as
   * they are.
   */
  async openNew(snapshot: Snapshot): Promise<NewListeners> {
    this.#hosts.begin();
    const opened = new Map<string, OpenedListener>();
    const problems: ListenProblem[] = [];
    const keyed: KeyedListener[] = [];
    for (const spec of snapshot.listeners) {
      const { id, host, port } = spec;
      const asked = `${host}:${port}`;
      if (this.#listeners.has(asked)) {
        keyed.push({ spec, key: asked });
        continue;
      }
      const listener = await this.#open(spec, snapshot);
      if (typeof listener === 'string') {
        problems.push({ listener: id, host, port, errno: listener });
        continue;
      }
      const key = `${host}:${listener.port}`;
      opened.set(key, listener);
      keyed.push({ spec, key });
    }
    const portOf = (key: string): number | undefined => (opened.get(key) ?? this.#listeners.get(key))?.port;
    const listeners = keyed.map(({ spec: { id, host, port }, key }) => ({ id, host, port: portOf(key) ?? port }));
    return { opened, problems, keyed, listeners };
  }

  /** The snapshot is not activated: listeners that were opened for it close again. */
  discard({ opened }: NewListeners): void {
    for (const { listening, held } of opened.values()) {
      for (const socket of listening) void socket.close();
      for (const transport of held ?? []) transport.close('reset');
    }
  }

  /** The snapshot is active: held connections are admitted, and listeners that it does not have are closed. */
  admit({ opened, keyed }: NewListeners, snapshot: Snapshot): void {
    this.#drain = snapshot.drain;
    for (const [key, listener] of opened) this.#listeners.set(key, listener);
    for (const listener of opened.values()) {
      if (listener.listening.length === 0) this.#acceptFromPassed(listener);
      admitHeld(listener);
      for (const socket of listener.adopted) this.#acceptAtDuplicate(listener, socket);
      this.#toAdopt = this.#toAdopt.filter((socket) => !listener.adopted.includes(socket));
    }
    for (const { spec, key } of keyed) {
      const listener = this.#listeners.get(key);
      if (listener === undefined) continue;
      listener.spec = spec;
      listener.connections.settings = this.#settingsOf(spec, snapshot.client);
    }
    this.#hosts.forgetOthers();
    this.#closeAllBut(new Set(keyed.map(({ key }) => key)));
  }

  #settingsOf({ id, proxyProtocol, http2, tls }: ListenerSpec, limits: ClientLimits): ListenerSettings {
    return { id, proxyProtocol, http2, tls: tls === null ? null : this.#hosts.of(tls), limits };
  }

  /** Accepts from another worker's socket too, unless this worker no longer has a listener at that address. */
  standIn(socket: PassedSocket): void {
    const listener = this.#listeners.get(`${socket.host}:${socket.port}`);
    if (listener === undefined) this.#parts.onStandInFailed(socket.link, 'ENOENT');
    else if (!listener.duplicates.has(socket.link)) this.#acceptAtDuplicate(listener, socket);
  }

  standDown(link: string): void {
    for (const { duplicates } of this.#listeners.values()) {
      void duplicates.get(link)?.close();
      duplicates.delete(link);
    }
  }

  changeTicketKey(key: Uint8Array): void {
    this.#hosts.changeTicketKey(key);
  }

  isObtained(host: string): boolean {
    return this.#hosts.isObtained(host);
  }

  /** New connections are shown these certificates from now on, where they are not null, and CAs these challenges. */
  changeManagedTls(certificates: ManagedTls['certificates'] | null, challenges: ManagedTls['challenges']): void {
    this.#hosts.changeManaged(certificates, { challenges });
    if (certificates === null) return;
    for (const { spec, connections } of this.#listeners.values())
      if (spec !== null) connections.settings = this.#settingsOf(spec, connections.settings.limits);
    this.#hosts.forgetOthers();
  }

  /** Sockets that this worker accepts from and that are its own. */
  get sockets(): readonly OwnSocket[] {
    return [...this.#listeners.values()].flatMap(({ sockets }) => sockets);
  }

  /** Accepts no connection from now on, not even in this turn of the event loop. */
  closeSockets(): void {
    for (const { listening, duplicates } of this.#listeners.values())
      for (const socket of [...listening, ...duplicates.values()]) void socket?.close();
  }

  /** Each connection, present or future, closes after its next response, which says so. */
  announceClose(): void {
    for (const { connections } of this.#listeners.values()) connections.announceClose();
  }

  /** Closes all listeners. Idle connections close after a while, others after the exchange that they are in. */
  drain(plan: DrainPlan): void {
    this.#why = plan.why;
    for (const listener of this.#listeners.values()) this.#close(listener, plan);
    this.#listeners.clear();
    this.#endsTunnels = plan.tunnels === 'end';
  }

  /** A request for an upgrade may have been answered after the tunnels had ended. */
  endLateTunnels(): void {
    if (!this.#endsTunnels) return;
    for (const connections of this.#closing) connections.endTunnels(forceCloseFailure(this.#why, 'tunnel'));
  }

  /** The gateway is about to stop an instance. */
  endTunnelsOf(instance: EndingInstance): void {
    const open = [...this.#listeners.values()].map(({ connections }) => connections);
    const failure = forceCloseFailure('instance_stopped', 'tunnel');
    for (const connections of [...open, ...this.#closing]) connections.endTunnels(failure, instance);
  }

  /** Force closes exchanges of closed listeners: with a response where none has begun, truncated where one has. */
  forceClose(atOnce: boolean): void {
    if (atOnce) this.#why = 'ended_at_once';
    for (const connections of this.#closing) forceCloseConnections({ connections, why: this.#why });
  }

  /** Whether connections of closed listeners may still have exchanges. */
  get isBusy(): boolean {
    return [...this.#closing].some(({ isBusy }) => isBusy);
  }

  /** Closes up to `max` connections without a request; returns how many. */
  makeRoom(max: number): number {
    let closed = 0;
    for (const { connections } of this.#listeners.values()) closed += connections.makeRoom(max - closed);
    return closed;
  }

  /** Whether connections of closed listeners are left. */
  get isClosing(): boolean {
    return [...this.#closing].some(({ size }) => size > 0);
  }

  /** Listens, and holds connections until the snapshot is active. Resolves to an errno on failure. */
  #open(spec: ListenerSpec, snapshot: Snapshot): Promise<OpenedListener | string> {
    const { downstream, inheritedSockets } = this.#parts;
    const facts = this.#settingsOf(spec, snapshot.client);
    const connections: ListenerConnections = new ListenerConnections(facts, downstream, () =>
      this.#connectionClosed(connections),
    );
    const { host, port } = spec;
    const inherited = inheritedFor(spec, inheritedSockets);
    const isHere = (socket: OwnSocket): boolean => socket.host === host && socket.port === port;
    const listener: OpenedListener = {
      ...{ port, listening: [], duplicates: new Map(), connections, held: [], spec: null },
      sockets: this.#passed.filter(isHere),
      adopted: this.#toAdopt.filter(isHere),
    };
    // The predecessor accepts from its sockets, and continues if this process fails. Connections to
    // a socket of the main thread wait in its queue.
    if (listener.sockets.length + listener.adopted.length > 0) return Promise.resolve(listener);
    return new Promise((resolve) => {
      listen(
        { host, port, sharePort: true, ...(inherited === null ? {} : { inheritedFd: inherited.fd }) },
        {
          onListening: (listening) => {
            listener.port = listening.address.port;
            listener.listening.push(listening);
            if (inherited === null) listener.sockets = [{ fd: listening.descriptor, host, port: listener.port }];
            resolve(listener);
          },
          // Node does not report failures of a listening socket: `DescriptorGuard` prevents them.
          onListenFailed: resolve,
          onConnection: (transport, descriptor) => this.#accept(transport, descriptor, listener),
        },
      );
    });
  }

  #acceptFromPassed(listener: OpenedListener): void {
    for (const { fd, host, port } of listener.sockets) {
      listen(
        { host, port, sharePort: true, ownFd: fd },
        {
          onListening: (listening) => void listener.listening.push(listening),
          // A client in that queue would wait forever: fail, so that a replacement opens its own socket.
          onListenFailed: (errno) => {
            throw new Error(`a predecessor's socket at ${host}:${port} cannot be listened at (${errno})`);
          },
          onConnection: (transport, descriptor) => this.#accept(transport, descriptor, listener),
        },
      );
    }
    this.#passed = this.#passed.filter((socket) => !listener.sockets.includes(socket));
  }

  /** Several workers may accept from the same queue: each connection goes to one of them. */
  #acceptAtDuplicate(listener: OpenedListener, { fd, host, port, link }: PassedSocket): void {
    listener.duplicates.set(link, null);
    listen(
      { host, port, sharePort: true, inheritedFd: fd },
      {
        onListening: (listening) => {
          if (listener.duplicates.has(link)) listener.duplicates.set(link, listening);
          else void listening.close();
        },
        onListenFailed: (errno) => {
          if (listener.duplicates.delete(link)) this.#parts.onStandInFailed(link, errno);
        },
        onConnection: (transport, descriptor) => this.#accept(transport, descriptor, listener),
      },
    );
  }

  #accept(transport: Transport, descriptor: number, listener: OpenedListener): void {
    if (!this.#parts.admits(transport.facts.remoteAddress, descriptor)) return transport.close('reset');
    if (listener.held === null) return listener.connections.accept(transport);
    transport.pause();
    listener.held.push(transport);
  }

  #connectionClosed(connections: ListenerConnections): void {
    if (connections.size === 0) this.#closing.delete(connections);
    this.#parts.onConnectionClosed();
  }

  #closeAllBut(wanted: ReadonlySet<string>): void {
    for (const [key, listener] of this.#listeners) {
      if (wanted.has(key)) continue;
      this.#close(listener, {
        why: 'listener_gone',
        tunnels: this.#drain.tunnels,
        idleMs: lastRequestMs,
        hasSuccessor: true,
      });
      this.#listeners.delete(key);
    }
  }

  #close({ listening, duplicates, connections }: OpenedListener, { why, tunnels, idleMs }: DrainPlan): void {
    const { clock } = this.#parts;
    const { timeoutMs } = this.#drain;
    for (const socket of [...listening, ...duplicates.values()]) void socket?.close();
    duplicates.clear();
    this.#closing.add(connections);
    connections.close();
    if (tunnels === 'end') connections.endTunnels(forceCloseFailure(why, 'tunnel'));
    if (idleMs === 0) connections.closeIdle();
    if (connections.size === 0) return void this.#closing.delete(connections);
    const now = clock.now();
    if (idleMs > 0) clock.schedule(after(now, Math.min(idleMs, timeoutMs)), closeIdle, connections);
    clock.schedule(after(now, timeoutMs), forceCloseTwice, { connections, why, clock });
  }
}

interface ClosingConnections {
  readonly connections: ListenerConnections;
  readonly why: ForceCloseReason;
}

interface TimedClosing extends ClosingConnections {
  readonly clock: Clock;
}

/** The second time ends the responses that clients have not read by then. The main thread asks for neither where only a listener is gone. */
function forceCloseTwice(closing: TimedClosing): void {
  forceCloseConnections(closing);
  const { connections, clock } = closing;
  if (connections.size > 0) clock.schedule(after(clock.now(), lastResponseReadMs), forceCloseConnections, closing);
}

function closeIdle(connections: ListenerConnections): void {
  connections.closeIdle();
}

function forceCloseConnections({ connections, why }: ClosingConnections): void {
  connections.endTunnels(forceCloseFailure(why, 'tunnel'));
  connections.forceClose(forceCloseFailure(why, 'request'));
}

function admitHeld(listener: OpenedListener): void {
  const { held } = listener;
  listener.held = null;
  for (const transport of held ?? []) {
    listener.connections.accept(transport);
    transport.resume();
  }
}
