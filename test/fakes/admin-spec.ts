import type { AdminSpec } from '../../src/core/configuration.ts';

/** An admin API on a unix socket and nowhere else. */
export function socketAlone(socket: string): AdminSpec {
  return { socket, listen: null, tokens: [], hosts: [] };
}
