import type { WorkerCounts } from '../../core/counters.ts';
import { endpointStates } from '../../core/endpoint.ts';
import type { ConnectionRefusalReason } from '../../core/event.ts';
import type { Sample } from '../../core/metric-family.ts';
import type { Clock } from '../../core/time.ts';
import { waitingFamilies } from '../../core/waiting-requests.ts';
import { mainFeatures } from '../../features/main.ts';
import type { Gateway } from '../gateway-status.ts';
import { addExchangeMetrics } from './exchange-metrics.ts';
import { programFamilies } from './program-metrics.ts';
import { type MetricsFormat, metricsContentTypes, MetricsText, labelText } from './metrics-text.ts';
import type { GatewayStatus, OtlpStatus } from '../../core/schemas/status.ts';
import { stageBoundsMs } from '../../core/attempt-counts.ts';
import { inTurns } from '../../core/turns.ts';
import { loopDelayBoundsMs } from '../../core/thread-figures.ts';
import { threadCpuSeconds } from '../../system/system.ts';

const loopDelay = 'candor_worker_event_loop_delay_seconds';
const loopDelayBoundsS: readonly number[] = loopDelayBoundsMs.map((bound) => bound / 1000);

type Threads = ReturnType<Gateway['counts']>['threads'];

/** The process: under the names that Prometheus' client libraries give it, and what its threads use. */
function addProcessMetrics(text: MetricsText, status: GatewayStatus, threads: Threads): void {
  text.metric('candor_build_info', 'The version of the program and of Node; the value is 1.', [
    [{ version: status.version, node: process.version }, 1],
  ]);
  const { user, system } = process.cpuUsage();
  text.metric('process_cpu_seconds_total', 'Processor time of all threads of the process.', [
    [{}, (user + system) / 1e6],
  ]);
  text.metric('process_resident_memory_bytes', 'Resident memory of the process.', [[{}, process.memoryUsage.rss()]]);
  text.metric('process_start_time_seconds', 'When the process started, in seconds since the Unix epoch.', [
    [{}, Date.parse(status.startedAt) / 1000],
  ]);
  text.metric('candor_thread_cpu_seconds_total', 'Processor time of the main thread and of each worker.', [
    [{ thread: 'main' }, threadCpuSeconds()],
    ...threads.map(({ worker, figures }): Sample => [{ thread: `worker ${worker}` }, figures.cpuS]),
  ]);
  text.metric(
    'candor_worker_heap_bytes',
    'Memory in use in the heap of each worker.',
    threads.map(({ worker, figures }) => [{ worker: String(worker) }, figures.heapBytes]),
  );
  text.family(
    loopDelay,
    'histogram',
    'How late a timer fires in each worker, which is due four times a second: for so long its event loop was busy.',
  );
  for (const { worker, figures } of threads)
    text.histogram(loopDelay, `worker="${worker}"`, loopDelayBoundsS, {
      cells: figures.loopDelays,
      sum: figures.loopDelayMsSum / 1000,
    });
}

const responsesTotal = 'candor_endpoint_responses_total';
const stageDuration = 'candor_stage_duration_seconds';
const stageBoundsS: readonly number[] = stageBoundsMs.map((bound) => bound / 1000);

type AttemptCounts = Pick<ReturnType<Gateway['counts']>, 'responses' | 'releases' | 'stages'>;

/** What workers count of attempts: responses by endpoint, method and status, and the times of stages by upstream. */
async function addAttemptMetrics(
  text: MetricsText,
  { responses, releases, stages }: AttemptCounts,
  clock: Clock,
): Promise<void> {
  text.family(
    responsesTotal,
    'counter',
    'Attempts by endpoint, method and exact status of the response; status is none if no response came.',
  );
  await inTurns(responses, clock, ({ upstream, endpoint, method, status, count }) => {
    const labels = `upstream="${labelText(upstream)}",endpoint="${labelText(endpoint)}",method="${method}",status="${status === 0 ? 'none' : status}"`;
    text.add(`${responsesTotal}{${labels}} ${count}\n`);
  });
  if (releases.length > 0)
    text.metric(
      'candor_release_responses_total',
      'Attempts at releases of applications, by upstream, release and class of the status; none if no response came.',
      releases.map(({ upstream, release, statusClass, count }) => [
        { upstream, release, status_class: statusClass },
        count,
      ]),
    );
  text.family(
    stageDuration,
    'histogram',
    'How long the stages of an attempt took: queue, dns, connect, tls, send, wait (until the response begins), body; first_byte is from the begin of the exchange to the head of the response.',
  );
  await inTurns(stages, clock, ({ upstream, stage, cells, sumMs, exemplars }) => {
    const labels = `upstream="${labelText(upstream)}",stage="${stage}"`;
    const inSeconds = exemplars.map((one) => (one === null ? null : { ...one, value: one.ms / 1000 }));
    text.histogram(stageDuration, labels, stageBoundsS, { cells, sum: sumMs / 1000, exemplars: inSeconds });
  });
}

/**
 * All counters of the gateway, in Prometheus' text format or in OpenMetrics, in parts. Created at each scrape from totals that
 * only grow, so nothing is counted twice and this class keeps no state.
 *
 * Labels are bounded: routes, upstreams and endpoints come from the configuration, the rest from unions.
 * Paths, hosts, clients and request ids are never labels.
 */
export async function metricsText(
  gateway: Pick<Gateway, 'counts' | 'status' | 'jobs'>,
  clock: Clock,
  format: MetricsFormat = 'prometheus',
): Promise<{ contentType: string; parts: readonly Uint8Array[] }> {
  const text = new MetricsText(format);
  const counts = gateway.counts();
  await addExchangeMetrics(text, counts.exchanges, clock);
  await addAttemptMetrics(text, counts, clock);
  const status = gateway.status();
  addProcessMetrics(text, status, counts.threads);
  addWorkers(text, counts.workers);
  addWorkerStates(text, status.workers, counts.workersLost);
  addState(text, status);
  for (const { name, help, samples } of programFamilies(counts.programs, gateway.jobs(), status.applications))
    text.metric(name, help, samples);
  addFeatures(text, status);
  addTls(text, status, counts.failedHandshakes);
  addHttp2(text, counts);
  text.metric(
    'candor_log_dropped_total',
    'Lines of the exchange log that were dropped so that no exchange was delayed.',
    [[{}, counts.logDropped]],
  );
  text.metric(
    'candor_store_lost_total',
    'Records of exchanges, events, lines of applications and notes about their processes that were to be stored and were lost, so that no exchange was delayed.',
    [[{}, counts.storeLost]],
  );
  addOtlpMetrics(text, counts.otlp);
  return { contentType: metricsContentTypes[format], parts: text.end() };
}

type StaleReuse = 'staleReusesAvoided' | 'staleReusesRetried' | 'staleReusesFailed';

type Refused =
  | 'refusedAtMax'
  | 'refusedAtAddressMax'
  | 'refusedUncounted'
  | 'refusedWithoutDescriptor'
  | 'refusedWithoutMemory';

const refusals: readonly (readonly [key: Refused, reason: ConnectionRefusalReason])[] = [
  ['refusedAtMax', 'connections_max'],
  ['refusedAtAddressMax', 'connections_per_address_max'],
  ['refusedUncounted', 'not_counted'],
  ['refusedWithoutDescriptor', 'descriptors'],
  ['refusedWithoutMemory', 'memory'],
];

type Buffered = 'bufferedRequestBytes' | 'bufferedResponseBytes';

type Total = Exclude<
  keyof WorkerCounts,
  | 'worker'
  | 'lastRefusedAddress'
  | 'lastAddressAtMax'
  | 'lastDelayedHandshake'
  | 'clientConnectionsRefused'
  | 'descriptorsScarce'
  | Refused
  | StaleReuse
  | Buffered
>;

const staleReuses: readonly (readonly [key: StaleReuse, outcome: string])[] = [
  ['staleReusesAvoided', 'avoided'],
  ['staleReusesRetried', 'retried'],
  ['staleReusesFailed', 'failed'],
];

const workerMetrics: readonly (readonly [key: Total, name: string, help: string])[] = [
  ['clientConnections', 'candor_client_connections', 'Client connections that are open.'],
  ['clientConnectionsTotal', 'candor_client_connections_total', 'Client connections that were accepted.'],
  [
    'clientConnectionsDelayed',
    'candor_client_connections_delayed_total',
    'Client connections that waited before they were served, because their address had flooded the gateway over HTTP/2.',
  ],
  [
    'closedForDescriptors',
    'candor_connections_closed_for_descriptors_total',
    'Idle connections that were closed because hardly any descriptor was left.',
  ],
  [
    'handshakesDelayed',
    'candor_tls_handshakes_delayed_total',
    'TLS handshakes of clients that waited before they began, because their address had begun too many (`client.tls_handshake_rate_max`).',
  ],
  ['exchangesActive', 'candor_exchanges_active', 'Exchanges in flight.'],
  ['tunnelsActive', 'candor_tunnels_active', 'Exchanges in flight that have become tunnels (WebSockets).'],
  [
    'upstreamConnections',
    'candor_upstream_connections',
    'Connections to endpoints that are open, including idle ones.',
  ],
  [
    'upstreamConnectionsIdle',
    'candor_upstream_connections_idle',
    'Connections to endpoints that wait for their next exchange.',
  ],
  [
    'upstreamConnectionsLongLived',
    'candor_upstream_connections_long_lived',
    'Connections to endpoints that carry a tunnel (WebSocket) or a stream of events: they are not among those that `connections.max` limits.',
  ],
  ['upstreamConnectionsTotal', 'candor_upstream_connections_total', 'Connections to endpoints that were opened.'],
  ['retriesTotal', 'candor_retries_total', 'Attempts that followed another attempt of the same exchange.'],
  ['hedgesTotal', 'candor_hedges_total', 'Attempts that were made beside one that took longer than most (hedge).'],
  [
    'retriesOverBudgetTotal',
    'candor_retries_over_budget_total',
    'Retries that were not made because the retry budget of the upstream was used up.',
  ],
  [
    'readyWaiters',
    'candor_requests_waiting_for_endpoint',
    'Requests that wait until an endpoint is ready (when_none_ready).',
  ],
  [
    'readyWaitsTotal',
    'candor_requests_waited_for_endpoint_total',
    'Requests that began to wait until an endpoint was ready (when_none_ready).',
  ],
  ['upstreamReusesTotal', 'candor_upstream_reuses_total', 'Attempts on a connection that was already open.'],
  [
    'unclassifiedTotal',
    'candor_unclassified_total',
    'Failures without an entry in the failure table. A value above 0 is a defect of Candor.',
  ],
];

function addWorkers(text: MetricsText, workers: readonly WorkerCounts[]): void {
  const sum = (key: Total | StaleReuse | Refused | Buffered): number =>
    workers.reduce((total, worker) => total + worker[key], 0);
  for (const [key, name, help] of workerMetrics) text.metric(name, help, [[{}, sum(key)]]);
  text.metric(
    'candor_buffered_bytes',
    'Bytes of bodies that wait in buffers because their client is slow, by direction. `client.buffer_max` limits them in each worker.',
    [
      [{ direction: 'request' }, sum('bufferedRequestBytes')],
      [{ direction: 'response' }, sum('bufferedResponseBytes')],
    ],
  );
  text.metric(
    'candor_stale_reuses_total',
    'Idle connections that the endpoint closed while a request was sent on them, by whether it was retried.',
    staleReuses.map(([key, outcome]) => [{ outcome }, sum(key)]),
  );
  text.metric(
    'candor_client_connections_refused_total',
    'Client connections that were reset, or answered with the reason and closed, by the limit that refused them.',
    refusals.map(([key, reason]) => [{ reason }, sum(key)]),
  );
}

/** Features and upstreams may have samples of the same metric. */
function addFeatures(text: MetricsText, status: GatewayStatus): void {
  const ofUpstreams = status.upstreams.map(({ id, waiting }) => ({ kind: 'upstream', id, waiting }));
  const families = [...mainFeatures.flatMap(({ metrics }) => metrics?.(status) ?? []), ...waitingFamilies(ofUpstreams)];
  for (const [name, same] of Map.groupBy(families, (family) => family.name))
    text.metric(
      name,
      same[0]?.help ?? '',
      same.flatMap(({ samples }) => samples),
    );
}

function addHttp2(text: MetricsText, { http2Limits, http2Errors }: ReturnType<Gateway['counts']>): void {
  text.metric(
    'candor_http2_limits_reached_total',
    'How many connections of HTTP/2 clients reached a limit, by listener and limit. The gateway ends them, except at `abandoned`: there the client did.',
    http2Limits.map(({ listener, limit, count }) => [{ listener, limit }, count]),
  );
  text.metric(
    'candor_http2_connection_errors_total',
    'HTTP/2 connections of clients that were ended because a frame broke a rule of RFC 9113 or did not come to its end, or because the gateway refused the connection, by listener and error.',
    http2Errors.map(({ listener, code, count }) => [{ listener, code }, count]),
  );
}

function addTls(
  text: MetricsText,
  { listeners, upstreams }: GatewayStatus,
  failed: ReturnType<Gateway['counts']>['failedHandshakes'],
): void {
  text.metric(
    'candor_tls_handshakes_failed_total',
    'TLS handshakes of clients that failed, by listener and reason.',
    failed.map(({ listener, reason, count }) => [{ listener, reason }, count]),
  );
  text.metric(
    'candor_tls_certificate_not_after_seconds',
    'When the certificates of listeners expire, in seconds since the Unix epoch, by their first name.',
    listeners.flatMap(({ id, certificates }) =>
      certificates.map(
        ({ names, notAfter }): Sample => [{ listener: id, name: names[0] ?? '' }, Date.parse(notAfter) / 1000],
      ),
    ),
  );
  text.metric(
    'candor_upstream_certificate_not_after_seconds',
    'When the certificates expire that endpoints have shown, in seconds since the Unix epoch.',
    upstreams.flatMap(({ id, endpoints }) =>
      endpoints.flatMap(({ address, certificate }): Sample[] =>
        certificate === null ? [] : [[{ upstream: id, endpoint: address }, Date.parse(certificate.notAfter) / 1000]],
      ),
    ),
  );
}

const workerStates = ['starting', 'serving', 'retiring', 'lost'] as const;

/** Gauges of each current worker. A worker id is never used twice, so no value stays for a worker that is gone. */
function addWorkerStates(text: MetricsText, workers: GatewayStatus['workers'], lost: number): void {
  text.metric(
    'candor_workers',
    'Workers by state. A lost worker is counted until its replacement starts.',
    workerStates.map((state) => [{ state }, workers.filter((one) => one.state === state).length]),
  );
  text.metric('candor_workers_lost_total', 'Workers that crashed, hung, or ran out of memory.', [[{}, lost]]);
  const current = workers.filter(({ state }) => state !== 'lost');
  text.metric(
    'candor_worker_exchanges_active',
    'Exchanges in flight in each worker.',
    current.map(({ id, exchangesActive }) => [{ worker: String(id) }, exchangesActive]),
  );
  text.metric(
    'candor_worker_client_connections',
    'Client connections that are open in each worker.',
    current.map(({ id, clientConnections }) => [{ worker: String(id) }, clientConnections]),
  );
}

function addState(text: MetricsText, status: GatewayStatus): void {
  text.metric(
    'candor_endpoints',
    'Endpoints of each upstream, by state.',
    status.upstreams.flatMap(({ id, endpoints }) =>
      endpointStates.map(
        (state): Sample => [{ upstream: id, state }, endpoints.filter((endpoint) => endpoint.state === state).length],
      ),
    ),
  );
  text.metric(
    'candor_instance_restarts_total',
    'How often instances of an application were restarted.',
    status.applications.map(({ id, instances }) => [
      { application: id },
      instances.reduce((total, instance) => total + instance.restarts, 0),
    ]),
  );
  text.metric('candor_configuration_revision', 'Revision of the active configuration.', [[{}, status.revision]]);
  text.metric('candor_uptime_seconds', 'Time since this process started.', [[{}, status.uptimeS]]);
}

/** What the exporter of OTLP has done. */
function addOtlpMetrics(text: MetricsText, signals: OtlpStatus['signals']): void {
  text.metric(
    'candor_otlp_exported_total',
    'Spans, log records and data points that the OTLP collector has taken, by signal.',
    signals.map(({ signal, exported }) => [{ signal }, exported]),
  );
  text.metric(
    'candor_otlp_dropped_total',
    'Spans, log records and data points that were dropped, so that no exchange was delayed, by signal and reason.',
    signals.flatMap(({ signal, dropped }) => dropped.map(({ reason, count }) => [{ signal, reason }, count] as const)),
  );
  text.metric(
    'candor_otlp_requests_failed_total',
    'Requests to the OTLP collector that it did not answer, or not with success, by signal.',
    signals.map(({ signal, failedRequests }) => [{ signal }, failedRequests]),
  );
}
