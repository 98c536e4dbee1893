import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { type SnakeCased, snakeCased } from '#failures/json-case.ts';
import type { Clock } from '../core/time.ts';
import type { Gateway, ReloadOutcome } from '../control/gateway-status.ts';
import type { AdminContext } from './admin-context.ts';
import type { RequestHandler } from './admin-listener.ts';
import type { StatusResponse, AdminStatus } from '../core/schemas/status.ts';
import { sendJson, sendParts, sendProblem } from './answer.ts';
import { type ActionResult, audited, doneAction, rejectedAction, type Requester } from './audit.ts';
import { urlOfTarget } from './authorization.ts';
import { sendConfiguration, sendConfigurations, sendKeptConfiguration } from './configurations-api.ts';
import { DashboardFiles } from './dashboard-files.ts';
import {
  EventSearch,
  isEventSearch,
  sendContext,
  sendExchange,
  sendExchangeGroups,
  sendExchanges,
  sendOutput,
  sendUnparsed,
  sendRouteTimelines,
  sendTimeline,
} from './search-api.ts';
import { EventStream, parseEventPosition } from './event-stream.ts';
import { Followers } from './followers.ts';
import { LiveStatus, LiveStream } from './live-stream.ts';
import { metricsText } from '../control/metrics/metrics.ts';
import type { MetricsFormat } from '../control/metrics/metrics-text.ts';
import { OverlayApi } from './overlay-api.ts';
import { apiRoot, matchOperation, type OperationId } from './operations.ts';
import { type AdminRequester, SessionApi } from './session-api.ts';
import { markIncident } from './incidents-api.ts';
import { changeSecrets, sendSecrets } from './secrets-api.ts';
import { changeRollout, sendReleaseLog } from './releases-api.ts';
import { runJob, sendJobs } from './jobs-api.ts';
import { restartInstance } from './instances-api.ts';
import { sendRoute } from './route-api.ts';
import { sendCost, sendUsage } from './usage-api.ts';
import type { SearchTurns } from './search-turns.ts';
import type { Stopper } from './stopper.ts';
import type { StopResponse, UpgradeLine } from '../core/schemas/answers.ts';
import { type UpgradeOutcome, type Upgrader, type UpgradeStep, upgradeSecondsMax } from './upgrader.ts';
import { jsonOf } from '../record/json-text.ts';
import type { AdminSpec } from '../core/configuration.ts';
import { hostPort } from '../core/endpoint.ts';
import { fileCertificateStatus } from '../control/status.ts';
import type { AdminAddresses } from './admin-addresses.ts';
import { timeForms, timeOfText } from '../core/query-time.ts';

/** How long a new process may take to serve. At most as long as a connection may be silent, because a process that hangs sends no lines. */
const upgradeSeconds = 60;

/** The operations of the admin API, for authorized requesters. */
export class AdminApi implements RequestHandler {
  readonly #gateway: Gateway;
  readonly #clock: Clock;
  readonly #upgrader: Upgrader | null;
  readonly #stopper: Stopper | null;
  readonly #overlay: OverlayApi;
  readonly #files: DashboardFiles | null;
  readonly #sessions: SessionApi | null;
  readonly #events: EventSearch;
  readonly #live: LiveStatus;
  readonly #followers = new Followers();
  readonly #turns: SearchTurns;
  readonly #context: AdminContext;

  constructor(context: AdminContext) {
    const { gateway, clock, upgrader, stopper, refusal } = context;
    this.#context = context;
    this.#turns = context.searchTurns;
    this.#gateway = gateway;
    this.#clock = clock;
    this.#upgrader = upgrader;
    this.#stopper = stopper;
    this.#overlay = new OverlayApi(gateway, refusal);
    this.#events = new EventSearch(gateway, clock);
    this.#live = new LiveStatus({ clock, status: () => this.#status() });
    const { dashboardFolder, sessions } = context;
    this.#files = dashboardFolder === null ? null : new DashboardFiles(dashboardFolder);
    this.#sessions = sessions === null ? null : new SessionApi(context, sessions);
  }

  /** Ends the event streams on these connections; without `sockets` all streams. */
  endStreams(sockets?: ReadonlySet<Socket>): void {
    this.#followers.stop(sockets);
  }

  async handle(requester: AdminRequester, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = urlOfTarget(request.url ?? '/');
    if (url === null) return sendProblem(response, 400, 'The request target is not a path.');
    // The method is that of the request line: no header overrides it.
    const match = matchOperation(request.method ?? 'GET', url.pathname);
    if (match.kind === 'nothing') {
      return sendProblem(
        response,
        404,
        `There is nothing at ${url.pathname}; ${apiRoot}/openapi.json lists all operations.`,
      );
    }
    if (match.kind === 'wrong_method') {
      response.setHeader('Allow', match.allow);
      return sendProblem(response, 405, `${url.pathname} needs the method ${match.allow}, not ${request.method}.`);
    }
    await this.#perform(match.id, match.parameter, url, requester, request, response);
  }

  async #perform(
    id: OperationId,
    parameter: string,
    url: URL,
    requester: AdminRequester,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    switch (id) {
      case 'readPage':
        return this.#sendPage(url, requester, request, response);
      case 'readAsset':
        return this.#files?.sendAsset(parameter, request, response) ?? noDashboard(response);
      case 'readSession':
      case 'openSession':
      case 'endSession':
      case 'makeLink':
        return this.#sessions?.handle(id, requester, request, response) ?? noDashboard(response);
      case 'readStatus':
        return sendJson(response, 200, await this.#status());
      case 'readReadiness':
        return this.#sendReadiness(response);
      case 'reload':
        return this.#reload(requester, response);
      case 'upgrade':
        return this.#upgrade(url, requester, response);
      case 'stop':
        return this.#stop(url, requester, response);
      case 'followEvents':
        return isEventSearch(url)
          ? this.#turns.search(requester, response, () => this.#events.send(url, response))
          : this.#follow(url, requester, request, response);
      case 'readAudit':
        return this.#turns.search(requester, response, () => this.#events.sendAudit(url, response));
      case 'followStatus':
        return this.#followStatus(url, requester, request, response);
      case 'readConfiguration':
        return sendConfiguration(url, this.#gateway, response);
      case 'listConfigurations':
        return sendConfigurations(this.#gateway, response);
      case 'readKeptConfiguration':
        return sendKeptConfiguration(this.#gateway, parameter, response);
      case 'explainRoute':
        return sendRoute(url, this.#gateway, response);
      case 'readTimeline':
        return sendTimeline(url, this.#gateway, this.#clock, response);
      case 'readRouteTimelines':
        return sendRouteTimelines(url, this.#gateway, this.#clock, response);
      case 'readUsageNow':
        return sendJson(response, 200, snakeCased(await this.#gateway.usageNow()));
      case 'readUsage':
        return sendUsage(url, this.#gateway, this.#clock, response);
      case 'readCost':
        return sendCost(url, this.#gateway, this.#clock, response);
      case 'readOverlay':
        return this.#overlay.show(response);
      case 'scaleApplication':
        return this.#overlay.change('scale', requester, request, response);
      case 'stopApplication':
        return this.#overlay.change('stop', requester, request, response);
      case 'maintenance':
      case 'pause':
      case 'drain':
      case 'eject':
      case 'weight':
      case 'restore':
        return this.#overlay.change(id, requester, request, response);
      case 'listIncidents':
        return sendIncidents(this.#gateway, url, this.#clock.wallTime(), response);
      case 'readIncident': {
        const incident = this.#gateway
          .incidents()
          .find(({ id: number, key }) => String(number) === parameter || key === parameter);
        if (incident !== undefined) return sendJson(response, 200, snakeCased(incident));
        return sendProblem(response, 404, `No incident has the number ${parameter}.`);
      }
      case 'listReleases':
        return sendJson(response, 200, snakeCased({ applications: this.#gateway.releases() }));
      case 'readReleaseLog':
        return sendReleaseLog(url, this.#gateway, response);
      case 'deploy':
      case 'promoteRelease':
      case 'abortRollout':
      case 'rollBack':
        return changeRollout(id, this.#context, requester, request, response);
      case 'listSecrets':
        return sendSecrets(this.#gateway, requester, response);
      case 'setSecrets':
      case 'removeSecret':
      case 'rotateSecretsKey':
        return changeSecrets(id, this.#context, requester, request, response);
      case 'listJobs':
        return sendJobs(url, this.#gateway, response);
      case 'runJob':
        return runJob(this.#context, requester, request, response);
      case 'acknowledgeIncident':
      case 'muteIncident':
        return markIncident(id, this.#context, requester, request, response);
      case 'listAlerts':
        return sendJson(response, 200, snakeCased({ targets: this.#gateway.status().alerts }));
      case 'testAlerts':
        return testAlerts(this.#gateway, url, requester, response);
      case 'searchExchanges':
        return this.#turns.search(requester, response, () => sendExchanges(url, this.#gateway, response));
      case 'groupExchanges':
        return this.#turns.search(requester, response, () => sendExchangeGroups(url, this.#gateway, response));
      case 'restartInstance':
        return restartInstance(this.#context, requester, request, response);
      case 'searchOutput':
        return this.#turns.search(requester, response, () => sendOutput(url, this.#gateway, response));
      case 'readContext':
        return this.#turns.lookUp(requester, response, () => sendContext(parameter, this.#gateway, response));
      case 'readUnparsed':
        return this.#turns.lookUp(requester, response, () => sendUnparsed(parameter, this.#gateway, response));
      case 'readExchange':
        return this.#turns.lookUp(requester, response, () => sendExchange(parameter, this.#gateway, response));
      case 'readMetrics': {
        await this.#gateway.refreshCounts();
        const format = metricsFormatOf(request.headers.accept ?? '');
        const { contentType, parts } = await metricsText(this.#gateway, this.#clock, format);
        return sendParts(response, 200, contentType, parts);
      }
      case 'readDescription': {
        const { openApi } = await import('./openapi.ts');
        return sendJson(response, 200, openApi(this.#gateway.status().version));
      }
    }
  }

  #sendPage(
    { searchParams }: URL,
    requester: AdminRequester,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> | void {
    const link = searchParams.get('link');
    if (link === null) return this.#files?.sendPage(request, response) ?? noDashboard(response);
    // HEAD, by which programs look at links before people do, uses none.
    if (request.method === 'HEAD') return sendProblem(response, 405, 'A link is opened by GET.');
    return this.#sessions?.useLink(link, requester, request, response) ?? noDashboard(response);
  }

  #sendReadiness(response: ServerResponse): void {
    const { state } = this.#gateway;
    if (state === 'serving') sendJson(response, 200, { ready: true, state });
    else sendProblem(response, 503, `The gateway is not ready for new requests: it is ${state}.`);
  }

  async #status(): Promise<SnakeCased<StatusResponse>> {
    const { spec, addresses } = this.#context;
    await Promise.all([this.#gateway.refreshCounts(), this.#gateway.refreshResponseTimes()]);
    return snakeCased({ ...this.#gateway.status(), admin: adminStatus(spec, addresses) });
  }

  async #reload(requester: AdminRequester, response: ServerResponse): Promise<void> {
    const outcome = await audited(
      this.#gateway,
      { id: 'reload', target: null },
      requester,
      () => this.#gateway.reload(requester.actor),
      resultOfReload,
    );
    // The requester trusts this connection, and perhaps not the certificate of the next one.
    const certificate = this.#context.spec.tls?.certificate.certificate ?? null;
    if (outcome.ok) return sendJson(response, 200, { ...outcome, admin_certificate: certificate });
    const { kind, errors } = outcome;
    if (kind !== 'invalid') return sendProblem(response, kind === 'refused' ? 409 : 500, errors.join(' '));
    sendProblem(response, 422, 'The configuration has errors; nothing was changed.', errors);
  }

  async #upgrade(url: URL, requester: AdminRequester, response: ServerResponse): Promise<void> {
    const seconds = url.searchParams.get('timeout') ?? String(upgradeSeconds);
    if (!/^\d{1,3}$/.test(seconds) || Number(seconds) < 1 || Number(seconds) > upgradeSecondsMax) {
      return sendProblem(response, 400, `timeout is a number of seconds from 1 to ${upgradeSecondsMax}.`);
    }
    const say = (line: UpgradeLine): void => {
      if (!response.headersSent) {
        response.writeHead(200, { 'Content-Type': 'application/x-ndjson' });
      }
      response.write(`${jsonOf(line)}\n`);
    };
    const outcome = await audited(
      this.#gateway,
      { id: 'upgrade', target: null },
      requester,
      () => this.#tryUpgrade(requester.actor, Number(seconds) * 1000, (step, pid) => say({ step, pid })),
      ({ ok }) => (ok ? doneAction : rejectedAction),
    );
    if (outcome.ok) say({ outcome: 'done', pid: outcome.pid });
    else if (outcome.kind === 'refused') return sendProblem(response, 409, outcome.reason);
    else say({ outcome: 'failed', kind: outcome.kind, reason: outcome.reason, errors: outcome.errors });
    response.end();
  }

  #tryUpgrade(
    actor: string,
    timeoutMs: number,
    onStep: (step: UpgradeStep, pid: number) => void,
  ): Promise<UpgradeOutcome> {
    const reason =
      'This gateway cannot replace itself: it is part of another program, a demonstration, or its ' +
      'configuration came through standard input.';
    const refused = { ok: false, kind: 'refused', reason, errors: [] } as const;
    return this.#upgrader?.upgrade(actor, timeoutMs, onStep) ?? Promise.resolve(refused);
  }

  /** Responds before the shutdown begins: the requester can follow its progress in the status. */
  async #stop(url: URL, requester: AdminRequester, response: ServerResponse): Promise<void> {
    const now = url.searchParams.get('now') ?? 'false';
    if (now !== 'true' && now !== 'false') return sendProblem(response, 400, 'now is true or false.');
    const stopper = this.#stopper;
    if (stopper === null)
      return sendProblem(response, 409, 'This gateway is part of another program, and only that program can stop it.');
    const answer: StopResponse = { stopping: true, pid: process.pid };
    sendJson(response, 202, answer);
    await audited(this.#gateway, { id: 'stop', target: null }, requester, async () =>
      stopper.stop(requester.actor, now === 'true'),
    );
  }

  #follow(url: URL, requester: AdminRequester, request: IncomingMessage, response: ServerResponse): void {
    const lastEventId = request.headers['last-event-id'];
    const position = typeof lastEventId === 'string' ? parseEventPosition(lastEventId) : null;
    if (lastEventId !== undefined && position === null) {
      return sendProblem(response, 400, 'Last-Event-ID is not an epoch, a hyphen and a number.');
    }
    const follow = url.searchParams.get('follow') ?? 'true';
    if (follow !== 'true' && follow !== 'false') return sendProblem(response, 400, 'follow is true or false.');
    const stream = new EventStream(this.#gateway.events, response, this.#clock);
    if (!this.#admit(stream, requester, request, response)) return;
    stream.start(position, follow === 'true' && request.method !== 'HEAD');
  }

  #followStatus(
    { searchParams }: URL,
    requester: AdminRequester,
    request: IncomingMessage,
    response: ServerResponse,
  ): void {
    if (request.method === 'HEAD') return void response.writeHead(200, { 'Content-Type': 'text/event-stream' }).end();
    const stream = new LiveStream(this.#live, response, this.#clock, searchParams.get('elements') === 'true');
    if (this.#admit(stream, requester, request, response)) stream.start();
  }

  /** False if there are too many streams already; then the request has been answered. */
  #admit(
    stream: EventStream | LiveStream,
    { role }: AdminRequester,
    { socket }: IncomingMessage,
    response: ServerResponse,
  ): boolean {
    const refusal = this.#followers.add(stream, { socket, role });
    if (refusal === null) response.on('close', () => this.#followers.remove(stream));
    else sendProblem(response, 503, refusal);
    return refusal === null;
  }
}

function noDashboard(response: ServerResponse): void {
  sendProblem(response, 404, 'This gateway is part of another program, and has no dashboard.');
}

export function resultOfReload({ ok }: ReloadOutcome): ActionResult {
  return ok ? doneAction : rejectedAction;
}

/** Prometheus asks for OpenMetrics where it keeps exemplars. */
function metricsFormatOf(accept: string): MetricsFormat {
  return accept.includes('application/openmetrics-text') ? 'openmetrics' : 'prometheus';
}

function adminStatus({ tls }: AdminSpec, { socketPath, address }: AdminAddresses): AdminStatus {
  const scheme = tls === undefined ? 'http' : 'https';
  return {
    socket: socketPath,
    url: address === null ? null : `${scheme}://${hostPort(address.host, address.port)}`,
    certificate: address === null || tls === undefined ? null : fileCertificateStatus(tls.certificate),
  };
}

/** Those that go on, and those with a failure since `since` of the query. */
function sendIncidents(
  gateway: Pick<Gateway, 'incidents'>,
  { searchParams }: URL,
  wallTime: number,
  response: ServerResponse,
): void {
  const text = searchParams.get('since');
  const since = text === null ? null : timeOfText(text, wallTime);
  if (text !== null && since === null) return sendProblem(response, 400, `since ${timeForms}, not ${text}.`);
  const incidents = gateway
    .incidents()
    .filter(({ resolvedAt, lastAt }) => resolvedAt === null || since === null || Date.parse(lastAt) >= since);
  sendJson(response, 200, snakeCased({ incidents }));
}

/** Sends a test to `target` of the query, or to all targets. The answer is 200 also where a target refused it. */
async function testAlerts(
  gateway: Gateway,
  { searchParams }: URL,
  requester: Requester,
  response: ServerResponse,
): Promise<void> {
  const target = searchParams.get('target');
  const results = await audited(
    gateway,
    { id: 'testAlerts', target: null },
    requester,
    () => gateway.testAlerts(target),
    (sent) => (sent === null ? rejectedAction : doneAction),
  );
  if (results !== null) return sendJson(response, 200, snakeCased({ results }));
  const { alerts } = gateway.status();
  if (alerts.length === 0)
    return sendProblem(response, 409, 'The configuration has no targets: `alerts: { targets: … }` names them.');
  sendProblem(
    response,
    404,
    `No target of alerts is called ${target}; there is ${alerts.map(({ id }) => id).join(', ')}.`,
  );
}
