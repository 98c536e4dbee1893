import { isoTimeMs, type JsonLine, jsonNumber, jsonObject, jsonText } from '../json-fields.ts';
import { requestOf } from '../line-text.ts';

interface Token {
  readonly text: string;
  readonly isQuoted: boolean;
}

const tokensMax = 60;

/** The end of a quoted field: the quotation mark before a space or the end of the line. Envoy escapes none inside. */
function quotedEnd(line: string, from: number): number {
  for (let at = line.indexOf('"', from); at >= 0; at = line.indexOf('"', at + 1))
    if (at + 1 >= line.length || line[at + 1] === ' ') return at;
  return line.length;
}

/** Older versions write spaces inside the braces of `upstream_reset_before_response_started{...}`. */
function bareEnd(line: string, from: number): number {
  const space = line.indexOf(' ', from);
  const end = space < 0 ? line.length : space;
  const open = line.indexOf('{', from);
  if (open < 0 || open > end || line.slice(open, end).includes('}')) return end;
  const close = line.indexOf('} ', open);
  return close < 0 ? end : close + 1;
}

function tokensOf(line: string, from: number): readonly Token[] {
  const tokens: Token[] = [];
  for (let at = from; at < line.length && tokens.length < tokensMax; ) {
    if (line[at] === ' ') {
      at += 1;
      continue;
    }
    const isQuoted = line[at] === '"';
    const end = isQuoted ? quotedEnd(line, at + 1) : bareEnd(line, at);
    tokens.push({ text: line.slice(isQuoted ? at + 1 : at, end), isQuoted });
    at = end + (isQuoted ? 1 : 0);
  }
  return tokens;
}

const isCount = (token: Token | undefined): boolean =>
  token !== undefined && !token.isQuoted && /^(?:\d{1,19}|-)$/.test(token.text);

const startTime = /^(?:ACCESS )?\[(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:?\d\d))\] (?=")/;

/** The format: Istio's has more fields than Envoy's own, and names the cluster after the host. */
interface TextLine {
  readonly exchange: EnvoyExchange;
  readonly isIstio: boolean;
}

/**
 * Envoy's default format (Emissary writes ACCESS before it), and Istio's. Time, request, code and flags; optionally
 * details and reason; bytes received, bytes sent and duration; the service time; five quoted fields, the host last; then
 * Istio's additional fields.
 */
export function textLine(line: string): TextLine | null {
  const time = startTime.exec(line);
  if (time === null) return null;
  const [request, code, flags, ...rest] = tokensOf(line, time[0].length);
  if (request === undefined || code === undefined || flags === undefined || !request.isQuoted) return null;
  if (flags.isQuoted || !/^(?:\d{1,3}|-)$/.test(code.text) || !looksLikeFlags(flags.text)) return null;
  const counts = rest.findIndex((_, at) => isCount(rest[at]) && isCount(rest[at + 1]) && isCount(rest[at + 2]));
  if (counts < 0) return null;
  return build(line, { time: time[1] ?? '', request: request.text, code: code.text, flags: flags.text }, rest, counts);
}

interface Head {
  readonly time: string;
  readonly request: string;
  readonly code: string;
  readonly flags: string;
}

function build(line: string, head: Head, rest: readonly Token[], counts: number): TextLine {
  const between = rest.slice(0, counts);
  const quoted = rest.slice(counts + 3).filter(({ isQuoted }) => isQuoted);
  const hostAt = quoted.length >= 5 ? rest.indexOf(quoted[4] as Token) : -1;
  const details = between.find(({ isQuoted }) => !isQuoted);
  const reason = between.findLast(({ isQuoted }) => isQuoted);
  const isTcp = head.request.startsWith('- - -');
  const exchange: EnvoyExchange = {
    flags: head.flags === '-' ? [] : head.flags.split(','),
    flagsText: head.flags,
    details: present(details?.text),
    reason: present(reason?.text),
    code: number(head.code),
    isTcp,
    request: isTcp ? null : requestOf(head.request),
    host: present(rest[hostAt]?.text),
    namesHost: hostAt >= 0,
    cluster: hostAt < 0 ? null : present(rest[hostAt + 1]?.text),
    serviceTimeMs: number(rest[counts + 3]?.isQuoted === false ? rest[counts + 3]?.text : undefined),
    durationMs: number(rest[counts + 2]?.text),
    requestId: quoted.length >= 5 ? present(quoted[2]?.text) : null,
    atMs: isoTimeMs(head.time),
  };
  return { exchange, isIstio: between.length >= 2 || /\b(?:in|out)bound\|\d/.test(line) };
}

function present(text: string | undefined): string | null {
  return text === undefined || text === '-' || text === '' ? null : text;
}

function number(text: string | undefined): number | null {
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : null;
}

/** Envoy's response flags: the short name, and the long one that `%RESPONSE_FLAGS_LONG%` writes. */
const longNames = {
  DC: 'DownstreamConnectionTermination',
  LH: 'FailedLocalHealthCheck',
  UH: 'NoHealthyUpstream',
  UT: 'UpstreamRequestTimeout',
  LR: 'LocalReset',
  UR: 'UpstreamRemoteReset',
  UF: 'UpstreamConnectionFailure',
  UC: 'UpstreamConnectionTermination',
  UO: 'UpstreamOverflow',
  URX: 'UpstreamRetryLimitExceeded',
  NR: 'NoRouteFound',
  DI: 'DelayInjected',
  FI: 'FaultInjected',
  RL: 'RateLimited',
  UAEX: 'UnauthorizedExternalService',
  RLSE: 'RateLimitServiceError',
  SI: 'StreamIdleTimeout',
  IH: 'InvalidEnvoyRequestHeaders',
  DPE: 'DownstreamProtocolError',
  UMSDR: 'UpstreamMaxStreamDurationReached',
  RFCF: 'ResponseFromCacheFilter',
  NFCF: 'NoFilterConfigFound',
  DT: 'DurationTimeout',
  UPE: 'UpstreamProtocolError',
  NC: 'NoClusterFound',
  OM: 'OverloadManagerTerminated',
  DF: 'DnsResolutionFailed',
  DO: 'DropOverload',
  DR: 'DownstreamRemoteReset',
  UDO: 'UnconditionalDropOverload',
} as const;

type EnvoyFlag = keyof typeof longNames;

const shortOf: ReadonlyMap<string, EnvoyFlag> = new Map(
  Object.entries(longNames).flatMap(([short, long]) => [
    [short.toLowerCase(), short as EnvoyFlag],
    [long.toLowerCase(), short as EnvoyFlag],
  ]),
);

/** The short names in "UF,URX" or their long forms; empty for "-"; null for text that is no list of flags. */
export function flagsIn(text: string): readonly EnvoyFlag[] | null {
  if (text === '-' || text === '') return [];
  if (text.length > 200) return null;
  const flags = text.split(',').map((name) => shortOf.get(name.trim().replaceAll('_', '').toLowerCase()));
  return flags.every((flag) => flag !== undefined) ? flags : null;
}

/** Whether it could be a flag of Envoy or of a filter: capital letters, as Envoy registers them. */
function looksLikeFlags(text: string): boolean {
  return text === '-' || flagsIn(text) !== null || /^[A-Z]{2,8}(?:,[A-Z]{2,8}){0,8}$/.test(text);
}

/** The fields of an Envoy access log line, in any format. A field that is absent, or "-", is null. */
export interface EnvoyExchange {
  /** Short names, in the line's order; empty for "-"; null if the format leaves the flags out. */
  readonly flags: readonly string[] | null;
  /** The flags as the line writes them. */
  readonly flagsText: string | null;
  readonly details: string | null;
  /** `%UPSTREAM_TRANSPORT_FAILURE_REASON%` */
  readonly reason: string | null;
  /** 0 if no response was begun, and in TCP lines. */
  readonly code: number | null;
  readonly isTcp: boolean;
  readonly request: string | null;
  readonly host: string | null;
  /** Whether the format has a field for the host. If not, its absence means nothing. */
  readonly namesHost: boolean;
  readonly cluster: string | null;
  /** Only a response of the application has it. Null without such a response, or if the format leaves it out. */
  readonly serviceTimeMs: number | null;
  readonly durationMs: number | null;
  readonly requestId: string | null;
  readonly atMs: number | null;
}

/** The direction of a sidecar: "inbound" is from it to the application in the same pod; null outside of Istio. */
export type Direction = 'inbound' | 'outbound' | null;

export function directionOf({ cluster }: Pick<EnvoyExchange, 'cluster'>): Direction {
  if (cluster === null) return null;
  if (cluster.startsWith('inbound|') || cluster.startsWith('InboundPassthroughCluster')) return 'inbound';
  const isOutbound =
    cluster.startsWith('outbound|') || cluster === 'PassthroughCluster' || cluster === 'BlackHoleCluster';
  return isOutbound ? 'outbound' : null;
}

/** Names under which operators write each field, without characters that are neither letters nor digits. */
const names = {
  flags: [
    'responseflags',
    'responseflag',
    'flag',
    'responseflagslong',
    'responseflagsshort',
    'flags',
    'respflags',
    'envoyresponseflags',
  ],
  details: ['responsecodedetails', 'codedetails', 'responsedetails', 'rcdetails', 'details'],
  reason: ['upstreamtransportfailurereason', 'transportfailurereason', 'upstreamfailurereason', 'failurereason'],
  code: [
    'responsecode',
    'statuscode',
    'status',
    'code',
    'httpstatus',
    'httpstatuscode',
    'responsestatus',
    'responsestatuscode',
  ],
  host: ['upstreamhost', 'upstreamhostaddress', 'upstreamaddress', 'upstreamremoteaddress', 'upstreamaddr'],
  cluster: ['upstreamcluster', 'upstreamclusterraw', 'upstreamclustername', 'cluster'],
  serviceTime: [
    'upstreamservicetime',
    'respxenvoyupstreamservicetime',
    'xenvoyupstreamservicetime',
    'responsexenvoyupstreamservicetime',
    'upstreamresponsetime',
  ],
  duration: ['duration', 'durationms', 'requestduration', 'totalduration', 'responsetime'],
  method: ['method', 'reqmethod', 'requestmethod', 'httpmethod', 'httprequestmethod'],
  path: [
    'path',
    'reqxenvoyoriginalpathpath',
    'xenvoyoriginalpath',
    'requestpath',
    'reqpath',
    'uripath',
    'uri',
    'url',
    'originalpath',
    'xenvoyoriginalpathpath',
    'xenvoyoriginpath',
  ],
  requestId: ['requestid', 'reqxrequestid', 'xrequestid', 'streamid'],
  time: ['starttime', 'timestamp', 'time', 'ts', 'date', 'datetime'],
  protocol: ['protocol', 'httpversion', 'proto'],
} as const;

type FieldName = keyof typeof names;

const leavesMax = 200;

/** Every value by its normalised name, and by its parent's name and its own. The first value of a name counts. */
function leavesOf(line: JsonLine): ReadonlyMap<string, unknown> {
  const leaves = new Map<string, unknown>();
  const visit = (object: JsonLine, parent: string, depth: number): void => {
    for (const [key, value] of Object.entries(object)) {
      if (leaves.size > leavesMax) return;
      const name = bare(key);
      for (const known of [name, parent + name]) if (!leaves.has(known)) leaves.set(known, value);
      const inner = depth < 2 ? jsonObject(value) : null;
      if (inner !== null) visit(inner, name, depth + 1);
    }
  };
  visit(line, '', 0);
  return leaves;
}

function bare(key: string): string {
  return key
    .slice(0, 80)
    .toLowerCase()
    .replace(/[^a-z0-9]/g, '');
}

function valueOf(leaves: ReadonlyMap<string, unknown>, field: FieldName): unknown {
  for (const name of names[field]) if (leaves.has(name)) return leaves.get(name);
  return undefined;
}

/** For unknown names the value itself decides, if only Envoy writes such values. */
function byForm(leaves: ReadonlyMap<string, unknown>, form: RegExp): string | null {
  for (const value of leaves.values())
    if (typeof value === 'string' && value.length <= 2000 && form.test(value)) return value;
  return null;
}

const detailsForm =
  /^(?:via_upstream$|upstream_reset_(?:before|after)_response_started|upstream_(?:response|per_try)|response_timeout$|no_healthy_upstream|route_not_found|cluster_not_found|downstream_remote_disconnect)/;
const reasonForm = /^(?:delayed_connect_error|immediate_connect_error|delayed connect error|TLS_error|TLS error)/;
const flagsForm = /^(?:UF|UC|UT|UH|UO|UR|URX|UPE|NR|NC|DC|DPE|LR|SI|DF|UMSDR|UAEX|RL|RLSE|LH)(?:,[A-Z]{2,5})*$/;

export interface JsonExchange {
  readonly exchange: EnvoyExchange;
  readonly certainty: 1 | 2;
}

/** Null for JSON without any field of Envoy's. */
export function jsonExchange(line: JsonLine): JsonExchange | null {
  const leaves = leavesOf(line);
  const named = flagsOf(leaves);
  const details = detailsOf(leaves);
  const code = jsonNumber(valueOf(leaves, 'code'));
  const isDetailed = details !== null && detailsForm.test(details);
  const hasOther = isDetailed || byForm(leaves, reasonForm) !== null;
  // "UT" is also a state of America: a value alone is no flag.
  const isFormed = named === null && (hasOther || isOfUpstream(leaves));
  const formed = isFormed ? byForm(leaves, flagsForm) : null;
  if (named === null && formed === null && !isDetailed) return null;
  const flagsText = named ?? formed;
  return { exchange: exchangeOf(leaves, { flagsText, details, code }), certainty: named !== null || hasOther ? 2 : 1 };
}

function isOfUpstream(leaves: ReadonlyMap<string, unknown>): boolean {
  return (['host', 'cluster', 'serviceTime'] as const).some((field) => valueOf(leaves, field) !== undefined);
}

/** Null if no field is named for flags and has a list of them: other programs have fields called "flags" too. */
function flagsOf(leaves: ReadonlyMap<string, unknown>): string | null {
  for (const name of names.flags) {
    if (!leaves.has(name)) continue;
    const value = leaves.get(name);
    const isTheirs = name !== 'flags' && name !== 'flag';
    if (value === null && isTheirs) return '-';
    const object = jsonObject(value);
    // The logs of Envoy's gRPC access log service, written as JSON, have one boolean for each flag.
    if (object !== null && isTheirs) return flagsOfObject(object);
    if (typeof value !== 'string') continue;
    if (isTheirs || flagsForm.test(value) || (value === '-' && detailsOf(leaves) !== null)) return value;
  }
  return null;
}

function flagsOfObject(object: JsonLine): string {
  const set = Object.entries(object).flatMap(([name, value]) =>
    value === true || jsonObject(value) !== null ? (flagsIn(name) ?? []) : [],
  );
  return set.length === 0 ? '-' : set.join(',');
}

function detailsOf(leaves: ReadonlyMap<string, unknown>): string | null {
  const named = valueOf(leaves, 'details');
  return presentText(named) ?? byForm(leaves, detailsForm);
}

interface Found {
  readonly flagsText: string | null;
  readonly details: string | null;
  readonly code: number | null;
}

function exchangeOf(leaves: ReadonlyMap<string, unknown>, { flagsText, details, code }: Found): EnvoyExchange {
  const method = presentText(valueOf(leaves, 'method'));
  const path = presentText(valueOf(leaves, 'path'));
  return {
    flags: flagsText === null ? null : (flagsIn(flagsText) ?? flagsText.split(',').slice(0, 10)),
    flagsText,
    details,
    reason: presentText(valueOf(leaves, 'reason')) ?? byForm(leaves, reasonForm),
    code,
    isTcp: method === null && path === null && (code === null || code === 0),
    request: method === null || path === null ? null : requestOf(`${method} ${path}`),
    host: presentText(valueOf(leaves, 'host')),
    namesHost: valueOf(leaves, 'host') !== undefined,
    cluster: presentText(valueOf(leaves, 'cluster')),
    serviceTimeMs: jsonNumber(valueOf(leaves, 'serviceTime')),
    durationMs: jsonNumber(valueOf(leaves, 'duration')),
    requestId: presentText(valueOf(leaves, 'requestId')),
    atMs: isoTimeMs(valueOf(leaves, 'time')),
  };
}

function presentText(value: unknown): string | null {
  const text = jsonText(value);
  return text === null || text === '-' || text === '' ? null : text;
}
