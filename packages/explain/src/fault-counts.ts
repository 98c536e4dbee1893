import type { FaultKeys } from './fault-keys.ts';
import { type Finding, isSuspicious } from './finding.ts';
import type { LineParties } from './line-parties.ts';
import { type LineReference, exampleOf } from './line-reference.ts';
import { ownText } from './own-text.ts';
import { truncateFix, truncateText, truncateTexts } from './report-texts.ts';
import { Ranking } from './ranking.ts';
import type { CauseTotal, Example, Hint, LeftOut, NameTotal, ShapeTotal, UpstreamTotal } from './summary-report.ts';

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
