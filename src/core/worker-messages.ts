import type { EndingInstance } from './stream.ts';
import type { EndpointResponses, StageTimes } from './attempt-counts.ts';
import type { ThreadFigures } from './thread-figures.ts';
import type { UnknownCode } from './connector.ts';
import type { EndpointId } from './endpoint.ts';
import type { ExchangeCount, WorkerCounts } from './counters.ts';
import type { ForceCloseReason } from '#failures/failure.ts';
import type { InheritedSocket } from './inherited-socket.ts';
import type { EndpointOutcomes } from './outcome.ts';
import type { ErrorBody, RouteTraffic } from './route-traffic.ts';
import type { RouteOverlay } from './overlay.ts';
import type { FeatureMessages } from './feature.ts';
import type { OwnSocket, PassedSocket } from './passed-socket.ts';
import type { Snapshot, UpstreamDelta } from './snapshot.ts';
import type { RecordRingMemory } from './record-ring-memory.ts';
import type { SnapshotPart } from './snapshot-parts.ts';
import type { SharedMemory } from './shared-memory.ts';
import type { ManagedTls } from './managed-tls.ts';
import type { AskedName } from './on-demand.ts';
import type { EndpointCertificate, FailedHandshakes } from './tls-server.ts';
import type { Http2ErrorCount } from './http2-error.ts';
import type { Http2LimitCount } from './http2-limit.ts';
import type { WaitingRequests } from './waiting-requests.ts';

/** Everything that a worker needs at start. */
export interface WorkerInit {
  /** Increases with each worker of this process; used in records, events and metrics. */
  readonly worker: number;
  /** Its index in the shared memory; another worker gets it when this one is gone. */
  readonly workerIndex: number;
  readonly shared: SharedMemory;
  readonly member: string;
  readonly processStartedUnixMs: number;
  /** What records call this process: six characters, explained by the header line of the log. */
  readonly processKey: string;
  readonly inheritedSockets: readonly InheritedSocket[];
  /** Sockets of the predecessor that this worker accepts from. */
  readonly passedSockets: readonly PassedSocket[];
  /** Sockets of the main thread that this worker accepts from, at duplicates of its own. */
  readonly heldSockets: readonly PassedSocket[];
  /** One Int32: active exchanges. The main thread reads it after the worker has ended, too. */
  readonly exchangesActive: SharedArrayBuffer;
  /** One Int32 that changes when an exchange ends: the main thread reads it instead of asking whether the worker answers. */
  readonly exchangesEnded: SharedArrayBuffer;
  /** The worker writes its records there; the logger reads them. */
  readonly recordRing: RecordRingMemory;
  /** The worker writes what is stored there; the store reads it. */
  readonly storeRing: RecordRingMemory;
  /** The worker writes what is exported there; the exporter of OTLP reads it. */
  readonly otlpRing: RecordRingMemory;
  /** 48 random bytes, from which all workers derive the keys of TLS session tickets. */
  readonly ticketKey: Uint8Array;
  readonly managedTls: ManagedTls;
}

/** How a worker drains. */
export interface DrainPlan {
  /** The reason that records give for a request or tunnel that is force closed. */
  readonly why: ForceCloseReason;
  /** 'end': tunnels end when the listeners close; 'wait': they may last until they are force closed. */
  readonly tunnels: 'wait' | 'end';
  /** For how long an idle connection may still send one last request. */
  readonly idleMs: number;
  /** Another process listens on the same ports and answers for readiness, so readiness does not fail here. */
  readonly hasSuccessor: boolean;
}

/** From the main thread to a worker. */
export type ToWorker =
  /** Open new listeners and hold connections there; answer 'prepared' or 'rejected'. The active snapshot stays in use. */
  | {
      readonly kind: 'prepare';
      readonly snapshot: Snapshot;
      /** The number of parts in which upstreams and routes follow; the worker asks for each. 0: the snapshot has them. */
      readonly parts: number;
    }
  | { readonly kind: 'part'; readonly revision: number; readonly part: SnapshotPart }
  /** Every worker has prepared it: make it active, and answer 'applied'. */
  | { readonly kind: 'activate'; readonly revision: number }
  /** Not every worker could prepare it: close listeners that were opened for it. */
  | { readonly kind: 'discard'; readonly revision: number }
  | { readonly kind: 'delta'; readonly delta: UpstreamDelta }
  /** The overlay of routes; it needs no answer, and no second phase. */
  | { readonly kind: 'overlay'; readonly overlay: RouteOverlay }
  /** What a feature's part in the main thread has published for its parts in workers. */
  | { readonly kind: 'feature-states'; readonly feature: string; readonly states: FeatureMessages }
  /** Go on serving, but close each connection after its next response, and let readiness fail. */
  | { readonly kind: 'announce-close' }
  /** Close listeners and idle connections; answer 'drained' when the last request has finished. */
  | { readonly kind: 'drain'; readonly plan: DrainPlan }
  /** The drain time is over: force close requests in flight, and answer 'drained'. */
  | { readonly kind: 'force-close'; readonly atOnce: boolean }
  /** The instance is about to be stopped: close its tunnels. */
  | { readonly kind: 'end-tunnels'; readonly instance: EndingInstance }
  /** Also accept from this socket of the main thread, at a duplicate: its own worker does not answer. */
  | { readonly kind: 'stand-in'; readonly socket: PassedSocket }
  /** Stop accepting from the socket with this link. */
  | { readonly kind: 'stand-down'; readonly link: string }
  /** Send a batch now: an operator asked for the counts. */
  | { readonly kind: 'report' }
  /** Derive the keys of TLS session tickets from this one from now on. */
  | { readonly kind: 'ticket-key'; readonly key: Uint8Array }
  /** Use these certificates, where they are not null, and show these challenges; answer 'managed-tls-applied'. */
  | {
      readonly kind: 'managed-tls';
      readonly number: number;
      readonly certificates: ManagedTls['certificates'] | null;
      readonly challenges: ManagedTls['challenges'];
    }
  /** Answer 'pong'. */
  | { readonly kind: 'ping' };

/** From a worker to the main thread. */
export type FromWorker =
  /** Its modules are loaded: from now on it answers at once. */
  | { readonly kind: 'ready' }
  /** Send this part: the worker has taken the ones before. */
  | { readonly kind: 'send-part'; readonly revision: number; readonly index: number }
  /** All listeners of the revision are open, and connections to them are held. */
  | { readonly kind: 'prepared'; readonly revision: number; readonly listeners: readonly OpenListener[] }
  /** The revision is active. `sockets`: opened or adopted by the worker, which accepts from them. */
  | { readonly kind: 'applied'; readonly revision: number; readonly sockets: readonly OwnSocket[] }
  /** Nothing has changed: the worker goes on with the revision it had. */
  | {
      readonly kind: 'rejected';
      readonly revision: number;
      readonly failures: readonly ListenProblem[];
      /** Why it cannot be prepared, where it is not a listener's; one clause. */
      readonly why?: string;
    }
  | {
      readonly kind: 'batch';
      readonly exchanges: ExchangeCount[];
      /** By endpoint, method and status. */
      readonly responses: readonly EndpointResponses[];
      readonly stages: readonly StageTimes[];
      /** Absent in a batch that is sent early. */
      readonly thread?: ThreadFigures;
      readonly outcomes: readonly EndpointOutcomes[];
      /** Of routes at endpoints; in a batch that is sent early, only those of endpoints whose state is not the usual one. */
      readonly routes: readonly RouteTraffic[];
      /** Of 5xx that applications have answered, some of the newest; absent: there are none. */
      readonly errorBodies?: readonly ErrorBody[];
      /** What parts of features report, by feature; absent: nothing. */
      readonly features?: Readonly<Record<string, FeatureMessages>>;
      /** Endpoints that have refused connections; absent: none has. */
      readonly refused?: readonly EndpointId[];
      /** Draining endpoints to which this worker has no request in flight any more. */
      readonly drained: readonly string[];
      readonly counts: WorkerCounts;
      readonly failedHandshakes: readonly FailedHandshakes[];
      readonly http2Limits: readonly Http2LimitCount[];
      readonly http2Errors: readonly Http2ErrorCount[];
      /** Names that clients have asked for, of those for which certificates are obtained on demand. */
      readonly askedNames: readonly AskedName[];
      /** Certificates that endpoints have shown: those that are new. */
      readonly certificates: readonly EndpointCertificate[];
      /** Requests that wait in this worker now. */
      readonly waiting: readonly WaitingRequests[];
    }
  | { readonly kind: 'managed-tls-applied'; readonly number: number }
  /** The worker cannot accept from this socket of the main thread: making the duplicate failed. */
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

export type WorkerBatch = Extract<FromWorker, { kind: 'batch' }>;
