import { CommandFailure } from './command-failure.ts';

export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

/** Where the first part of the torture origin listens by default. */
export const originListenDefault: ListenAddress = { host: '127.0.0.1', port: 9400 };

/** Parses host and port. The parts of the origin listen at this port and those after it. */
export function parseListenAddress(input: string): ListenAddress {
  const [, v6, host, port] = /^(?:\[([^\]]+)\]|([^:]*)):(\d{1,5})$/.exec(input) ?? [];
  if (port === undefined || Number(port) > portMax)
    throw new CommandFailure('usage', `an address is host:port, with a port up to ${portMax}`);
  return { host: v6 ?? (host === '' || host === undefined ? '0.0.0.0' : host), port: Number(port) };
}

export function parseGatewayUrl(input: string): URL {
  const url = URL.parse(/^https?:\/\//i.test(input) ? input : `http://${input}`);
  if (url === null) throw new CommandFailure('usage', 'the URL must look like http://localhost:8080');
  return url;
}

export function parseSeconds(input: string): number {
  const seconds = Number(input.replace(/s$/, ''));
  if (seconds > 0 && seconds <= 600) return seconds;
  throw new CommandFailure('usage', 'a number of seconds up to 600');
}

export function parseNames(input: string): readonly string[] {
  return input.split(',').map((name) => name.trim());
}

/** The highest first port that leaves ports for all parts. */
const portMax = 65_500;
