import { parseDuration } from '../schema/format/duration.ts';
import { CommandFailure } from './command-failure.ts';

/**
 * The flags that several commands share. The brief of a flag begins with its placeholder, since the parser does not print
 * the placeholder in its list.
 */

export const jsonFlag = {
  kind: 'boolean',
  brief: 'Print JSON, for programs',
  default: false,
  withNegated: false,
} as const;

const text = (input: string): string => input;

export const configFlag = {
  kind: 'parsed',
  parse: text,
  brief: '<file> with the configuration',
  placeholder: 'file',
  default: 'candor.yaml',
} as const;

/** For commands that ask a running gateway. */
export const askFlags = {
  config: {
    kind: 'parsed',
    parse: text,
    brief: '<file> with the configuration',
    placeholder: 'file',
    optional: true,
  },
  socket: { kind: 'parsed', parse: text, brief: '<path> of its admin socket', placeholder: 'path', optional: true },
  admin: { kind: 'parsed', parse: text, brief: '<url> for the API over TCP', placeholder: 'url', optional: true },
  tokenFile: {
    kind: 'parsed',
    parse: text,
    brief: '<file> with the API token',
    placeholder: 'file',
    optional: true,
  },
  caFile: {
    kind: 'parsed',
    parse: text,
    brief: '<file> with its authorities, in PEM',
    placeholder: 'file',
    optional: true,
  },
  json: jsonFlag,
} as const;

export const optionalText = (brief: string, placeholder: string) =>
  ({ kind: 'parsed', parse: text, brief, placeholder, optional: true }) as const;

export function parsePort(input: string): number {
  const port = Number(input);
  if (/^\d{1,5}$/.test(input) && port <= 65_535) return port;
  throw new CommandFailure('usage', 'a port is a number from 0 to 65535');
}

export function parsePath(input: string): string {
  if (input.startsWith('/')) return input;
  throw new CommandFailure('usage', 'a path begins with "/"');
}

/** Milliseconds, from a duration such as '30s', as in a configuration. */
export function parseDurationFlag(input: string): number {
  const parsed = parseDuration(input);
  if (parsed.ok) return parsed.value;
  throw new CommandFailure('usage', 'a duration is a number with a unit, such as 500ms, 30s or 5m');
}
