import { isoTimeMs, type JsonLine, jsonNumber, jsonObject, jsonText } from '../json-fields.ts';
import { requestOf } from '../line-text.ts';
import type { EnvoyExchange } from './exchange.ts';
import { flagsIn } from './flags.ts';

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
  return { exchange: build(leaves, { flagsText, details, code }), certainty: named !== null || hasOther ? 2 : 1 };
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
  return present(named) ?? byForm(leaves, detailsForm);
}

interface Found {
  readonly flagsText: string | null;
  readonly details: string | null;
  readonly code: number | null;
}

function build(leaves: ReadonlyMap<string, unknown>, { flagsText, details, code }: Found): EnvoyExchange {
  const method = present(valueOf(leaves, 'method'));
  const path = present(valueOf(leaves, 'path'));
  return {
    flags: flagsText === null ? null : (flagsIn(flagsText) ?? flagsText.split(',').slice(0, 10)),
    flagsText,
    details,
    reason: present(valueOf(leaves, 'reason')) ?? byForm(leaves, reasonForm),
    code,
    isTcp: method === null && path === null && (code === null || code === 0),
    request: method === null || path === null ? null : requestOf(`${method} ${path}`),
    host: present(valueOf(leaves, 'host')),
    namesHost: valueOf(leaves, 'host') !== undefined,
    cluster: present(valueOf(leaves, 'cluster')),
    serviceTimeMs: jsonNumber(valueOf(leaves, 'serviceTime')),
    durationMs: jsonNumber(valueOf(leaves, 'duration')),
    requestId: present(valueOf(leaves, 'requestId')),
    atMs: isoTimeMs(valueOf(leaves, 'time')),
  };
}

function present(value: unknown): string | null {
  const text = jsonText(value);
  return text === null || text === '-' || text === '' ? null : text;
}
