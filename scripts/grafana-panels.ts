/** A panel of the Grafana dashboard. */
export interface Panel {
  readonly title: string;
  readonly says: string;
  /** Width in Grafana's grid of 24 columns. */
  readonly width: number;
  readonly kind: 'timeseries' | 'stat' | 'heatmap' | 'table';
  readonly unit: string;
  readonly queries: readonly Query[];
  /** Values of one moment are stacked. */
  readonly isStacked?: true;
}

interface Query {
  readonly expression: string;
  readonly legend: string;
  /** Exemplars lead from a time to the trace of an exchange. */
  readonly hasExemplars?: true;
}

interface Row {
  readonly title: string;
  readonly panels: readonly Panel[];
}

const of = 'instance=~"$instance"';
const ofUpstream = `${of},upstream=~"$upstream"`;
const rate = '$__rate_interval';
const failed = 'shape=~"unreachable|too_slow|reset|garbage|app_error"';

function quantile(share: number, metric: string, selector: string, by: string): string {
  return `histogram_quantile(${share}, sum by (${by}, le) (rate(${metric}_bucket{${selector}}[${rate}])))`;
}

/** What the dashboard shows, in its order: first whether requests fail, then why, then what the gateway needs. */
export const rows: readonly Row[] = [
  {
    title: 'Requests',
    panels: [
      {
        ...{
          title: 'Requests',
          says: 'By how they ended.',
          width: 8,
          kind: 'timeseries',
          unit: 'reqps',
          isStacked: true,
        },
        queries: [
          {
            expression: `sum by (status_class) (rate(candor_exchanges_total{${ofUpstream}}[${rate}]))`,
            legend: '{{status_class}}',
          },
        ],
      },
      {
        ...{ title: 'Shape of failures', says: 'What went wrong; refused_by_gateway is the gateway itself.', width: 8 },
        ...{ kind: 'timeseries', unit: 'reqps', isStacked: true },
        queries: [
          {
            expression: `sum by (shape) (rate(candor_exchanges_total{${ofUpstream},shape!~"none|client_abort"}[${rate}]))`,
            legend: '{{shape}}',
          },
        ],
      },
      {
        ...{
          title: 'Share of failed requests',
          says: 'Without clients that left.',
          width: 8,
          kind: 'timeseries',
          unit: 'percentunit',
        },
        queries: [
          {
            expression: `sum by (upstream) (rate(candor_exchanges_total{${ofUpstream},${failed}}[${rate}])) / sum by (upstream) (rate(candor_exchanges_total{${ofUpstream}}[${rate}]))`,
            legend: '{{upstream}}',
          },
        ],
      },
      {
        ...{
          title: 'Causes',
          says: 'What exactly failed; docs/failures.md explains each.',
          width: 12,
          kind: 'timeseries',
          unit: 'reqps',
          isStacked: true,
        },
        queries: [
          {
            expression: `sum by (upstream, cause) (rate(candor_exchanges_total{${ofUpstream},cause!="none"}[${rate}]))`,
            legend: '{{upstream}} {{cause}}',
          },
        ],
      },
      {
        ...{ title: 'Duration', says: 'From the first byte of the request to the last of the response.', width: 12 },
        ...{ kind: 'timeseries', unit: 's' },
        queries: [
          {
            expression: quantile(0.5, 'candor_exchange_duration_seconds', ofUpstream, 'upstream'),
            legend: 'p50 {{upstream}}',
          },
          {
            expression: quantile(0.99, 'candor_exchange_duration_seconds', ofUpstream, 'upstream'),
            legend: 'p99 {{upstream}}',
          },
        ],
      },
    ],
  },
  {
    title: 'Upstreams',
    panels: [
      {
        ...{
          title: 'Endpoints by state',
          says: 'Those in other states than healthy get fewer requests, or none.',
          width: 8,
        },
        ...{ kind: 'timeseries', unit: 'none', isStacked: true },
        queries: [
          {
            expression: `sum by (upstream, state) (candor_endpoints{${ofUpstream}}) > 0`,
            legend: '{{upstream}} {{state}}',
          },
        ],
      },
      {
        ...{
          title: 'Responses of endpoints',
          says: 'By status; none: no response came.',
          width: 8,
          kind: 'timeseries',
          unit: 'reqps',
        },
        queries: [
          {
            expression: `sum by (endpoint, status) (rate(candor_endpoint_responses_total{${ofUpstream},status!~"[123].."}[${rate}]))`,
            legend: '{{endpoint}} {{status}}',
          },
        ],
      },
      {
        ...{
          title: 'Stages, p99',
          says: 'Where the time goes: wait is the application.',
          width: 8,
          kind: 'timeseries',
          unit: 's',
        },
        queries: [
          {
            expression: quantile(0.99, 'candor_stage_duration_seconds', ofUpstream, 'upstream, stage'),
            legend: '{{upstream}} {{stage}}',
            hasExemplars: true,
          },
        ],
      },
      {
        ...{
          title: 'Retries and hedges',
          says: 'Attempts that followed another, or were made beside one.',
          width: 8,
          kind: 'timeseries',
          unit: 'reqps',
        },
        queries: [
          { expression: `sum(rate(candor_retries_total{${of}}[${rate}]))`, legend: 'retries' },
          { expression: `sum(rate(candor_hedges_total{${of}}[${rate}]))`, legend: 'hedges' },
          { expression: `sum(rate(candor_retries_over_budget_total{${of}}[${rate}]))`, legend: 'not made: budget' },
        ],
      },
      {
        ...{
          title: 'Requests that wait',
          says: 'For their turn, an endpoint or a connection.',
          width: 8,
          kind: 'timeseries',
          unit: 'none',
        },
        queries: [
          { expression: `sum by (id, for) (candor_requests_waiting{${of}})`, legend: '{{id}} for {{for}}' },
          { expression: `max(candor_requests_waiting_oldest_seconds{${of}})`, legend: 'oldest, seconds' },
        ],
      },
      {
        ...{
          title: 'Connections to endpoints',
          says: 'Open, and of these idle.',
          width: 8,
          kind: 'timeseries',
          unit: 'none',
        },
        queries: [
          { expression: `sum(candor_upstream_connections{${of}})`, legend: 'open' },
          { expression: `sum(candor_upstream_connections_idle{${of}})`, legend: 'idle' },
          { expression: `sum(rate(candor_upstream_connections_total{${of}}[${rate}]))`, legend: 'opened a second' },
        ],
      },
    ],
  },
  {
    title: 'Gateway',
    panels: [
      {
        ...{
          title: 'Processor',
          says: 'Cores of each thread; a worker cannot take more than one.',
          width: 8,
          kind: 'timeseries',
          unit: 'none',
        },
        queries: [
          { expression: `rate(candor_thread_cpu_seconds_total{${of}}[${rate}])`, legend: '{{instance}} {{thread}}' },
          { expression: `rate(process_cpu_seconds_total{${of}}[${rate}])`, legend: '{{instance}} all' },
        ],
      },
      {
        ...{ title: 'Event loop, p99', says: 'How late a timer fires.', width: 8, kind: 'timeseries', unit: 's' },
        queries: [
          {
            expression: quantile(0.99, 'candor_worker_event_loop_delay_seconds', of, 'instance, worker'),
            legend: '{{instance}} worker {{worker}}',
          },
        ],
      },
      {
        ...{
          title: 'Memory',
          says: 'Of the process, and of the heap of each worker.',
          width: 8,
          kind: 'timeseries',
          unit: 'bytes',
        },
        queries: [
          { expression: `process_resident_memory_bytes{${of}}`, legend: '{{instance}} resident' },
          { expression: `candor_worker_heap_bytes{${of}}`, legend: '{{instance}} heap of {{worker}}' },
        ],
      },
      {
        ...{
          title: 'Connections of clients',
          says: 'Open, and refused a second.',
          width: 8,
          kind: 'timeseries',
          unit: 'none',
        },
        queries: [
          { expression: `sum(candor_client_connections{${of}})`, legend: 'open' },
          {
            expression: `sum by (reason) (rate(candor_client_connections_refused_total{${of}}[${rate}]))`,
            legend: 'refused: {{reason}}',
          },
        ],
      },
      {
        ...{
          title: 'Lost and dropped',
          says: 'Workers, and records that were dropped so that no request was delayed.',
          width: 8,
          kind: 'timeseries',
          unit: 'none',
        },
        queries: [
          { expression: `increase(candor_workers_lost_total{${of}}[${rate}])`, legend: '{{instance}} workers' },
          { expression: `increase(candor_log_dropped_total{${of}}[${rate}])`, legend: '{{instance}} log' },
          { expression: `increase(candor_store_lost_total{${of}}[${rate}])`, legend: '{{instance}} store' },
          {
            expression: `sum by (instance, signal) (increase(candor_otlp_dropped_total{${of}}[${rate}]))`,
            legend: '{{instance}} {{signal}}',
          },
        ],
      },
      {
        ...{ title: 'Certificates', says: 'Days until they expire.', width: 8, kind: 'timeseries', unit: 'd' },
        queries: [
          {
            expression: `min by (name) (candor_tls_certificate_not_after_seconds{${of}} - time()) / 86400`,
            legend: '{{name}}',
          },
          {
            expression: `min by (endpoint) (candor_upstream_certificate_not_after_seconds{${of}} - time()) / 86400`,
            legend: '{{endpoint}}',
          },
        ],
      },
      {
        ...{ title: 'Versions', says: 'Of the program and of Node.', width: 24, kind: 'table', unit: 'none' },
        queries: [{ expression: `candor_build_info{${of}}`, legend: '{{instance}} {{version}}' }],
      },
    ],
  },
];
