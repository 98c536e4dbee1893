import { type SuspectKind, suspectKinds } from '../core/live-incident.ts';

type Trait =
  /** Shows itself, in a process, an answer or a check; less likely ones may have another reason. */
  | 'shows_itself'
  /** A process has ended: it cuts its connections, and then nothing listens. */
  | 'is_end'
  | 'follows_from_end'
  /** Follows from what shows itself: no endpoint is ready, requests wait, and the pool is full. */
  | 'is_effect'
  /** What it says holds for some requests alone, where something tells these from the others. */
  | 'is_of_some_requests'
  /** Whose it is, whatever the requests that fail because of it say: see docs/whose.md. Else that of the requests. */
  | 'is_of_operator'
  | 'is_of_client'
  /** Because of it, requests meet a limit of the gateway: these are the application's then. */
  | 'fills_gateway';

const traits: Readonly<Record<SuspectKind, readonly Trait[]>> = {
  out_of_memory: ['shows_itself', 'is_end', 'fills_gateway'],
  crash: ['shows_itself', 'is_end', 'fills_gateway'],
  not_started: ['shows_itself', 'is_end', 'fills_gateway'],
  release: ['is_of_some_requests'],
  configuration_change: ['is_of_some_requests', 'is_of_operator'],
  operator_action: ['is_of_operator'],
  one_endpoint: [],
  pool_full: ['is_effect'],
  traffic_growth: [],
  descriptors: ['shows_itself'],
  application_descriptors: ['shows_itself', 'fills_gateway'],
  gateway_limit: [],
  timeout_too_short: ['is_of_some_requests', 'is_of_operator'],
  dns: ['shows_itself'],
  dns_change: ['is_of_operator'],
  certificate: ['shows_itself', 'is_of_operator'],
  tls_settings: ['shows_itself'],
  keep_alive_race: [],
  dependency: ['shows_itself', 'is_of_some_requests', 'fills_gateway'],
  lying_check: [],
  failing_check: ['is_effect'],
  another_program: ['shows_itself'],
  invalid_responses: ['is_of_some_requests'],
  connections_cut: ['follows_from_end', 'is_of_some_requests'],
  nothing_listens: ['shows_itself', 'follows_from_end', 'fills_gateway'],
  network: ['shows_itself', 'is_of_some_requests'],
  slow_application: ['shows_itself', 'is_of_some_requests', 'fills_gateway'],
  application_errors: ['is_of_some_requests', 'fills_gateway'],
  gateway_worker: [],
  client_timeout: ['is_of_client'],
  one_client: ['is_of_client'],
  client_retries: [],
  resource_limit: ['shows_itself', 'fills_gateway'],
  changed_responses: ['is_of_some_requests'],
};

export const suspectsWith = (trait: Trait): ReadonlySet<SuspectKind> =>
  new Set(suspectKinds.filter((kind) => traits[kind].includes(trait)));
