import { createHash } from 'node:crypto';
import type { Configuration } from '../core/configuration.ts';

const known = new WeakMap<Configuration, string>();

/**
 * The key of the tokens that stand for routes in CDN-Loop. It is made of what the members of a deployment share, their routes and upstreams,
 * so that each recognizes the tokens of the others, and whoever does not have the configuration cannot find a route by trying. Where members
 * have different routes, as during a reload, tokens differ, and a loop ends at the number of passages.
 */
export function hopKeyOf(configuration: Configuration): string {
  const { deployment, routes, upstreams } = configuration;
  const key =
    known.get(configuration) ??
    createHash('sha256')
      .update(JSON.stringify([deployment, routes, upstreams]))
      .digest('base64url');
  known.set(configuration, key);
  return key;
}
