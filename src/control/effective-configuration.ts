import type { Configuration } from '../core/configuration.ts';
import { snakeKey } from '../core/json-case.ts';
import { TextRedactor } from '../core/redact/text-redactor.ts';

/** Plain data: what JSON has. */
export type SettingValue = null | boolean | number | string | readonly SettingValue[] | SettingMap;

export interface SettingMap {
  readonly [name: string]: SettingValue;
}

const hidden = '***';

/** Texts below these keys are secrets. */
const secretKeys: ReadonlySet<string> = new Set([
  ...['environment', 'expectHeaders', 'headers', 'key', 'hmacKey', 'password', 'routingKey', 'token', 'url', 'value'],
]);
/** Their keys are names that somebody has chosen, and no settings. */
const namedKeys: ReadonlySet<string> = new Set(['environment', 'headers', 'resource', 'errorPages']);
/** URLs whose path may be a secret. */
const urlKeys: ReadonlySet<string> = new Set(['endpoint', 'ask']);
/** Lists of words of a command line. */
const commandKeys: ReadonlySet<string> = new Set(['command', 'dnsHook']);

/** Certificates and error pages are whole documents. */
const charactersMax = 200;

/**
 * The configuration that the gateway runs, with all defaults filled in, as people may see it: without secrets, and with the keys that other JSON of the program has. What
 * operators have changed at run time is not in it.
 */
export function effectiveConfiguration(configuration: Configuration): SettingMap {
  return new Effective(new TextRedactor(configuration.log.secretFields)).map(configuration, false, false);
}

class Effective {
  readonly #redactor: TextRedactor;

  constructor(redactor: TextRedactor) {
    this.#redactor = redactor;
  }

  map(of: object, isNamed: boolean, isSecret: boolean): SettingMap {
    const entries = Object.entries(of as Readonly<Record<string, unknown>>);
    return Object.fromEntries(
      entries.map(([key, value]) => [isNamed ? key : snakeKey(key), this.#value(isNamed ? '' : key, value, isSecret)]),
    );
  }

  #value(key: string, value: unknown, isWithinSecret: boolean): SettingValue {
    const isSecret = isWithinSecret || secretKeys.has(key);
    if (typeof value === 'string') return isSecret ? hidden : this.#text(urlKeys.has(key) ? withoutPath(value) : value);
    if (typeof value === 'number' || typeof value === 'boolean') return value;
    if (value === null || value === undefined || typeof value !== 'object') return null;
    if (!Array.isArray(value)) return this.map(value, namedKeys.has(key), isSecret && namedKeys.has(key));
    if (commandKeys.has(key)) return this.#redactor.redactCommand(value as readonly string[]);
    if (isPair(value)) return [value[0], this.#valueOfField(value, isSecret)];
    return value.map((one: unknown) => this.#value('', one, isSecret));
  }

  #text(text: string): string {
    const shown = this.#redactor.redact(text);
    return shown.length <= charactersMax ? shown : `${shown.slice(0, charactersMax)}…`;
  }

  /** The value of a header that is set or expected, unless its name says that it is a secret. */
  #valueOfField([name, value]: readonly [string, string], isSecret: boolean): string {
    const line = `${name}: ${value}`;
    return isSecret || this.#redactor.redact(line) !== line ? hidden : this.#text(value);
  }
}

function withoutPath(url: string): string {
  return url.replace(/^(\w+:\/\/[^/?#]*)[/?#].+$/s, `$1/${hidden}`);
}

/** A header: `[name, value]`, which is the only list of two texts that has no keys of its own. */
function isPair(list: readonly unknown[]): list is readonly [string, string] {
  return list.length === 2 && list.every((one) => typeof one === 'string') && /^[\w-]+$/.test(String(list[0]));
}
