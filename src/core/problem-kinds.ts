/** What a problem says of the verdict that `candor status` begins with. */
interface ProblemRule {
  /**
   * 'gateway': the gateway is not well. 'release': a release of the application is not ready. 'upstream': the upstreams of the application are
   * not well, and so the gateway. Null: the problem changes no verdict, since no request of other clients has failed, or since the verdict is judged by the
   * endpoints themselves; people are to know of it.
   */
  readonly verdict: 'gateway' | 'release' | 'upstream' | null;
}

/** Every problem that a status may have; docs/cli.md says when each is told. */
export const problemKinds = {
  workers_missing: { verdict: 'gateway' },
  /** One was lost in the last minute, with the requests that it had in flight. */
  worker_lost: { verdict: 'gateway' },
  /** One does not answer: its requests wait. */
  worker_silent: { verdict: 'gateway' },
  /** They had to be replaced again and again, and have not run for five minutes since. */
  workers_failing: { verdict: 'gateway' },
  /** The last reload was refused, so that an earlier configuration is active. */
  configuration_refused: { verdict: 'gateway' },
  worker_sheds: { verdict: 'gateway' },
  descriptors_scarce: { verdict: 'gateway' },
  /** The configuration may need more than the process may have. Nothing has failed yet. */
  descriptors_few: { verdict: null },
  clients_refused: { verdict: 'gateway' },
  /** Clients of HTTP/2 reached a limit; others are served. */
  http2_limits_reached: { verdict: null },
  log_failing: { verdict: 'gateway' },
  store_failing: { verdict: 'gateway' },
  /** An application prints more than is stored. */
  output_left_out: { verdict: null },
  otlp_failing: { verdict: 'gateway' },
  replacement_failing: { verdict: 'release' },
  /** An instance ends again and again: one that was ready, or one that never was while no instance of an earlier configuration serves. */
  crash_loop: { verdict: 'upstream' },
  /** A start takes longer than it may, and no earlier instance serves. */
  application_not_ready: { verdict: 'upstream' },
  /** No endpoint of an upstream has been available for ten seconds, or for a minute since the start. */
  upstream_unavailable: { verdict: null },
  alerts_failing: { verdict: 'gateway' },
  disk_nearly_full: { verdict: 'gateway' },
} as const satisfies Readonly<Record<string, ProblemRule>>;

export type ProblemKind = keyof typeof problemKinds;

/** Those that make the verdict of the application's upstreams `degraded`. */
export type ApplicationProblemKind = {
  [K in ProblemKind]: (typeof problemKinds)[K]['verdict'] extends 'upstream' ? K : never;
}[ProblemKind];

export const problemKindNames = Object.keys(problemKinds) as readonly ProblemKind[];
