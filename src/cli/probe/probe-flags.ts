import { isIP } from 'node:net';
import { hostPort } from '../../core/endpoint.ts';
import { CommandFailure } from '../command-failure.ts';

export interface ProbeFlags {
  readonly via?: URL;
  readonly host?: string;
  readonly requests: number;
  readonly timeout: number;
  readonly write: boolean;
  readonly http2: boolean;
  readonly nameServer?: string;
  readonly caFile?: string;
  readonly insecure: boolean;
  readonly json: boolean;
}

/** Completes what people type: '3000', 'localhost:3000/health', 'example.org'. */
export function parseProbeUrl(input: string): URL {
  const written = /^\d{1,5}(?=\/|$)/.test(input) ? `127.0.0.1:${input}` : input;
  const url = URL.parse(/^https?:\/\//i.test(written) ? written : `http://${written}`);
  if (url === null || url.hostname === '' || /^[a-z][a-z\d+.-]*:\/\//i.test(input) !== /^https?:\/\//i.test(input))
    throw new CommandFailure('usage', 'the URL must look like http://localhost:3000/health');
  // A probe sends no credentials, and prints none.
  url.username = '';
  url.password = '';
  url.hash = '';
  return url;
}

export function parseHost(input: string): string {
  if (/^(?:[\w.-]{1,253}|\[[\da-fA-F:.]+\])(?::\d{1,5})?$/.test(input)) return input;
  throw new CommandFailure('usage', 'a host is a name or an address, such as shop.example.org or 10.0.0.5:3000');
}

const requestsMost = 1000;

export function parseRequests(input: string): number {
  const requests = Number(input);
  if (/^\d{1,4}$/.test(input) && requests >= 1 && requests <= requestsMost) return requests;
  throw new CommandFailure('usage', `a number of requests is from 1 to ${requestsMost}`);
}

/** An address, with a port if it is not 53. */
export function parseNameServer(input: string): string {
  const [, host = '', port] = /^(?:\[(?=.*\]))?([^\]]*?)\]?(?::(\d{1,5}))?$/.exec(input) ?? [];
  if (isIP(input) !== 0) return input;
  if (isIP(host) !== 0 && port !== undefined) return hostPort(host, Number(port));
  throw new CommandFailure('usage', 'a name server is an address, such as 1.1.1.1 or 127.0.0.1:5353');
}
