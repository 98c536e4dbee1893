import { Counter, Gauge, Registry } from '@prometheus-io/client';
import type { WorkerCounts } from '../core/counters.ts';
import { endpointStates } from '../core/endpoint.ts';
import type { ConnectionRefusalReason } from '../core/event.ts';
import type { Clock } from '../core/time.ts';
import type { Gateway, GatewayStatus } from '../control/gateway-status.ts';
import { exchangeMetrics } from './exchange-metrics.ts';

/**
 * All counters of the gateway, in Prometheus' text format, in parts. Created at each scrape from totals that
 * only grow, so nothing is counted twice and this class keeps no state.
 *
 * Labels are bounded: routes, upstreams and endpoints come from the configuration, the rest from unions.
 * Paths, hosts, clients and request ids are never labels.
 */
export async function metricsText(
  gateway: Pick<Gateway, 'counts' | 'status'>,
  clock: Clock,
): Promise<{ contentType: string; parts: readonly Uint8Array[] }> {
  const registry = new Registry();
  const counts = gateway.counts();
  const status = gateway.status();
  addWorkers(registry, counts.workers);
  addWorkerStates(registry, status.workers, counts.workersLost);
  addState(registry, status);
  counter(
    registry,
    'candor_log_dropped_total',
    'Lines of the exchange log that were dropped so that no exchange was delayed.',
    counts.logDropped,
  );
  const others = Buffer.from(await registry.metrics());
  return { contentType: registry.contentType, parts: [...(await exchangeMetrics(counts.exchanges, clock)), others] };
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

type Total = Exclude<
  keyof WorkerCounts,
  | 'worker'
  | 'lastRefusedAddress'
  | 'lastAddressAtMax'
  | 'clientConnectionsRefused'
  | 'descriptorsScarce'
  | Refused
  | StaleReuse
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
    'closedForDescriptors',
    'candor_connections_closed_for_descriptors_total',
    'Idle connections that were closed because hardly any descriptor was left.',
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
  ['upstreamConnectionsTotal', 'candor_upstream_connections_total', 'Connections to endpoints that were opened.'],
  ['upstreamReusesTotal', 'candor_upstream_reuses_total', 'Attempts on a connection that was already open.'],
  [
    'unclassifiedTotal',
    'candor_unclassified_total',
    'Failures without an entry in the failure table. A value above 0 is a defect of Candor.',
  ],
];

function addWorkers(registry: Registry, workers: readonly WorkerCounts[]): void {
  for (const [key, name, help] of workerMetrics) {
    const sum = workers.reduce((total, worker) => total + worker[key], 0);
    if (name.endsWith('_total')) counter(registry, name, help, sum);
    else new Gauge({ name, help, registers: [registry] }).set(sum);
  }
  const stale = new Counter({
    name: 'candor_stale_reuses_total',
    help: 'Idle connections that the endpoint closed while a request was sent on them, by whether it was retried.',
    labelNames: ['outcome'] as const,
    registers: [registry],
  });
  const refused = new Counter({
    name: 'candor_client_connections_refused_total',
    help: 'Client connections that were reset, or answered with the reason and closed, by the limit that refused them.',
    labelNames: ['reason'] as const,
    registers: [registry],
  });
  for (const [key, reason] of refusals) {
    refused.inc(
      { reason },
      workers.reduce((total, worker) => total + worker[key], 0),
    );
  }
  for (const [key, outcome] of staleReuses) {
    stale.inc(
      { outcome },
      workers.reduce((total, worker) => total + worker[key], 0),
    );
  }
}

const workerStates = ['starting', 'serving', 'retiring', 'lost'] as const;

/** Gauges of each current worker. A worker id is never used twice, so no value stays for a worker that is gone. */
function addWorkerStates(registry: Registry, workers: GatewayStatus['workers'], lost: number): void {
  const registers = [registry];
  const states = new Gauge({
    name: 'candor_workers',
    help: 'Workers by state. A lost worker is counted until its replacement starts.',
    labelNames: ['state'] as const,
    registers,
  });
  for (const state of workerStates) states.set({ state }, workers.filter((one) => one.state === state).length);
  counter(registry, 'candor_workers_lost_total', 'Workers that crashed, hung, or ran out of memory.', lost);
  const labelNames = ['worker'] as const;
  const exchanges = new Gauge({
    name: 'candor_worker_exchanges_active',
    help: 'Exchanges in flight in each worker.',
    labelNames,
    registers,
  });
  const clients = new Gauge({
    name: 'candor_worker_client_connections',
    help: 'Client connections that are open in each worker.',
    labelNames,
    registers,
  });
  for (const { id, state, exchangesActive, clientConnections } of workers) {
    if (state === 'lost') continue;
    exchanges.set({ worker: String(id) }, exchangesActive);
    clients.set({ worker: String(id) }, clientConnections);
  }
}

function addState(registry: Registry, status: GatewayStatus): void {
  const registers = [registry];
  const endpoints = new Gauge({
    name: 'candor_endpoints',
    help: 'Endpoints of each upstream, by state.',
    labelNames: ['upstream', 'state'] as const,
    registers,
  });
  for (const upstream of status.upstreams) {
    for (const state of endpointStates) {
      const count = upstream.endpoints.filter((endpoint) => endpoint.state === state).length;
      endpoints.set({ upstream: upstream.id, state }, count);
    }
  }
  const restarts = new Counter({
    name: 'candor_instance_restarts_total',
    help: 'How often instances of an application were restarted.',
    labelNames: ['application'] as const,
    registers,
  });
  for (const application of status.applications) {
    const sum = application.instances.reduce((total, instance) => total + instance.restarts, 0);
    restarts.inc({ application: application.id }, sum);
  }
  new Gauge({
    name: 'candor_configuration_revision',
    help: 'Revision of the active configuration.',
    registers,
  }).set(status.revision);
  new Gauge({ name: 'candor_uptime_seconds', help: 'Time since this process started.', registers }).set(status.uptimeS);
}

function counter(registry: Registry, name: string, help: string, value: number): void {
  new Counter({ name, help, registers: [registry] }).inc(value);
}
