import type { UnknownCode } from './connector.ts';
import type { ExchangeCount, WorkerCounts } from './counters.ts';
import type { ForceCloseReason } from './failure.ts';
import type { InheritedSocket } from './inherited-socket.ts';
import type { EndpointOutcomes } from './outcome.ts';
import type { RouteOverlay } from './overlay.ts';
import type { OwnSocket, PassedSocket } from './passed-socket.ts';
import type { Snapshot, UpstreamDelta } from './snapshot.ts';
import type { RecordLines } from './record-lines.ts';
import type { SnapshotPart } from './snapshot-parts.ts';
import type { SharedMemory } from './shared-memory.ts';

/** What a worker is born with. */
export interface WorkerInit {
  /** Grows with each worker of this process: in records, events and metrics. */
  readonly worker: number;
  /** Which cells of what workers count together are its own; another's when it is gone. */
  readonly workerIndex: number;
  readonly shared: SharedMemory;
  readonly member: string;
  readonly processStartedWall: number;
  readonly inheritedSockets: readonly InheritedSocket[];
  /** Those of the predecessor that this worker accepts from. */
  readonly passedSockets: readonly PassedSocket[];
  /** Sockets that the main thread holds and that this worker accepts from, at duplicates of its own. */
  readonly heldSockets: readonly PassedSocket[];
  /** One Int32: exchanges under way. Main reads it of a thread that is gone. */
  readonly exchangesActive: SharedArrayBuffer;
  /** One Int32: exchanges that have ended, and whose records main has not been sent yet. */
  readonly recordsUnsent: SharedArrayBuffer;
}

/** How a worker ends that has taken leave. */
export interface DrainPlan {
  /** What is said of a request or tunnel that has to be cut. */
  readonly why: ForceCloseReason;
  /** 'end': tunnels end when the listeners close; 'wait': they may last until the cut. */
  readonly tunnels: 'wait' | 'end';
  /** For how long a connection without a request may still send one; it is answered, and that is the last. */
  readonly idleMs: number;
  /** Somebody else listens in its place: whether the gateway is ready is theirs to say, and is not denied here. */
  readonly hasSuccessor: boolean;
}

/** From main to a serving worker. */
export type ToWorker =
  /** Open what is new in it, and hold what connects there; answer 'prepared' or 'rejected'. What is served stays. */
  | {
      readonly kind: 'prepare';
      readonly snapshot: Snapshot;
      /** In how many parts its upstreams and routes follow; the worker asks for each. 0: they are in it. */
      readonly parts: number;
    }
  | { readonly kind: 'part'; readonly revision: number; readonly part: SnapshotPart }
  /** Every worker has prepared it: serve by it, and answer 'applied'. */
  | { readonly kind: 'activate'; readonly revision: number }
  /** Not every worker has: close what was opened for it. */
  | { readonly kind: 'discard'; readonly revision: number }
  | { readonly kind: 'delta'; readonly delta: UpstreamDelta }
  /** What operators have changed for routes; it needs no answer, and no second phase. */
  | { readonly kind: 'overlay'; readonly overlay: RouteOverlay }
  | { readonly kind: 'acknowledge'; readonly batches: number }
  /** The buffer of a batch that has been written, transferred back. */
  | { readonly kind: 'reuse'; readonly buffer: ArrayBuffer }
  /** Serve as before, but let each response say that it is the last on its connection, and readiness that it is over. */
  | { readonly kind: 'announce-close' }
  /** Close the listeners, and what is idle; end what is not; answer 'drained' when nothing is left. */
  | { readonly kind: 'drain'; readonly plan: DrainPlan }
  /** The time for draining is over: end what is under way, answer 'drained'. */
  | { readonly kind: 'force-close'; readonly atOnce: boolean }
  /** Accept also from this socket, which the main thread holds, at a duplicate: its own worker does not answer. */
  | { readonly kind: 'stand-in'; readonly socket: PassedSocket }
  /** Accept no more from the socket with this link. */
  | { readonly kind: 'stand-down'; readonly link: string }
  /** Send a batch now: somebody wants to see the counts. */
  | { readonly kind: 'report' }
  /** Answer 'pong'. */
  | { readonly kind: 'ping' };

/** From a serving worker to main. */
export type FromWorker =
  /** Its modules are loaded: from now on it answers at once. */
  | { readonly kind: 'ready' }
  /** It has taken the parts before this one, in turns of their own. */
  | { readonly kind: 'send-part'; readonly revision: number; readonly index: number }
  /** Everything of the revision listens; nothing is served by it. */
  | { readonly kind: 'prepared'; readonly revision: number; readonly listeners: readonly OpenListener[] }
  /** With the sockets that it has opened, or taken over, and accepts from. */
  | { readonly kind: 'applied'; readonly revision: number; readonly sockets: readonly OwnSocket[] }
  /** Nothing has changed: the worker serves the revision it had. */
  | { readonly kind: 'rejected'; readonly revision: number; readonly failures: readonly ListenProblem[] }
  | {
      readonly kind: 'batch';
      readonly lines: RecordLines | null;
      readonly exchanges: ExchangeCount[];
      readonly outcomes: readonly EndpointOutcomes[];
      /** Endpoints that are draining and on which nothing is under way in this worker any more. */
      readonly drained: readonly string[];
      readonly counts: WorkerCounts;
    }
  /** It does not accept from this socket of the main thread: the duplicate could not be made. */
  | { readonly kind: 'stand-in-failed'; readonly link: string; readonly errno: string }
  | { readonly kind: 'unclassified'; readonly fault: UnknownCode }
  | { readonly kind: 'drained' }
  | { readonly kind: 'pong' };

export interface OpenListener {
  readonly id: string;
  readonly host: string;
  readonly port: number;
}

export interface ListenProblem {
  readonly listener: string;
  readonly host: string;
  readonly port: number;
  readonly errno: string;
}
