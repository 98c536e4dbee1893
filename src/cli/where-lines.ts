import type { Configuration } from '../core/configuration.ts';
import type { Gateway } from '../control/gateway-status.ts';
import type { Style } from './style.ts';

/** Prints the addresses of a running gateway. */
export function whereLines(gateway: Gateway, configuration: Configuration, style: Style): string[] {
  const addresses = gateway
    .status()
    .listeners.filter((listener) => listener.state === 'open')
    .map(({ id, address }) => style.bold(`${securesListener(configuration, id) ? 'https' : 'http'}://${address}`));
  const lines = [`Serving at ${addresses.join(' and ')}`];
  if (configuration.log.path !== null) lines.push(style.dim(`  exchange log  ${configuration.log.path}`));
  if (configuration.admin.socket !== null) lines.push(style.dim(`  admin socket  ${configuration.admin.socket}`));
  return lines;
}

function securesListener({ listeners }: Configuration, listener: string): boolean {
  return listeners.some(({ id, tls }) => id === listener && tls !== null);
}
