import { reasonBesideState } from '../core/reason-beside-state.ts';
import type { EndpointCondition, GatewayState, QueueState } from '../core/schemas/gateway-state.ts';
import { countText, durationText, elapsedText } from '#failures/quantity-text.ts';
import type { ExchangeRecord } from '../core/schemas/record.ts';

/** The number under which the configuration of a record is kept; null: it is not kept, or not known. */
interface KnownConfiguration {
  readonly id: number;
}

/** What the gateway knew when the exchange ended: a label and a text each. */
export function gatewayStateTexts(
  record: ExchangeRecord,
  configuration: KnownConfiguration | null,
): readonly (readonly [label: string, text: string])[] {
  const state = record.gateway_state;
  if (state === undefined) return [];
  return [
    ...endpointsTexts(state, record.upstream),
    ...(state.breaker === undefined ? [] : [['breaker', breakerText(state.breaker, record.route)] as const]),
    ...(state.queues ?? []).map((queue) => ['queue', queueText(queue)] as const),
    ['configuration', configurationText(state, record.revision, configuration)],
  ];
}

/** '2 of 3 endpoints were out.' where that helps to understand the failure; '' otherwise. */
export function endpointsOutText({ attempts, shape, cause, gateway_state: state }: ExchangeRecord): string {
  const { endpoints_ready: ready = 0, endpoints_total: total = 0 } = state ?? {};
  // Without an attempt the sentence says so already, except where requests wait for a connection.
  const isOfEndpoint = attempts.length > 0 && ofEndpoints.has(shape);
  if ((!isOfEndpoint && cause !== 'pool_full' && cause !== 'queue_timeout') || total < 2 || ready >= total) return '';
  if (ready === 0) return `None of the ${total} endpoints was ready.`;
  return `${total - ready} of ${total} endpoints ${total - ready === 1 ? 'was' : 'were'} out.`;
}

const ofEndpoints: ReadonlySet<string> = new Set(['unreachable', 'too_slow', 'reset', 'garbage']);

function endpointsTexts(state: GatewayState, upstream: string | null): (readonly [label: string, text: string])[] {
  const { endpoints = [], endpoints_ready: ready = 0, endpoints_total: total = 0 } = state;
  if (state.endpoints_total === undefined) return [];
  return [
    ['endpoints', `${ready} of ${total} ready`],
    ...endpoints.flatMap((one) => {
      const name = nameOf(one, upstream);
      const ofPool = endpoints.length > 1 ? `of ${name}: ` : '';
      return [['endpoint', `${name}: ${stateText(one)}`] as const, ['pool', `${ofPool}${poolText(one)}`] as const];
    }),
  ];
}

function nameOf({ endpoint }: EndpointCondition, upstream: string | null): string {
  return endpoint.startsWith(`${upstream}/`) ? endpoint.slice(`${upstream}/`.length) : endpoint;
}

function stateText({ state, since_ms: sinceMs, reason, refusing }: EndpointCondition): string {
  const refuses = refusing === true ? '; it refused the last connection' : '';
  return `${words(state)} for ${sinceMs < 60_000 ? durationText(sinceMs) : elapsedText(sinceMs / 1000)}${reason === '' ? '' : `: ${reasonBesideState(state, reason)}`}${refuses}`;
}

function poolText(one: EndpointCondition): string {
  const { open, idle, waiting, open_max: openMax, in_flight: inFlight, in_flight_max: inFlightMax } = one;
  const connections = `${open} of ${openMax} connections open, ${idle} idle, ${Math.max(0, open - idle)} in use`;
  const { long_lived: longLived = 0, long_lived_max: longLivedMax = 0 } = one;
  const lasting = longLived === 0 ? '' : `; besides these ${longLived} of ${longLivedMax} tunnels and streams`;
  const bound = inFlightMax === undefined ? '' : `; ${inFlight ?? 0} of ${inFlightMax} requests in flight`;
  return `${connections}${lasting}${bound}; ${waitingText(waiting)}`;
}

function breakerText({ state, reason }: NonNullable<GatewayState['breaker']>, route: string | null): string {
  return `of route ${route}: ${words(state)}${reason === null || reason === '' ? '' : `: ${reason}`}`;
}

const waitedFor = { endpoint: 'until an endpoint is ready', connection: 'for a connection', turn: 'for their turn' };

function queueText({ queue, for: what, waiting, in_flight: inFlight, in_flight_max: inFlightMax }: QueueState): string {
  const bound = inFlightMax === undefined ? '' : `; ${inFlight ?? 0} of ${inFlightMax} requests in flight`;
  return `of ${queue}: ${waitingText(waiting)}${waiting === 0 ? '' : ` ${waitedFor[what]}`}${bound}`;
}

function waitingText(waiting: number): string {
  return waiting === 0 ? 'no request waited' : `${countText(waiting, 'request')} waited`;
}

function configurationText(
  { configuration: hash }: GatewayState,
  revision: number,
  known: KnownConfiguration | null,
): string {
  const facts = `revision ${revision}${hash === null ? '' : `, hash ${hash}`}`;
  return known === null ? facts : `number ${known.id}: \`candor configuration show ${known.id}\`; ${facts}`;
}

function words(state: string): string {
  return state.replaceAll('_', ' ');
}
