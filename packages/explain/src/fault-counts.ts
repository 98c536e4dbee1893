import { type Finding, isSuspicious } from './finding.ts';
import type { LineParties } from './line-parties.ts';
import { type LineReference, exampleOf } from './line-times.ts';
import { ownText, InternedTexts } from './own-text.ts';
import { truncateFix, truncateText, truncateTexts, endpointOf, textLengthMax } from './report-texts.ts';
import type { CauseTotal, Example, Hint, LeftOut, NameTotal, ShapeTotal, UpstreamTotal } from './summary-report.ts';

/** Counts by key, exactly for as many keys as fit. When it is full, a new key is only added to the total of keys left out. */
export class Ranking<T extends { count: number }> {
  readonly #entries = new Map<string, T>();
  readonly #keysMax: number;
  #overflow = 0;

  constructor(keysMax: number) {
    this.#keysMax = keysMax;
  }

  /** Counts the key and returns its entry; null if there is no room for a new entry. */
  count(key: string, create: () => T): T | null {
    let entry = this.#entries.get(key);
    if (entry === undefined) {
      if (this.#entries.size >= this.#keysMax) {
        this.#overflow += 1;
        return null;
      }
      entry = create();
      this.#entries.set(ownText(key, key.length), entry);
    }
    entry.count += 1;
    return entry;
  }

  /** Undoes one count of the key. Null if the key has no entry. */
  uncount(key: string): T | null {
    const entry = this.#entries.get(key);
    if (entry === undefined) {
      this.#overflow = Math.max(0, this.#overflow - 1);
      return null;
    }
    entry.count -= 1;
    return entry;
  }

  /** All entries, in the order in which they were added. */
  values(): Iterable<T> {
    return this.#entries.values();
  }

  /** The most frequent entries; of equals, the older one first. Entries with a count of 0 are left out. */
  top(entriesMax: number): { readonly top: readonly T[]; readonly leftOut: LeftOut } {
    const sorted = [...this.#entries.values()].filter(({ count }) => count > 0).sort((a, b) => b.count - a.count);
    const rest = sorted.slice(entriesMax);
    const count = rest.reduce((sum, entry) => sum + entry.count, this.#overflow);
    return {
      top: sorted.slice(0, entriesMax),
      leftOut: { kinds: this.#overflow > 0 ? null : rest.length, count },
    };
  }
}

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

/** Entries of each kind in a report: as many as a page can show and a person reads. */
const reported = { causes: 40, upstreams: 20, hints: 20, names: 10 };

/** Kinds that are counted separately while a log is read. A log with more of them has random names in it. */
const counted = { causes: 1000, upstreams: 10_000, hints: 200, names: 10_000 };

const examplesMax = 3;

type Growing<T> = { -readonly [K in keyof T]: T[K] };
type Cause = Growing<Omit<CauseTotal, 'examples'>> & { readonly examples: Example[] };

export interface UpstreamCount {
  count: number;
  readonly gateway: Finding['gateway'];
  readonly upstream: string;
  readonly shapes: Map<Finding['shape'], number>;
  /** Failures to reach the address: refused, unroutable, or no answer to the connection attempt. */
  unreached: number;
  readonly sample: Finding;
  firstMs: number | null;
  lastMs: number | null;
}

/** Totals of all failures and faults: by shape, by cause, by upstream, and hints for `unknown` ones. */
export class FaultCounts {
  readonly #shapes = new Map<string, Growing<ShapeTotal>>();
  readonly #causes = new Ranking<Cause>(counted.causes);
  readonly #upstreams = new Ranking<UpstreamCount>(counted.upstreams);
  readonly #hints = new Ranking<Growing<Hint>>(counted.hints);
  readonly #paths = new Ranking<Growing<NameTotal>>(counted.names);
  readonly #hosts = new Ranking<Growing<NameTotal>>(counted.names);
  readonly #clients = new Ranking<Growing<NameTotal>>(counted.names);

  add(finding: Finding, keys: FaultKeys, parties: LineParties, reference: LineReference): void {
    let shape = this.#shapes.get(finding.shape);
    if (shape === undefined) {
      shape = { shape: finding.shape, count: 0 };
      this.#shapes.set(finding.shape, shape);
    }
    shape.count += 1;
    const cause = this.#causes.count(keys.cause, () => causeOf(finding));
    if (cause !== null && cause.examples.length < examplesMax) cause.examples.push(exampleOf(reference));
    if (isSuspicious(finding)) {
      this.#addUpstream(finding, keys);
      this.#addParties(parties);
    }
    if (finding.shape !== 'unknown') return;
    const { gateway, format } = finding;
    const fix = truncateFix(finding.fix);
    if (fix !== null) this.#hints.count(`${gateway} ${format} ${fix.text}`, () => ({ gateway, format, count: 0, fix }));
  }

  /**
   * Removes a fault that was added, because another line of the same failure knows more, or it was none. Returns its line, if it
   * was one of the examples.
   */
  remove(finding: Finding, keys: FaultKeys, parties: LineParties, at: Pick<Example, 'file' | 'line'>): Example | null {
    const shape = this.#shapes.get(finding.shape);
    if (shape !== undefined) shape.count -= 1;
    const cause = this.#causes.uncount(keys.cause);
    if (isSuspicious(finding)) {
      this.#removeParties(parties);
      this.#removeUpstream(finding, keys);
    }
    const { gateway, format } = finding;
    const fix = truncateFix(finding.fix);
    if (finding.shape === 'unknown' && fix !== null) this.#hints.uncount(`${gateway} ${format} ${fix.text}`);
    const index = cause?.examples.findIndex(({ file, line }) => file === at.file && line === at.line) ?? -1;
    return index < 0 ? null : (cause?.examples.splice(index, 1)[0] ?? null);
  }

  #removeUpstream(finding: Finding, { upstream }: FaultKeys): void {
    if (upstream === null) return;
    const counts = this.#upstreams.uncount(upstream);
    if (counts === null) return;
    counts.shapes.set(finding.shape, (counts.shapes.get(finding.shape) ?? 1) - 1);
    if (isUnreached(finding)) counts.unreached -= 1;
  }

  #addParties({ path, host, client }: LineParties): void {
    if (path !== null) this.#paths.count(truncateText(path), () => nameTotal(path));
    if (host !== null) this.#hosts.count(host, () => nameTotal(host));
    if (client !== null) this.#clients.count(client, () => nameTotal(client));
  }

  #removeParties({ path, host, client }: LineParties): void {
    if (path !== null) this.#paths.uncount(truncateText(path));
    if (host !== null) this.#hosts.uncount(host);
    if (client !== null) this.#clients.uncount(client);
  }

  #addUpstream(finding: Finding, { endpoint, upstream }: FaultKeys): void {
    const { atMs, shape } = finding;
    if (endpoint === null || upstream === null) return;
    const counts = this.#upstreams.count(upstream, () => upstreamOf(finding, endpoint));
    if (counts === null) return;
    counts.shapes.set(shape, (counts.shapes.get(shape) ?? 0) + 1);
    if (isUnreached(finding)) counts.unreached += 1;
    if (atMs === null) return;
    counts.firstMs = Math.min(counts.firstMs ?? atMs, atMs);
    counts.lastMs = Math.max(counts.lastMs ?? atMs, atMs);
  }

  get byShape(): readonly ShapeTotal[] {
    return [...this.#shapes.values()].filter(({ count }) => count > 0).sort((a, b) => b.count - a.count);
  }

  get causes(): { readonly top: readonly CauseTotal[]; readonly leftOut: LeftOut } {
    return this.#causes.top(reported.causes);
  }

  get upstreams(): { readonly top: readonly UpstreamCount[]; readonly leftOut: LeftOut } {
    return this.#upstreams.top(reported.upstreams);
  }

  /** Of failures, and of responses that may be failures. */
  get names(): Readonly<Record<'paths' | 'hosts' | 'clients', readonly NameTotal[]>> {
    const [paths, hosts, clients] = [this.#paths, this.#hosts, this.#clients].map(
      (ranking) => ranking.top(reported.names).top,
    ) as [readonly NameTotal[], readonly NameTotal[], readonly NameTotal[]];
    return { paths, hosts, clients };
  }

  get hints(): readonly Hint[] {
    return this.#hints.top(reported.hints).top;
  }
}

export function upstreamTotal({ count, gateway, upstream, shapes, firstMs, lastMs }: UpstreamCount): UpstreamTotal {
  const [shape, ofThatShape] = [...shapes].reduce((most, one) => (one[1] > most[1] ? one : most));
  return { gateway, upstream, failures: count, shape, ofThatShape, firstMs, lastMs };
}

function upstreamOf(sample: Finding, upstream: string): UpstreamCount {
  const { gateway } = sample;
  return { count: 0, gateway, upstream, shapes: new Map(), unreached: 0, sample, firstMs: null, lastMs: null };
}

const isUnreached = ({ type }: Finding): boolean =>
  type === 'connection_refused' || type === 'connection_timeout' || type === 'destination_ip_unroutable';

function nameTotal(name: string): Growing<NameTotal> {
  return { name: ownText(truncateText(name)), count: 0 };
}

function causeOf(finding: Finding): Cause {
  const { gateway, shape, type, stage, born, whose, isConsequence } = finding;
  const fix = truncateFix(finding.fix);
  const evidence = truncateTexts(finding.evidence);
  const sentence = truncateText(finding.sentence);
  return { gateway, shape, type, stage, born, whose, sentence, evidence, fix, count: 0, isConsequence, examples: [] };
}
