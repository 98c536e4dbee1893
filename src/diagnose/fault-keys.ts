import type { Finding } from './finding.ts';
import { ownText } from './own-text.ts';
import { endpointOf, textLengthMax } from './report-texts.ts';

/** The keys under which a fault is counted. Equal faults share them. */
export interface FaultKeys {
  readonly cause: string;
  /** Null if the line names no upstream. */
  readonly endpoint: string | null;
  readonly upstream: string | null;
  readonly incident: string;
  /** Of the kind of failure within its incident. */
  readonly part: string;
}

interface Entry {
  readonly kind: Kind;
  readonly keys: FaultKeys;
}

/** What the keys depend on besides the sentence and the upstream. */
type Kind = Pick<Finding, 'gateway' | 'shape' | 'type' | 'stage' | 'born' | 'isConsequence'>;

/** More than the sentences and upstreams of nearly all logs; for others the keys are built again and again. */
const entriesMax = 2000;

/** Longer upstreams would be copies of a log. */
const upstreamCharactersMax = 256;

const bySentence = new Map<string, Map<string, Entry>>();
let entries = 0;

/** Gateways repeat their failures, and building the keys costs more than counting: they are remembered. */
export function faultKeysOf(finding: Finding): FaultKeys {
  const upstream = finding.upstream ?? '';
  const found = bySentence.get(finding.sentence)?.get(upstream);
  if (found !== undefined && isSameKind(found.kind, finding)) return found.keys;
  const keys = keysOf(finding);
  if (upstream.length <= upstreamCharactersMax) remember(finding, upstream, keys);
  return keys;
}

function remember(finding: Finding, upstream: string, keys: FaultKeys): void {
  if (entries >= entriesMax) {
    bySentence.clear();
    entries = 0;
  }
  const { gateway, shape, type, stage, born, isConsequence, sentence } = finding;
  let byUpstream = bySentence.get(sentence);
  if (byUpstream === undefined) {
    byUpstream = new Map();
    bySentence.set(ownText(sentence, sentence.length), byUpstream);
  }
  byUpstream.set(ownText(upstream), { kind: { gateway, shape, type, stage, born, isConsequence }, keys });
  entries += 1;
}

function isSameKind(a: Kind, b: Kind): boolean {
  return (
    a.gateway === b.gateway &&
    a.shape === b.shape &&
    a.type === b.type &&
    a.stage === b.stage &&
    a.born === b.born &&
    a.isConsequence === b.isConsequence
  );
}

function keysOf(finding: Finding): FaultKeys {
  const { gateway, shape, type, stage, born, isConsequence, sentence } = finding;
  const endpoint = finding.upstream === null ? null : ownText(endpointOf(finding.upstream));
  const kind = isCrash(finding) ? 'crash' : `${shape} ${stage}`;
  return {
    cause: `${gateway}|${shape}|${type}|${stage}|${born}|${isConsequence}|${withoutNames(sentence)}`,
    endpoint,
    upstream: endpoint === null ? null : `${gateway} ${endpoint}`,
    incident: `${gateway} ${kind} ${endpoint ?? ''}`,
    part: `${shape} ${type} ${isConsequence}`,
  };
}

/** What a gateway sees when an application ends: cut connections, then refused ones. */
export function isCrash({ shape, type, isConsequence }: Pick<Finding, 'shape' | 'type' | 'isConsequence'>): boolean {
  if (shape === 'reset') return true;
  return !isConsequence && (type === 'connection_refused' || type === 'destination_unavailable');
}

/** Addresses, times and sizes are left out of the key: the cause is the same for all of them. */
function withoutNames(sentence: string): string {
  const cut = sentence.slice(0, textLengthMax).replace(/"[^"]*"|`[^`]*`/g, '#');
  return cut.replace(/\S+/g, (word) => (/\d/.test(word) ? '#' : word));
}
