/** What a problem says of the verdict that `candor status` begins with. */
interface ProblemRule {
  /**
   * 'gateway': the gateway is not well. 'release': a release of the application is not ready. 'upstream': the upstreams of the application are
   * not well, and so the gateway. Null: the problem changes no verdict, since no request of other clients has failed, or since the verdict is judged by the
   * endpoints themselves; people are to know of it.
   */
  readonly verdict: 'gateway' | 'release' | 'upstream' | null;
  /** What the verdict says of a problem of the gateway. */
  readonly clause?: string;
}

/** Every problem that a status may have; docs/cli.md says when each is told. */
export const problemKinds = {
  workers_missing: { verdict: 'gateway', clause: 'a worker is missing' },
  /** One was lost in the last minute, with the requests that it had in flight. */
  worker_lost: { verdict: 'gateway', clause: 'a worker was lost, with its requests' },
  /** One does not answer: its requests wait. */
  worker_silent: { verdict: 'gateway', clause: 'a worker does not answer' },
  /** They had to be replaced again and again, and have not run for five minutes since. */
  workers_failing: { verdict: 'gateway', clause: 'workers fail again and again' },
  /** The last reload was refused, so that an earlier configuration is active. */
  configuration_refused: {
    verdict: 'gateway',
    clause: 'the last configuration was refused, and an earlier one is active',
  },
  worker_sheds: { verdict: 'gateway', clause: 'a worker has more to do than it can, or hardly any memory left' },
  descriptors_scarce: { verdict: 'gateway', clause: 'hardly any descriptor is left' },
  /** The configuration may need more than the process may have. Nothing has failed yet. */
  descriptors_few: { verdict: null },
  clients_refused: { verdict: 'gateway', clause: 'clients are refused' },
  /** Clients of HTTP/2 reached a limit; others are served. */
  http2_limits_reached: { verdict: null },
  /** A limit refuses many requests of clients, as it is to. */
  limit_refuses: { verdict: null },
  log_failing: { verdict: 'gateway', clause: 'the log fails' },
  store_failing: { verdict: 'gateway', clause: 'the store fails' },
  /** An application prints more than is stored. */
  output_left_out: { verdict: null },
  otlp_failing: { verdict: 'gateway', clause: 'the export to the collector fails' },
  replacement_failing: { verdict: 'release' },
  /** An instance ends again and again: one that was ready, or one that never was while no instance of an earlier configuration serves. */
  crash_loop: { verdict: 'upstream' },
  /** A start takes longer than it may, and no earlier instance serves. */
  application_not_ready: { verdict: 'upstream' },
  /** The last run of a job has failed, or it could not be started. No request has failed for it. */
  job_failing: { verdict: null },
  /** What applications depend on is down, or degraded by its own account. Whether requests fail for it, incidents say. */
  dependency_failing: { verdict: null },
  /** No endpoint of an upstream has been available for ten seconds, or for a minute since the start. */
  upstream_unavailable: { verdict: null },
  alerts_failing: { verdict: 'gateway', clause: 'alerts are not delivered' },
  /** Times before it are of another clock. No request has failed for it. */
  clock_changed: { verdict: null },
  disk_nearly_full: { verdict: 'gateway', clause: 'a disk is nearly full' },
} as const satisfies Readonly<Record<string, ProblemRule>>;

export type ProblemKind = keyof typeof problemKinds;

/** Those that make the verdict of the application's upstreams `degraded`. */
export type ApplicationProblemKind = {
  [K in ProblemKind]: (typeof problemKinds)[K]['verdict'] extends 'upstream' ? K : never;
}[ProblemKind];

export const problemKindNames = Object.keys(problemKinds) as readonly ProblemKind[];
