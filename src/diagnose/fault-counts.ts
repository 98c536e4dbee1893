import { type Finding, type Fix, isGatewayFailure } from './finding.ts';
import { Ranking } from './ranking.ts';
import type { CauseTotal, Example, Hint, LeftOut, ShapeTotal, UpstreamTotal } from './summary-report.ts';

/** Entries of each kind in a report: as many as a page can show and a person reads. */
const reported = { causes: 40, upstreams: 20, hints: 20 };

/** Kinds that are counted separately while a log is read. A log with more of them has random names in it. */
const counted = { causes: 1000, upstreams: 10_000, hints: 200 };

const examplesMax = 3;

/** Longer evidence and names are truncated, since they come from a log and the report is bounded. */
const textLengthMax = 300;
const snippetLengthMax = 2000;

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

  add(finding: Finding, example: Example): void {
    let shape = this.#shapes.get(finding.shape);
    if (shape === undefined) {
      shape = { shape: finding.shape, count: 0 };
      this.#shapes.set(finding.shape, shape);
    }
    shape.count += 1;
    const cause = this.#causes.count(causeKey(finding), () => causeOf(finding));
    if (cause !== null && cause.examples.length < examplesMax) cause.examples.push(example);
    if (isGatewayFailure(finding)) this.#addUpstream(finding);
    const { gateway, format } = finding;
    const fix = truncateFix(finding.fix);
    if (finding.shape === 'unknown' && fix !== null)
      this.#hints.count(`${gateway} ${format} ${fix.text}`, () => ({ gateway, format, count: 0, fix }));
  }

  /** Removes a fault that was added, because another line of the same failure knows more. */
  remove(finding: Finding): void {
    const shape = this.#shapes.get(finding.shape);
    if (shape !== undefined) shape.count -= 1;
    this.#causes.uncount(causeKey(finding));
    const { gateway, format } = finding;
    const fix = truncateFix(finding.fix);
    if (finding.shape === 'unknown' && fix !== null) this.#hints.uncount(`${gateway} ${format} ${fix.text}`);
    if (!isGatewayFailure(finding) || finding.upstream === null) return;
    const counts = this.#upstreams.uncount(`${gateway} ${endpointOf(finding.upstream)}`);
    if (counts === null) return;
    counts.shapes.set(finding.shape, (counts.shapes.get(finding.shape) ?? 1) - 1);
    if (isUnreached(finding)) counts.unreached -= 1;
  }

  #addUpstream(finding: Finding): void {
    const { gateway, atMs, shape } = finding;
    if (finding.upstream === null) return;
    const upstream = endpointOf(finding.upstream);
    const counts = this.#upstreams.count(`${gateway} ${upstream}`, () => upstreamOf(finding, upstream));
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

function causeKey({ gateway, shape, type, stage, born, isConsequence, sentence }: Finding): string {
  return [gateway, shape, type, stage, born, isConsequence, withoutNames(sentence)].join('|');
}

/** Addresses, times and sizes are left out of the key: the cause is the same for all of them. */
function withoutNames(sentence: string): string {
  const cut = sentence.slice(0, textLengthMax).replace(/"[^"]*"|`[^`]*`/g, '#');
  return cut.replace(/\S+/g, (word) => (/\d/.test(word) ? '#' : word));
}

function causeOf(finding: Finding): Cause {
  const { gateway, shape, type, stage, born, whose, isConsequence } = finding;
  const fix = truncateFix(finding.fix);
  const evidence = truncateTexts(finding.evidence);
  const sentence = truncateText(finding.sentence);
  return { gateway, shape, type, stage, born, whose, sentence, evidence, fix, count: 0, isConsequence, examples: [] };
}

/** Reports show only the first few pieces of evidence. */
export function truncateTexts(texts: readonly string[]): readonly string[] {
  return texts.slice(0, 8).map(truncateText);
}

/** Fixes are texts of a dialect, with a few names from the line. */
export function truncateFix(fix: Fix | null): Fix | null {
  return fix === null
    ? null
    : { text: truncateText(fix.text), snippet: fix.snippet?.slice(0, snippetLengthMax) ?? null };
}

/**
 * The endpoint by host and port alone, as the other logs of the same gateway name it: `10.0.0.1:8080` for
 * `http://10.0.0.1:8080/articles`. A socket keeps its path, which is its name.
 */
export function endpointOf(upstream: string): string {
  const bare = upstream.slice(0, endpointCharactersMax).replace(/^\w{1,12}:\/\//, '');
  const ofSocket = /^unix:[^:]{1,200}/.exec(bare);
  if (ofSocket !== null) return ofSocket[0];
  return truncateText(bare === upstream ? upstream : (/^[^/?#]{1,300}/.exec(bare)?.[0] ?? upstream));
}

/** Longer than any address: only the beginning is looked at. */
const endpointCharactersMax = 1024;

export function truncateText(text: string): string {
  return text.length > textLengthMax ? `${text.slice(0, textLengthMax)}…` : text;
}
