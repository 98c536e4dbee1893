import { createHmac } from 'node:crypto';
import type { KeptConfiguration, ShownConfiguration, UnshownValue } from '../core/kept-configuration.ts';
import type { Clock } from '../core/time.ts';
import type { ConfigurationStorage } from './configuration-file.ts';
import type { Configuration } from '../core/configuration.ts';
import type { Random } from '../core/random.ts';
import { keptKey } from '../deploy/kept-key.ts';

/** Hexadecimal digits of a hash: 64 bits of a configuration, which are shown, and 128 of a value. */
const contentDigits = 16;
const valueDigits = 32;

/**
 * Hashes of configurations and of their values, with a key of the state folder. A configuration has secrets, and some are short: without the key nobody can find one by trying
 * which gives the hash that the admin API shows.
 */
export class ConfigurationHashes {
  readonly #key: string;
  /** A configuration is hashed once: with 5,000 routes it takes some 30 ms of the main thread. */
  readonly #known = new WeakMap<Configuration, string>();

  constructor(stateFolder: string | null, random: Random) {
    this.#key = keptKey(stateFolder, 'configuration-key', random);
  }

  ofConfiguration(configuration: Configuration): string {
    const known = this.#known.get(configuration);
    if (known !== undefined) return known;
    const hash = this.#hash('configuration', JSON.stringify(configuration), contentDigits);
    this.#known.set(configuration, hash);
    return hash;
  }

  /** Of the value of a key; equal values of two keys have different hashes. */
  ofValue(key: string, value: string): string {
    return this.#hash(`value ${key}`, value, valueDigits);
  }

  #hash(what: string, text: string, digits: number): string {
    return createHmac('sha256', this.#key).update(`${what}\0`).update(text).digest('hex').slice(0, digits);
  }
}

/** How much is kept: the newest, and of refused ones fewer, so that a mistake that is tried again and again displaces nothing. */
const keptMax = 50;
const refusedMax = 10;
/** Of all texts. The newest that was applied is kept whatever its size. */
const charactersMax = 2 * 1024 * 1024;
/** So many can be gone back to. */
const originalsMax = 20;
/** Of the lists of an entry. */
const linesMax = 100;
const lineCharactersMax = 1000;
const noLines: readonly string[] = [];

interface ConfigurationHistoryParts {
  readonly clock: Clock;
  /** Of this process. */
  readonly epoch: string;
  readonly source: string | null;
  /** Null: what is kept ends with the process. */
  readonly storage: ConfigurationStorage | null;
  readonly hashes: Pick<ConfigurationHashes, 'ofValue'>;
}

/** The configurations that were applied and refused, by this process and by those before it. Texts are without secrets. */
export interface KeptConfigurations {
  /** What the gateway runs; null before it has applied one. */
  readonly current: KeptConfiguration | null;
  /** The newest first. */
  readonly list: readonly KeptConfiguration[];
}

export class ConfigurationHistory implements KeptConfigurations {
  readonly #parts: ConfigurationHistoryParts;
  #kept: readonly KeptConfiguration[] = [];

  constructor(parts: ConfigurationHistoryParts) {
    this.#parts = parts;
  }

  /** Reads what earlier processes have kept. Once, before the first is applied. */
  load(): void {
    this.#kept = this.#parts.storage?.read() ?? [];
  }

  get current(): KeptConfiguration | null {
    const { epoch } = this.#parts;
    return this.#kept.findLast((one) => one.outcome === 'applied' && one.epoch === epoch) ?? null;
  }

  get list(): readonly KeptConfiguration[] {
    return this.#kept.toReversed();
  }

  /** Returns the id. `shown` is null without a file. */
  applied(
    actor: string,
    { revision, contentHash, changed }: Pick<KeptConfiguration, 'revision' | 'contentHash' | 'changed'>,
    shown: ShownConfiguration | null,
  ): number {
    const entry = { ...this.#entry(actor, shown), revision, contentHash, changed: cut(changed) };
    const id = this.#add({ ...entry, outcome: 'applied' });
    const original = shown?.original ?? '';
    const applied = this.#kept.filter(({ outcome }) => outcome === 'applied').map((one) => one.id);
    if (original !== '') this.#parts.storage?.keepOriginal(id, original, applied.slice(-originalsMax));
    return id;
  }

  refused(actor: string, errors: readonly string[], shown: ShownConfiguration | null): number {
    const entry = this.#entry(actor, shown);
    return this.#add({ ...entry, outcome: 'refused', revision: null, contentHash: null, errors: cut(errors) });
  }

  #entry(actor: string, shown: ShownConfiguration | null) {
    const { clock, epoch, source } = this.#parts;
    const at = clock.wallTime();
    const text = shown === null || shown.text === '' ? null : shown.text;
    const last = { times: 1, lastAt: at, lastActor: actor };
    const lists = { warnings: cut(shown?.warnings ?? []), changed: noLines, errors: noLines };
    return { id: 0, at, actor, ...last, epoch, source, text, unshown: this.#unshownOf(shown), ...lists };
  }

  /** `version` is set where the entry is added. */
  #unshownOf(shown: ShownConfiguration | null): readonly UnshownValue[] | null {
    const { hashes } = this.#parts;
    return shown?.unshown?.map(({ key, digest }) => ({ key, hash: hashes.ofValue(key, digest), version: 0 })) ?? null;
  }

  #add(entry: KeptConfiguration): number {
    const { storage } = this.#parts;
    // During an upgrade another process may have written. Without a disk the memory has what the file lacks.
    const kept = merged(storage?.read() ?? [], this.#kept);
    this.#kept = pruned(withEntry(kept, { ...entry, unshown: withVersions(entry.unshown, kept) }));
    // A gateway without a file has nothing that another process could show.
    if (this.#kept.some(({ text }) => text !== null)) storage?.write(this.#kept);
    return this.#kept.at(-1)?.id ?? 0;
  }

  /** Resolves when the disk has what was added. */
  close(): Promise<void> {
    return this.#parts.storage?.written() ?? Promise.resolve();
  }
}

/** Those that are stored and not known are of another process. */
function merged(
  stored: readonly KeptConfiguration[],
  known: readonly KeptConfiguration[],
): readonly KeptConfiguration[] {
  const others = stored.filter((one) => !known.some(({ id, at }) => id === one.id && at === one.at));
  return others.length === 0 ? known : [...others, ...known].sort((a, b) => a.lastAt - b.lastAt || a.id - b.id);
}

/** A value that was kept has its number; another one the next of its key. */
function withVersions(
  unshown: readonly UnshownValue[] | null,
  kept: readonly KeptConfiguration[],
): readonly UnshownValue[] | null {
  if (unshown === null) return null;
  const versions = new Map<string, number>();
  const last = new Map<string, number>();
  for (const { key, hash, version } of kept.flatMap((one) => one.unshown ?? [])) {
    versions.set(`${key}\0${hash}`, version);
    last.set(key, Math.max(version, last.get(key) ?? 0));
  }
  return unshown.map(({ key, hash }) => {
    const version = versions.get(`${key}\0${hash}`) ?? (last.get(key) ?? 0) + 1;
    return { key, hash, version };
  });
}

/** The same once more, such as after a restart, is counted and not added. */
function withEntry(kept: readonly KeptConfiguration[], entry: KeptConfiguration): readonly KeptConfiguration[] {
  const before = kept.findLast(({ outcome }) => outcome === entry.outcome);
  if (before !== undefined && isSame(before, entry)) {
    const { revision, epoch, source, lastAt, lastActor } = entry;
    const again = { ...before, times: before.times + 1, revision, epoch, source, lastAt, lastActor };
    return [...kept.filter((one) => one !== before), again];
  }
  const id = 1 + kept.reduce((max, one) => Math.max(max, one.id), 0);
  return [...kept, { ...entry, id }];
}

function isSame(before: KeptConfiguration, entry: KeptConfiguration): boolean {
  const { text, contentHash, errors } = entry;
  if (before.text !== text || before.contentHash !== contentHash) return false;
  return hashesOf(before) === hashesOf(entry) && before.errors.join('\n') === errors.join('\n');
}

function hashesOf({ unshown }: KeptConfiguration): string {
  return unshown?.map(({ hash }) => hash).join(' ') ?? 'not known';
}

function pruned(kept: readonly KeptConfiguration[]): readonly KeptConfiguration[] {
  const running = kept.findLast(({ outcome }) => outcome === 'applied');
  let [refused, characters] = [0, running?.text?.length ?? 0];
  const newestFirst = kept.toReversed().filter((one, index) => {
    if (one === running) return true;
    characters += one.text?.length ?? 0;
    if (one.outcome === 'refused') refused += 1;
    return index < keptMax && characters <= charactersMax && (one.outcome === 'applied' || refused <= refusedMax);
  });
  return newestFirst.toReversed();
}

function cut(lines: readonly string[]): readonly string[] {
  const shown = lines.slice(0, linesMax).map((line) => line.slice(0, lineCharactersMax));
  return lines.length <= linesMax ? shown : [...shown, `and ${lines.length - linesMax} more`];
}
