import { SeededRandom } from '../../src/testing/seeded-random.ts';
import { snippetOf } from '../fuzz/snippet.ts';
import { candorRequests, candorResponse } from './candor.ts';
import { compare, type Disagreement } from './compare.ts';
import { type Explanation, explains, explanations } from './explained.ts';
import { missing, startGatewayPeer } from './gateway-peer.ts';
import { documented, type Sample, sampleOf } from './generate.ts';
import { startNodeHttp } from './node-http.ts';
import type { Peer, ReaderName } from './peer.ts';
import type { Reading } from './reading.ts';

/** The readers besides Candor, and the reason if one is not available. */
export const readers: readonly { readonly name: ReaderName; readonly missing: string | null }[] = [
  { name: 'node', missing: null },
  { name: 'nginx', missing: missing('nginx') },
  { name: 'haproxy', missing: missing('haproxy') },
];

interface DifferentialReport {
  readonly samples: number;
  /** How often each line of the documents explained a difference. */
  readonly explained: ReadonlyMap<Explanation, number>;
  /** One text for each kind of unexplained difference. */
  readonly unexplained: readonly string[];
  /** Lines of the documents that their own example does not show. */
  readonly untrue: readonly string[];
}

/** Most of the time is spent waiting for readers that send nothing. */
const atOnce = 32;
/** A reader that has sent nothing for this long waits for more bytes, if it also sends nothing for `sureMs` in a second try. */
const quietMs = 60;
const sureMs = 1500;
/** After this many unexplained differences the run stops. */
const doubtfulMax = 200;

/** Compares Candor with one other reader, on the documents' cases and on random samples as long as `goesOn` returns true. */
export async function differ(name: ReaderName, seed: string, goesOn: () => boolean): Promise<DifferentialReport> {
  const peer = name === 'node' ? await startNodeHttp() : await startGatewayPeer(name);
  try {
    const comparing = new Comparing(peer);
    await comparing.examples();
    await comparing.all([...documented], seed, goesOn);
    return comparing;
  } finally {
    await peer.stop();
  }
}

class Comparing implements DifferentialReport {
  samples = 0;
  readonly explained = new Map<Explanation, number>();
  readonly unexplained: string[] = [];
  readonly untrue: string[] = [];
  readonly #doubtful: Sample[] = [];
  readonly #peer: Peer;

  constructor(peer: Peer) {
    this.#peer = peer;
  }

  /** Whether each line for this reader is true of its example, by itself or together with another line of that case. */
  async examples(): Promise<void> {
    const lines = explanations.filter(({ readers }) => readers.includes(this.#peer.name));
    await Promise.all(lines.map((line) => this.#example(line)));
  }

  async #example({ of, example }: Explanation): Promise<void> {
    const { name } = this.#peer;
    const found = await this.#disagreement(example);
    const isTrue =
      found !== null && explanations.some((line) => line.of === of && explains(line, name, example, found));
    if (!isTrue) this.untrue.push(`${of}: ${name} reads ${textOf(found)}`);
  }

  async all(queue: Sample[], seed: string, goesOn: () => boolean): Promise<void> {
    let drawn = 0;
    const next = (): Sample | undefined =>
      queue.shift() ?? (goesOn() ? sampleOf(new SeededRandom(`${seed}/${drawn++}`)) : undefined);
    const work = async (): Promise<void> => {
      for (let sample = next(); sample !== undefined; sample = next()) await this.#compare(sample);
    };
    await Promise.all(Array.from({ length: atOnce }, work));
    await this.#again();
  }

  async #compare(sample: Sample): Promise<void> {
    this.samples++;
    const found = await this.#disagreement(sample);
    if (found === null) return;
    const explanation = explanations.find((line) => explains(line, this.#peer.name, sample, found));
    if (explanation !== undefined) this.explained.set(explanation, (this.explained.get(explanation) ?? 0) + 1);
    else this.#doubtful.push(sample);
  }

  /** An unexplained difference is tried once more, alone. There is one text for each kind of difference. */
  async #again(): Promise<void> {
    const kinds = new Set<string>();
    for (const sample of this.#doubtful.slice(0, doubtfulMax)) {
      const found = await this.#disagreement(sample);
      if (found === null || explanations.some((line) => explains(line, this.#peer.name, sample, found))) continue;
      const kind = `${sample.kind} ${found.kind} ${found.about}`;
      if (kinds.has(kind)) continue;
      kinds.add(kind);
      const snippet = snippetOf(sample.bytes, sample.kind, sample.method === '' ? 'GET' : sample.method);
      this.unexplained.push(`${this.#peer.name}: ${textOf(found)} (${sample.from})\n\n${snippet}`);
    }
  }

  /** Silence is tried twice before it counts: on a busy machine the first one may only be slowness. */
  async #disagreement(sample: Sample): Promise<Disagreement | null> {
    const ours = sample.kind === 'request' ? candorRequests(sample.bytes) : candorResponse(sample.bytes, sample.method);
    const theirs = await this.#read(sample, quietMs);
    const found = compare(ours, theirs);
    return found === null || theirs.end !== 'partial' ? found : compare(ours, await this.#read(sample, sureMs));
  }

  #read({ kind, bytes, method }: Sample, timeoutMs: number): Promise<Reading> {
    return kind === 'request' ? this.#peer.requests(bytes, timeoutMs) : this.#peer.response(bytes, method, timeoutMs);
  }
}

function textOf(found: Disagreement | null): string {
  if (found === null) return 'as Candor does';
  const { kind, about, start } = found;
  return [kind, about, start === '' ? '' : `at "${start}"`].filter((part) => part !== '').join(' ');
}
