import type { Hiding } from '../schema/schema-parts.ts';
import type { Configuration } from '../core/configuration.ts';
import { snakeKey } from '#failures/json-case.ts';
import { isHarmlessHeader } from '../redact/harmless-headers.ts';
import { isSecretName } from '../redact/secret-name.ts';
import { TextRedactor } from '../redact/text-redactor.ts';

/**
 * How values of `Configuration` are hidden, by their keys: what the schema of the file says of them. It stands here once more because
 * the main thread does not load the schema; a test compares the two.
 */
export const hiddenSettings: ReadonlyMap<string, Hiding> = new Map<string, Hiding>([
  ['usersText', 'file'],
  ['secretText', 'file'],
  ['jwksText', 'file'],
  ['keysText', 'file'],
  ['linkKeys', 'file'],
  ['key', 'file'],
  ['directory', 'query'],
  ['fallback', 'query'],
  ['hmacKey', 'file'],
  ['ask', 'path'],
  ['dnsHook', 'command'],
  ['path', 'query'],
  ['headers', 'header'],
  ['expectHeaders', 'header'],
  ['expectBody', 'value'],
  ['value', 'value'],
  ['command', 'command'],
  ['build', 'command'],
  ['before', 'command'],
  ['environment', 'value'],
  ['ownEnvironment', 'value'],
  ['variables', 'value'],
  ['set', 'header'],
  ['add', 'header'],
  ['ifAbsent', 'header'],
  ['tokens', 'hash'],
  ['hash', 'hash'],
  ['role', 'hash'],
  ['url', 'value'],
  ['token', 'value'],
  ['routingKey', 'value'],
  ['password', 'value'],
  ['clientSecret', 'value'],
  ['passwordSecret', 'secret_name'],
  ['endpoint', 'path'],
  ['resource', 'name'],
  ['secrets', 'secret_name'],
]);

/** Plain data: what JSON has. */
type SettingValue = null | boolean | number | string | readonly SettingValue[] | SettingMap;

export interface SettingMap {
  readonly [name: string]: SettingValue;
}

const hidden = '***';

/** Their keys are names that somebody has chosen, and no settings. */
const namedKeys: ReadonlySet<string> = new Set([
  'environment',
  'ownEnvironment',
  'variables',
  'headers',
  'resource',
  'errorPages',
]);

/** Certificates and error pages are whole documents. */
const charactersMax = 200;

/**
 * The configuration that the gateway runs, with all defaults filled in, as people may see it: without secrets, and with the keys that other JSON of the program has. What
 * operators have changed at run time is not in it.
 */
export function effectiveConfiguration(configuration: Configuration): SettingMap {
  return new Effective(configuration.log.secretHeaders).map(configuration, null, false);
}

type SettingsWithCommand = Readonly<Record<string, unknown>> & { readonly command?: unknown };

class Effective {
  readonly #redactor: TextRedactor;
  readonly #secretHeaders: readonly string[];

  constructor(secretHeaders: readonly string[]) {
    this.#redactor = new TextRedactor(secretHeaders);
    this.#secretHeaders = secretHeaders;
  }

  /** `hiding` is null below keys that are shown; `isNamed`: the keys are names. */
  map(of: object, hiding: Hiding | null, isNamed: boolean): SettingMap {
    const { secretWords, ...settings } = of as Readonly<Record<string, unknown>>;
    if (Array.isArray(secretWords) && !isNamed) return this.#withoutWords(settings, secretWords as number[], hiding);
    const entries = Object.entries(of as Readonly<Record<string, unknown>>);
    return Object.fromEntries(
      entries.map(([key, value]) => {
        if (isNamed) return [key, this.#value(key, value, hiding)];
        return [snakeKey(key), this.#value(key, value, hiddenSettings.get(key) ?? null)];
      }),
    );
  }

  /** An application with secrets from variables in its command. */
  #withoutWords(
    { command, ...rest }: SettingsWithCommand,
    secret: readonly number[],
    hiding: Hiding | null,
  ): SettingMap {
    const { id = null, ...others } = this.map(rest, hiding, false);
    const words = this.#redactor.redactCommand(command as readonly string[]);
    return { id, command: words.map((word, at) => (secret.includes(at) ? hidden : word)), ...others };
  }

  #value(key: string, value: unknown, hiding: Hiding | null): SettingValue {
    if (typeof value === 'string') return this.#text(key, value, hiding);
    if (typeof value === 'number' || typeof value === 'boolean') return value;
    if (value === null || value === undefined || typeof value !== 'object') return null;
    if (!Array.isArray(value)) return this.map(value, hiding, namedKeys.has(key));
    if (hiding === 'command') return this.#redactor.redactCommand(value as readonly string[]);
    if (hiding === 'header') return value.map((one: unknown) => this.#header(one));
    return value.map((one: unknown) => this.#value('', one, hiding));
  }

  #text(name: string, text: string, hiding: Hiding | null): string {
    switch (hiding) {
      case 'value':
      case 'file':
        return hidden;
      case 'header':
        return isHarmlessHeader(name, this.#secretHeaders) ? this.#plain(text) : hidden;
      case 'name':
        return isSecretName(name) ? hidden : this.#plain(text);
      case 'path':
        return this.#plain(text.replace(/^(\w+:\/\/[^/?#]*)[/?#].+$/s, `$1/${hidden}`));
      default:
        // Values of queries are removed from any text.
        return this.#plain(text);
    }
  }

  #plain(text: string): string {
    const shown = this.#redactor.redact(text);
    return shown.length <= charactersMax ? shown : `${shown.slice(0, charactersMax)}…`;
  }

  /** A header is a list of name and value; names alone are shown. */
  #header(one: unknown): SettingValue {
    if (!Array.isArray(one)) return this.#value('', one, null);
    const [name = '', value = ''] = one.map(String);
    return [name, this.#text(name, value, 'header')];
  }
}
