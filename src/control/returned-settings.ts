import { createHash } from 'node:crypto';
import type { Configuration } from '../core/configuration.ts';
import type { ReturnedPart } from '../core/event.ts';

/** Parts that are compared one by one, by their key in candor.yaml. */
const partsOf = {
  applications: ({ applications }: Configuration) => applications,
  upstreams: ({ upstreams }: Configuration) => upstreams,
} as const;

/** Of each part: somebody who goes back goes back to one of the last. */
const keptMax = 20;

/** Parts that a configuration no longer has, and may have again. */
const removedMax = 1000;

interface KnownSettings {
  readonly hash: string;
  /** The last that had them. */
  readonly revision: number;
}

/**
 * The settings that this process has had, so that a change which takes back an earlier one can be told from a new one. Texts are not kept,
 * only their digests.
 */
export class ReturnedSettings {
  readonly #known = new Map<string, KnownSettings[]>();
  #parts: ReadonlyMap<string, string> = new Map();

  /** The parts that differ from the revision before, and are as in an earlier one. */
  apply(configuration: Configuration, contentHash: string, revision: number): readonly ReturnedPart[] {
    const parts = new Map<string, string>([['everything', contentHash]]);
    for (const [key, itemsOf] of Object.entries(partsOf))
      for (const item of itemsOf(configuration)) parts.set(`${key}: ${item.id}`, digestOf(item));
    const returned: ReturnedPart[] = [];
    for (const [part, hash] of parts) {
      const known = this.#known.get(part) ?? [];
      const found = known.find((one) => one.hash === hash);
      if (found !== undefined && this.#parts.get(part) !== hash) returned.push({ part, revision: found.revision });
      this.#known.set(part, [...known.filter((one) => one !== found), { hash, revision }].slice(-keptMax));
    }
    this.#parts = parts;
    if (this.#known.size > parts.size + removedMax)
      for (const part of this.#known.keys()) if (!parts.has(part)) this.#known.delete(part);
    return returned;
  }
}

function digestOf(item: unknown): string {
  return createHash('sha256').update(JSON.stringify(item)).digest('hex').slice(0, 16);
}
