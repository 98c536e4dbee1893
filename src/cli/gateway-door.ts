import type { Configuration } from '../core/configuration.ts';
import type { Gateway, GatewayWatcher } from '../gateway/control.ts';
import type { ListenFacts } from './listen-failure-text.ts';

export type ConfigurationReload = () => Promise<
  { readonly ok: true; readonly configuration: Configuration } | { readonly ok: false; readonly complaints: readonly string[] }
>;

export interface GatewayOptions {
  readonly configuration: Configuration;
  readonly source: string | null;
  readonly reloadConfiguration?: ConfigurationReload;
  readonly watcher: GatewayWatcher;
}

export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const name = '../gateway/gateway.ts';
  const module = (await import(name)) as { startGateway(options: GatewayOptions): Promise<Gateway> };
  return module.startGateway(options);
}

/** Null for any other error. */
export function asListenFailure(error: unknown): ListenFacts | null {
  return error instanceof Error && error.name === 'ListenFailure' ? (error as Error & ListenFacts) : null;
}
