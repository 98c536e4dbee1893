/** The version of the admin API, of all its operations. Prometheus expects `/metrics` without one. */
export const apiRoot = '/v1';

/**
 * Every operation of the admin API. The server routes by this table, and the OpenAPI file is made from it. An operation that changes
 * something is a POST or DELETE, and is reported as `admin_action` with its id.
 *
 * `access`: `open` needs neither token nor session, because it says nothing of the gateway; `read`, `operate` and `deploy` are the roles that
 * it needs. Without it a GET needs `read`, and everything else `operate`.
 */
export const operations = [
  { id: 'readPage', method: 'GET', path: '/', access: 'open', summary: 'The dashboard, a page for browsers' },
  {
    id: 'readAsset',
    method: 'GET',
    path: '/assets/{name}',
    access: 'open',
    summary: 'A file of the dashboard',
  },
  {
    id: 'readSession',
    method: 'GET',
    path: `${apiRoot}/session`,
    summary: 'Who asks: the actor, its role, and when its session ends',
  },
  {
    id: 'openSession',
    method: 'POST',
    path: `${apiRoot}/session`,
    access: 'open',
    summary: 'Log in with a token: the answer sets a cookie',
  },
  {
    id: 'endSession',
    method: 'DELETE',
    path: `${apiRoot}/session`,
    access: 'read',
    summary: 'Log out',
  },
  {
    id: 'makeLink',
    method: 'POST',
    path: `${apiRoot}/session/link`,
    access: 'read',
    summary: 'Make a link that opens one session, once and soon',
  },
  {
    id: 'readStatus',
    method: 'GET',
    path: `${apiRoot}/status`,
    summary: 'Listeners, upstreams, applications and workers, each with its state and reason',
  },
  {
    id: 'followStatus',
    method: 'GET',
    path: `${apiRoot}/live`,
    summary: 'The status, and what changes of it, as it happens (server-sent events)',
  },
  {
    id: 'readTimeline',
    method: 'GET',
    path: `${apiRoot}/timeline`,
    summary: 'Requests, failures and durations over time',
  },
  {
    id: 'readRouteTimelines',
    method: 'GET',
    path: `${apiRoot}/timeline/routes`,
    summary: 'Requests and errors of each route over time',
  },
  {
    id: 'readUsageNow',
    method: 'GET',
    path: `${apiRoot}/usage/now`,
    summary: 'What applications use now: CPU, memory, requests, by release',
  },
  {
    id: 'readUsage',
    method: 'GET',
    path: `${apiRoot}/usage`,
    summary: 'What applications have used over time, by release',
  },
  {
    id: 'readCost',
    method: 'GET',
    path: `${apiRoot}/cost`,
    summary: 'What applications have used, what that costs, and what the month will cost',
  },
  {
    id: 'readConfiguration',
    method: 'GET',
    path: `${apiRoot}/configuration`,
    summary: 'The configuration that is active: its text without secrets, when it was read, and by whom',
  },
  {
    id: 'listConfigurations',
    method: 'GET',
    path: `${apiRoot}/configurations`,
    summary: 'Configurations that were applied and refused, the newest first',
  },
  {
    id: 'readKeptConfiguration',
    method: 'GET',
    path: `${apiRoot}/configurations/{id}`,
    summary: 'One of them, with its text without secrets',
  },
  {
    id: 'explainRoute',
    method: 'GET',
    path: `${apiRoot}/route`,
    summary: 'Which route a request would take, and why',
  },
  {
    id: 'readAudit',
    method: 'GET',
    path: `${apiRoot}/audit`,
    summary: 'Who has changed what, and which requests were refused',
  },
  {
    id: 'readReadiness',
    method: 'GET',
    path: `${apiRoot}/ready`,
    summary: 'Whether the gateway is ready for new requests: 200, or 503 while it starts or drains',
  },
  {
    id: 'reload',
    method: 'POST',
    path: `${apiRoot}/reload`,
    summary: 'Read the configuration again and apply it completely, or change nothing',
  },
  {
    id: 'upgrade',
    method: 'POST',
    path: `${apiRoot}/upgrade`,
    summary: 'Replace the process by a new one of the installed program, or change nothing',
  },
  {
    id: 'stop',
    method: 'POST',
    path: `${apiRoot}/stop`,
    summary: 'Let requests in flight finish, stop the applications, and end the gateway',
  },
  {
    id: 'followEvents',
    method: 'GET',
    path: `${apiRoot}/events`,
    summary: 'Events of the gateway as they happen (server-sent events), or those of a time',
  },
  {
    id: 'readOverlay',
    method: 'GET',
    path: `${apiRoot}/overlay`,
    summary: 'Changes of operators at run time, which win over the configuration file',
  },
  {
    id: 'maintenance',
    method: 'POST',
    path: `${apiRoot}/overlay/maintenance`,
    summary: 'Answer requests of one or all routes with 503, a message and Retry-After',
  },
  {
    id: 'pause',
    method: 'POST',
    path: `${apiRoot}/overlay/pause`,
    summary: 'Hold requests for a route or an upstream, up to a number and a time',
  },
  {
    id: 'drain',
    method: 'POST',
    path: `${apiRoot}/overlay/drain`,
    summary: 'Send an endpoint no new requests; requests in flight finish',
  },
  {
    id: 'eject',
    method: 'POST',
    path: `${apiRoot}/overlay/eject`,
    summary: 'Send an endpoint no new requests for a time, as long as another one can be chosen',
  },
  {
    id: 'scaleApplication',
    method: 'POST',
    path: `${apiRoot}/overlay/scale`,
    summary: 'Change how many instances of an application or a worker run',
  },
  {
    id: 'stopApplication',
    method: 'POST',
    path: `${apiRoot}/overlay/stop`,
    summary: 'Stop the instances of an application and of its workers, until they are started again',
  },
  {
    id: 'weight',
    method: 'POST',
    path: `${apiRoot}/overlay/weight`,
    summary: 'Change the share of new requests that an endpoint gets',
  },
  {
    id: 'restore',
    method: 'POST',
    path: `${apiRoot}/overlay/restore`,
    summary: 'Clear one or all entries of the overlay, so that the configuration file applies again',
  },
  {
    id: 'restartInstance',
    method: 'POST',
    path: `${apiRoot}/instances/restart`,
    summary: 'Replace an instance of an application by a new one of the same program',
  },
  {
    id: 'listReleases',
    method: 'GET',
    path: `${apiRoot}/releases`,
    summary: 'Releases of applications, which one is in force, and what is being rolled out',
  },
  {
    id: 'readReleaseLog',
    method: 'GET',
    path: `${apiRoot}/releases/log`,
    summary: 'What the build of a release has printed',
  },
  {
    id: 'deploy',
    method: 'POST',
    path: `${apiRoot}/releases/deploy`,
    access: 'deploy',
    summary: 'Make a release of files on the machine of the gateway, and roll it out',
  },
  {
    id: 'promoteRelease',
    method: 'POST',
    path: `${apiRoot}/releases/promote`,
    summary: 'Give the release that is being rolled out all requests',
  },
  {
    id: 'abortRollout',
    method: 'POST',
    path: `${apiRoot}/releases/abort`,
    summary: 'Take back the release that is being rolled out',
  },
  {
    id: 'rollBack',
    method: 'POST',
    path: `${apiRoot}/releases/rollback`,
    summary: 'Roll back to a release that exists',
  },
  {
    id: 'listSecrets',
    method: 'GET',
    path: `${apiRoot}/secrets`,
    summary: 'Secrets of applications: their names, who has changed them, and which programs get them; never values',
  },
  {
    id: 'setSecrets',
    method: 'POST',
    path: `${apiRoot}/secrets/set`,
    access: 'deploy',
    summary: 'Give secrets of an application, or of all, their values',
  },
  {
    id: 'removeSecret',
    method: 'POST',
    path: `${apiRoot}/secrets/remove`,
    access: 'deploy',
    summary: 'Remove a secret',
  },
  {
    id: 'rotateSecretsKey',
    method: 'POST',
    path: `${apiRoot}/secrets/rotate-key`,
    access: 'deploy',
    summary: 'Encrypt all secrets with a new key',
  },
  {
    id: 'listJobs',
    method: 'GET',
    path: `${apiRoot}/jobs`,
    summary: 'Jobs of applications: their schedules, last runs and output',
  },
  {
    id: 'runJob',
    method: 'POST',
    path: `${apiRoot}/jobs/run`,
    summary: 'Run a job now, and follow its output until it ends',
  },
  {
    id: 'listIncidents',
    method: 'GET',
    path: `${apiRoot}/incidents`,
    summary: 'Incidents: what fails, since when, and what has probably caused it',
  },
  {
    id: 'acknowledgeIncident',
    method: 'POST',
    path: `${apiRoot}/incidents/acknowledge`,
    summary: 'Say that somebody works on an incident',
  },
  {
    id: 'muteIncident',
    method: 'POST',
    path: `${apiRoot}/incidents/mute`,
    summary: 'Send no message about an incident until a time, or send them again',
  },
  { id: 'readIncident', method: 'GET', path: `${apiRoot}/incidents/{id}`, summary: 'One incident' },
  {
    id: 'listAlerts',
    method: 'GET',
    path: `${apiRoot}/alerts`,
    summary: 'Targets of alerts: where each is, what waits for it, and why it fails',
  },
  {
    id: 'testAlerts',
    method: 'POST',
    path: `${apiRoot}/alerts/test`,
    summary: 'Send a test to one target of alerts, or to all, and show what came back',
  },
  {
    id: 'searchExchanges',
    method: 'GET',
    path: `${apiRoot}/exchanges`,
    summary: 'Stored exchanges that match a query, the newest first',
  },
  {
    id: 'groupExchanges',
    method: 'GET',
    path: `${apiRoot}/exchange-groups`,
    summary: 'Stored exchanges that match a query, counted by one of their values',
  },
  {
    id: 'searchOutput',
    method: 'GET',
    path: `${apiRoot}/output`,
    summary: 'Stored lines that applications have printed, by a query, the newest first',
  },
  {
    id: 'readContext',
    method: 'GET',
    path: `${apiRoot}/context/{id}`,
    summary: 'What is known about one exchange besides its record, such as what applications printed',
  },
  {
    id: 'readUnparsed',
    method: 'GET',
    path: `${apiRoot}/unparsed/{id}`,
    access: 'operate',
    summary: 'The first bytes of one exchange that could not be parsed',
  },
  { id: 'readExchange', method: 'GET', path: `${apiRoot}/exchanges/{id}`, summary: 'The record of one exchange' },
  { id: 'readMetrics', method: 'GET', path: '/metrics', summary: 'Totals of all workers, for Prometheus' },
  { id: 'readDescription', method: 'GET', path: `${apiRoot}/openapi.json`, summary: 'This description' },
] as const satisfies readonly Operation[];

interface Operation {
  readonly id: string;
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly path: string;
  readonly access?: OperationAccess;
  readonly summary: string;
}

export type OperationAccess = 'open' | 'read' | 'operate' | 'deploy';
export type OperationId = (typeof operations)[number]['id'];

type Match =
  | {
      readonly kind: 'operation';
      readonly id: OperationId;
      readonly access: OperationAccess;
      readonly parameter: string;
    }
  | { readonly kind: 'wrong_method'; readonly allow: string }
  | { readonly kind: 'nothing' };

/** The operation of a request. HEAD is answered like GET, without the body (RFC 9110 §9.3.2). */
export function matchOperation(method: string, path: string): Match {
  const allowed: string[] = [];
  for (const operation of operations as readonly (Operation & { readonly id: OperationId })[]) {
    const parameter = matchPath(operation.path, path);
    if (parameter === null) continue;
    if (operation.method === method || (operation.method === 'GET' && method === 'HEAD')) {
      const access = operation.access ?? (operation.method === 'GET' ? 'read' : 'operate');
      return { kind: 'operation', id: operation.id, access, parameter };
    }
    allowed.push(operation.method === 'GET' ? 'GET, HEAD' : operation.method);
  }
  return allowed.length > 0 ? { kind: 'wrong_method', allow: allowed.join(', ') } : { kind: 'nothing' };
}

/** The value of the template's only parameter, '' if it has none; null if the path does not match. */
function matchPath(template: string, path: string): string | null {
  const brace = template.indexOf('{');
  if (brace < 0) return template === path ? '' : null;
  const prefix = template.slice(0, brace);
  const rest = path.slice(prefix.length);
  if (!path.startsWith(prefix) || rest === '' || rest.includes('/')) return null;
  try {
    return decodeURIComponent(rest);
  } catch {
    // A malformed escape matches no operation.
    return null;
  }
}
