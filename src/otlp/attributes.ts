import type { ProcessConstants } from '../core/logger-messages.ts';
import type { AnyValue, KeyValue, Resource } from './messages.ts';

export type AttributeValue = string | number | boolean | readonly string[] | null | undefined;

/** Attributes without those that have no value. Whole numbers are integers, except where the name says milliseconds. */
export function attributesOf(values: Readonly<Record<string, AttributeValue>>): KeyValue[] {
  const attributes: KeyValue[] = [];
  for (const key of Object.keys(values)) {
    const value = values[key];
    if (value !== null && value !== undefined) attributes.push({ key, value: anyValueOf(key, value) });
  }
  return attributes;
}

function anyValueOf(key: string, value: string | number | boolean | readonly string[]): AnyValue {
  if (typeof value === 'string') return { stringValue: value };
  if (typeof value === 'boolean') return { boolValue: value };
  if (typeof value !== 'number') return { arrayValue: { values: value.map((stringValue) => ({ stringValue })) } };
  return Number.isInteger(value) && !key.endsWith('_ms') ? { intValue: String(value) } : { doubleValue: value };
}

/** The gateway process, as the conventions of OpenTelemetry name it; `configured` comes first. */
export function resourceOf(constants: ProcessConstants, configured: Readonly<Record<string, string>>): Resource {
  const { deployment, member, process, version, pid } = constants;
  return {
    attributes: attributesOf({
      'service.name': deployment,
      'service.instance.id': `${member}-${process}`,
      'service.version': version,
      'process.pid': pid,
      ...configured,
    }),
  };
}

const nanosPerMs = 1_000_000n;

/** Nanoseconds since 1970: `ms` after a time in milliseconds. */
export function unixNano(atMs: number, ms = 0): string {
  return String(BigInt(atMs) * nanosPerMs + BigInt(Math.round(ms * 1e6)));
}

/** 'example.org:8080' in two; the port is null if there is none, or if it is a path of a unix socket. */
export function addressAndPort(authority: string): { readonly address: string; readonly port: number | null } {
  const found = /^(.*):(\d{1,5})$/.exec(authority);
  // Without brackets all of it is an IPv6 address.
  if (found === null || (found[1]?.includes(':') === true && !authority.startsWith('['))) {
    return { address: withoutBrackets(authority), port: null };
  }
  return { address: withoutBrackets(found[1] ?? ''), port: Number(found[2]) };
}

function withoutBrackets(host: string): string {
  return host.startsWith('[') && host.endsWith(']') ? host.slice(1, -1) : host;
}
