import type { Configuration } from '../core/configuration.ts';
import type { ServedRead } from './configuration-read.ts';

/** What the thread that reads a configuration sends: first a `head`, then the lists of its configuration in parts. */
export type ConfigurationPart =
  /** The configuration without its routes and upstreams. */
  | { readonly kind: 'head'; readonly read: ServedRead }
  | { readonly kind: 'upstreams'; readonly upstreams: Configuration['upstreams'] }
  | { readonly kind: 'routes'; readonly routes: Configuration['routes'] };

/** Routes in one part, and a tenth as many upstreams, since an upstream has many endpoints. Cloning a part takes about a millisecond. */
export const partMax = 100;

/** Divides what was read, so that no thread clones thousands of routes at once. */
export function* splitRead(read: ServedRead): Generator<ConfigurationPart> {
  const { configuration } = read;
  if (configuration === null) return yield { kind: 'head', read };
  yield { kind: 'head', read: { ...read, configuration: { ...configuration, upstreams: [], routes: [] } } };
  for (const upstreams of slicesOf(configuration.upstreams, partMax / 10)) yield { kind: 'upstreams', upstreams };
  for (const routes of slicesOf(configuration.routes, partMax)) yield { kind: 'routes', routes };
}

function* slicesOf<T>(items: readonly T[], size: number): Generator<readonly T[]> {
  for (let at = 0; at < items.length; at += size) yield items.slice(at, at + size);
}

/** Puts the parts of a configuration together again. */
export class JoinedRead {
  #read: ServedRead | null = null;
  readonly #upstreams: Configuration['upstreams'][number][] = [];
  readonly #routes: Configuration['routes'][number][] = [];

  add(part: ConfigurationPart): void {
    if (part.kind === 'head') this.#read = part.read;
    else if (part.kind === 'upstreams') this.#upstreams.push(...part.upstreams);
    else this.#routes.push(...part.routes);
  }

  /** Null if no head was added. */
  get read(): ServedRead | null {
    const configuration = this.#read?.configuration ?? null;
    if (this.#read === null || configuration === null) return this.#read;
    const { upstreams, routes } = { upstreams: this.#upstreams, routes: this.#routes };
    return { ...this.#read, configuration: { ...configuration, upstreams, routes } };
  }
}
