import type { ListenerSpec } from '../core/configuration.ts';
import type { Failure } from '../core/failure.ts';
import type { Snapshot } from '../core/snapshot.ts';
import { after, type Clock } from '../core/time.ts';
import type { Transport } from '../core/transport.ts';
import { ListenerConnections } from '../downstream/listener.ts';
import type { DownstreamPorts, ListenerFacts } from '../downstream/ports.ts';
import { listen, type Listening } from '../transport/listen.ts';
import type { ListenProblem, OpenListener } from './messages.ts';

interface OpenedListener {
  readonly listening: Listening;
  readonly connections: ListenerConnections;
  /** Connections that came before the snapshot was in force; null from then on. */
  held: Transport[] | null;
}

/** Where a listener of the snapshot is to be found: by host and port as they are, not as they were asked for. */
interface ListenerPlace {
  readonly spec: ListenerSpec;
  readonly place: string;
}

/** Listeners of a snapshot that is not in force yet: what connects to them is held. */
export interface NewListeners {
  readonly opened: ReadonlyMap<string, OpenedListener>;
  readonly problems: readonly ListenProblem[];
  readonly places: readonly ListenerPlace[];
}

export interface WorkerListenersParts {
  readonly clock: Clock;
  readonly downstream: Omit<DownstreamPorts, 'onConnectionOpened' | 'onConnectionClosed'>;
  /** How what is cut at the end of a drain is answered. */
  readonly drained: Failure;
  /** The system had no descriptor for one more connection. */
  readonly onRefused: () => void;
  /** A connection of a listener that has been closed, or of one that has not, is over. */
  readonly onConnectionClosed: () => void;
}

/**
 * The listeners of one worker:
 *
 *     opening ──▶ holding ──snapshot in force──▶ admitting ──▶ closing, its connections draining ──▶ gone
 *                    └──────snapshot refused──▶ discarded
 */
export class WorkerListeners {
  readonly #parts: WorkerListenersParts;
  readonly #listeners = new Map<string, OpenedListener>();
  /** Of listeners that are closed: these live on until their exchange is over, or its time is. */
  readonly #leaving = new Set<ListenerConnections>();
  /** As the snapshot in force has it. */
  #drainMs = 0;

  constructor(parts: WorkerListenersParts) {
    this.#parts = parts;
  }

  /** Opens those of the snapshot that are not open yet. Nothing is admitted to them, and no other is touched. */
  async openNew(snapshot: Snapshot): Promise<NewListeners> {
    const opened = new Map<string, OpenedListener>();
    const problems: ListenProblem[] = [];
    const places: ListenerPlace[] = [];
    for (const spec of snapshot.listeners) {
      const { id, host, port } = spec;
      const asked = `${host}:${port}`;
      if (this.#listeners.has(asked)) {
        places.push({ spec, place: asked });
        continue;
      }
      const listener = await this.#open(spec, snapshot);
      if (typeof listener === 'string') {
        problems.push({ listener: id, host, port, errno: listener });
        continue;
      }
      const place = `${host}:${listener.listening.address.port}`;
      opened.set(place, listener);
      places.push({ spec, place });
    }
    return { opened, problems, places };
  }

  /** The snapshot is not taken: what was opened for it closes again. */
  discard({ opened }: NewListeners): void {
    for (const { listening, held } of opened.values()) {
      void listening.close();
      for (const transport of held ?? []) transport.close('reset');
    }
  }

  /** The snapshot is in force: what was held is admitted, and listeners that it does not name close. */
  admit({ opened, places }: NewListeners, snapshot: Snapshot): readonly OpenListener[] {
    this.#drainMs = snapshot.drain.timeoutMs;
    for (const [place, listener] of opened) this.#listeners.set(place, listener);
    for (const listener of opened.values()) admitHeld(listener);
    for (const { spec, place } of places) {
      const listener = this.#listeners.get(place);
      if (listener !== undefined) listener.connections.facts = listenerFacts(spec, snapshot);
    }
    this.#closeAllBut(new Set(places.map(({ place }) => place)));
    return places.map(({ spec, place }) => this.#openListener(spec, place));
  }

  /** All of them close. Idle connections too; the others end after the exchange that they are in. */
  drain(): void {
    for (const listener of this.#listeners.values()) this.#close(listener);
    this.#listeners.clear();
  }

  /** Exchanges of closed listeners end now: answered where no answer has begun, cut short where one has. */
  cut(): void {
    for (const connections of this.#leaving) connections.cut(this.#parts.drained);
  }

  /** Whether connections of closed listeners are left. */
  get isLeaving(): boolean {
    return [...this.#leaving].some(({ size }) => size > 0);
  }

  /** Listens, and holds what connects until the snapshot is in force. Resolves to an errno where it cannot. */
  #open(spec: ListenerSpec, snapshot: Snapshot): Promise<OpenedListener | string> {
    const { downstream, onRefused } = this.#parts;
    const facts = listenerFacts(spec, snapshot);
    const connections: ListenerConnections = new ListenerConnections(facts, downstream, () =>
      this.#connectionClosed(connections),
    );
    const { host, port } = spec;
    return new Promise((resolve) => {
      const held: Transport[] = [];
      let listener: OpenedListener | null = null;
      listen(
        { host, port, sharePort: false },
        {
          onListening: (listening) => {
            listener = { listening, connections, held };
            resolve(listener);
          },
          onListenFailed: (errno) => {
            // Once it listens, what fails is accepting: the system has no descriptor for one more.
            if (listener === null) resolve(errno);
            else onRefused();
          },
          onConnection: (transport) => {
            if (listener?.held === null) return connections.accept(transport);
            transport.pause();
            held.push(transport);
          },
        },
      );
    });
  }

  #connectionClosed(connections: ListenerConnections): void {
    if (connections.size === 0) this.#leaving.delete(connections);
    this.#parts.onConnectionClosed();
  }

  #closeAllBut(wanted: ReadonlySet<string>): void {
    for (const [place, listener] of this.#listeners) {
      if (wanted.has(place)) continue;
      this.#close(listener);
      this.#listeners.delete(place);
    }
  }

  #close({ listening, connections }: OpenedListener): void {
    const { clock, drained } = this.#parts;
    void listening.close();
    this.#leaving.add(connections);
    connections.drain();
    if (connections.size === 0) this.#leaving.delete(connections);
    else clock.schedule(after(clock.now(), this.#drainMs), cutConnections, { connections, drained });
  }

  #openListener({ id, host, port }: ListenerSpec, place: string): OpenListener {
    return { id, host, port: this.#listeners.get(place)?.listening.address.port ?? port };
  }
}

function listenerFacts({ id, proxyProtocol }: ListenerSpec, { client }: Snapshot): ListenerFacts {
  return { id, proxyProtocol, limits: client };
}

interface Leaving {
  readonly connections: ListenerConnections;
  readonly drained: Failure;
}

function cutConnections({ connections, drained }: Leaving): void {
  connections.cut(drained);
}

function admitHeld(listener: OpenedListener): void {
  const { held } = listener;
  listener.held = null;
  for (const transport of held ?? []) {
    listener.connections.accept(transport);
    transport.resume();
  }
}
