import type { Finding } from './finding.ts';
import { InternedTexts } from './interned-texts.ts';
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

/** What the keys depend on besides the sentence and the endpoint. */
type Kind = Pick<Finding, 'gateway' | 'shape' | 'type' | 'stage' | 'born' | 'isConsequence'>;

interface Entry {
  readonly kind: Kind;
  readonly byEndpoint: Map<string | null, FaultKeys>;
}

/** More than the sentences and endpoints of nearly all logs; for others the keys are built again and again. */
const entriesMax = 2000;

const bySentence = new Map<string, Entry>();
let entries = 0;

const endpoints = new InternedTexts(entriesMax);

/** Gateways repeat their failures, and building the keys costs more than counting: they are remembered. */
export function faultKeysOf(finding: Finding): FaultKeys {
  const endpoint = finding.upstream === null ? null : endpoints.of(endpointOf(finding.upstream));
  const found = bySentence.get(finding.sentence);
  const entry = found !== undefined && isSameKind(found.kind, finding) ? found : null;
  return entry?.byEndpoint.get(endpoint) ?? remember(finding, endpoint, entry);
}

function remember(finding: Finding, endpoint: string | null, known: Entry | null): FaultKeys {
  const keys = keysOf(finding, endpoint);
  let entry = known;
  if (entries >= entriesMax) {
    bySentence.clear();
    entries = 0;
    entry = null;
  }
  if (entry === null) {
    const { gateway, shape, type, stage, born, isConsequence, sentence } = finding;
    entry = { kind: { gateway, shape, type, stage, born, isConsequence }, byEndpoint: new Map() };
    bySentence.set(ownText(sentence, sentence.length), entry);
  }
  entry.byEndpoint.set(endpoint, keys);
  entries += 1;
  return keys;
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

function keysOf(finding: Finding, endpoint: string | null): FaultKeys {
  const { gateway, shape, type, stage, born, isConsequence, sentence } = finding;
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
