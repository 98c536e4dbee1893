import { type ProxyErrorType, proxyErrors } from '#failures/proxy-error.ts';
import type { Shape } from '#failures/shape.ts';
import type { Stage } from '#failures/stage.ts';
import type { AddressReport, ProbeFailure, HttpReport, WayReport } from './probe-report.ts';

/** What one way comes down to. */
export interface WayOutcome {
  /** The response is one that an application meant: any status below 500 that no gateway has made up. */
  readonly works: boolean;
  readonly status: number | null;
  readonly stage: Stage | null;
  /** Null where an error page of a gateway does not say it. */
  readonly shape: Shape | null;
  /** A cause of the failure table, or an error type of RFC 9209 that a gateway has sent. */
  readonly cause: string | null;
  /** Who wrote the failing response: the gateway, the application, or no response came. */
  readonly answeredBy: 'gateway' | 'application' | null;
  readonly sentence: string;
  readonly nextStep: string | null;
}

/** The first thing that is wrong on a way, in the order of its steps. */
export function outcomeOf(way: WayReport): WayOutcome {
  const { dns, get, head, series } = way;
  if (dns?.failure != null && way.addresses.length === 0) return failed(dns.failure);
  if (get === null) return failedOrNothing(chosenAddress(way.addresses)?.failure ?? null);
  if (get.failure !== null) return failed(get.failure, repeatedText(way));
  const answered = answerOutcome(get);
  if (!answered.works) return answered;
  if (series?.failure != null) {
    return failed(series.failure, `${series.failed} of ${series.requests} requests failed. `);
  }
  if (head?.failure != null) return failed(head.failure, 'GET works and HEAD fails. ');
  if (series?.staleFailure != null && series.stale * 2 >= series.reused) {
    return failed(series.staleFailure, `${series.stale} of ${series.reused} requests on a used connection failed. `);
  }
  const dead = deadAddress(way);
  if (dead !== null) return deadOutcome(dead, way.addresses);
  const erring = way.addresses.filter(({ status }) => (status ?? 0) >= 500);
  return erring.length === 0 ? answered : erringOutcome(erring, way.addresses.length);
}

/** The address that requests were sent to: the first that works, else the one whose failure tells most. */
export function chosenAddress(addresses: readonly AddressReport[]): AddressReport | null {
  const works = addresses.find(({ failure }) => failure === null);
  const connected = addresses.find(({ connectMs }) => connectMs !== null);
  // A family without a route from this machine tells least.
  const routed = addresses.find(({ failure }) => failure?.cause !== 'connect_unroutable');
  return works ?? connected ?? routed ?? addresses[0] ?? null;
}

/**
 * An address that a client may choose and that does not work. Not one that only this machine knows (the hosts file, `localhost`)
 * and where nothing listens, and not one of a family without a route from here: clients then use the other one.
 */
export function deadAddress({ dns, addresses }: WayReport): AddressReport | null {
  if (!addresses.some(({ failure }) => failure === null)) return null;
  return addresses.find(({ failure }) => failure !== null && !isHarmless(failure, dns?.source === 'machine')) ?? null;
}

export function isHarmless({ cause }: ProbeFailure, isLocalName: boolean): boolean {
  return cause === 'connect_unroutable' || (isLocalName && cause === 'connect_refused');
}

function deadOutcome(dead: AddressReport, addresses: readonly AddressReport[]): WayOutcome {
  const count = addresses.filter(({ failure }) => failure !== null).length;
  const lead = `${count} of ${addresses.length} addresses ${count === 1 ? 'does' : 'do'} not work. `;
  return failed(dead.failure as ProbeFailure, lead);
}

/** Requests go to an address that works, and others answer 5xx: some clients get those. */
function erringOutcome(erring: readonly AddressReport[], count: number): WayOutcome {
  const { address, status } = erring[0] as AddressReport;
  return {
    works: false,
    status,
    stage: 'response',
    shape: 'app_error',
    cause: null,
    answeredBy: 'application',
    sentence: `${erring.length} of ${count} addresses ${erring.length === 1 ? 'answers' : 'answer'} 5xx: ${address} answers ${status}.`,
    nextStep: 'Look into the log of the application at that address.',
  };
}

function repeatedText({ series }: WayReport): string {
  if (series === null || series.requests < 2) return '';
  return series.failed === series.requests ? '' : `${series.failed} of ${series.requests} requests failed. `;
}

/** The outcome of a response that has come whole. */
function answerOutcome({ status, headers, author }: HttpReport): WayOutcome {
  const code = status ?? 0;
  const members = headers.filter(({ name }) => name === 'proxy-status').map(({ value }) => value);
  const proxyStatus = members.join(', ');
  const type = proxyErrorIn(proxyStatus);
  const answer = { status, stage: 'response', cause: type } as const;
  if (type !== null && code >= 400) {
    const shape = proxyErrors[type].shape;
    const sentence = `The response is the gateway's own ${code}: ${detailsIn(proxyStatus) ?? type}.`;
    return { ...answer, works: false, stage: stageOf(type), shape, answeredBy: 'gateway', sentence, nextStep: null };
  }
  if (author?.isGateway === true && code >= 400) {
    const { sentence } = author;
    return { ...answer, works: false, shape: shapeOfStatus(code), answeredBy: 'gateway', sentence, nextStep: null };
  }
  if (code >= 500) {
    const sentence = `The application answers ${code}.`;
    const nextStep = 'Look into the log of the application at this time.';
    return { ...answer, works: false, shape: 'app_error', answeredBy: 'application', sentence, nextStep };
  }
  return {
    ...answer,
    works: true,
    stage: null,
    shape: 'none',
    answeredBy: 'application',
    sentence: `The response is ${code}.`,
    nextStep: null,
  };
}

/** What the status of a gateway's own response shows. A 5xx may stand for anything that happened behind it. */
function shapeOfStatus(code: number): Shape | null {
  if (code >= 500) return null;
  return code === 400 || code === 408 ? 'client_abort' : 'refused_by_gateway';
}

function failed(failure: ProbeFailure, lead = ''): WayOutcome {
  const { stage, shape, cause, sentence, nextStep } = failure;
  return {
    works: false,
    status: null,
    stage,
    shape,
    cause,
    answeredBy: null,
    sentence: `${lead}${sentence}`,
    nextStep,
  };
}

function failedOrNothing(failure: ProbeFailure | null): WayOutcome {
  if (failure !== null) return failed(failure);
  return {
    works: false,
    status: null,
    stage: null,
    shape: null,
    cause: null,
    answeredBy: null,
    sentence: 'No request could be sent.',
    nextStep: null,
  };
}

/**
 * The first `error` parameter: members are in the order in which gateways added them, that next to the application first
 * (RFC 9209 §2). Null for an unknown type.
 */
function proxyErrorIn(proxyStatus: string): ProxyErrorType | null {
  const unquoted = proxyStatus.replace(/"(?:[^"\\]|\\.)*"/g, '""');
  const [, type = ''] = /;\s*error=([a-z_]+)/.exec(unquoted) ?? [];
  return Object.hasOwn(proxyErrors, type) ? (type as ProxyErrorType) : null;
}

/** Where the gateway's attempt failed, as far as the type tells. */
function stageOf(type: ProxyErrorType): Stage {
  if (type.startsWith('dns_')) return 'dns';
  if (type.startsWith('tls_')) return 'tls';
  const isConnect = /^(?:connection_(?:refused|timeout)|destination_ip_unroutable)$/.test(type);
  return isConnect ? 'connect' : 'response';
}

function detailsIn(proxyStatus: string): string | null {
  const [, details] = /;\s*details="((?:[^"\\]|\\.)*)"/.exec(proxyStatus) ?? [];
  return details === undefined ? null : details.replace(/\\(.)/g, '$1').replace(/\.$/, '');
}
