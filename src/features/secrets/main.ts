import { createHash } from 'node:crypto';
import type { Launch, LaunchFailure, LaunchOwner, PreparedLaunch } from '../../core/launch.ts';

import { SecretMask } from '../../deploy/secret-mask.ts';
import { SecretReader } from '../../deploy/secret-reader.ts';
import type { SecretRefusal } from '../../deploy/secret-refusal.ts';
import type { SecretStore } from '../../deploy/secret-store.ts';
import { failWith, type Result, succeed } from '#failures/result.ts';
import type { LaunchPart } from '../launch.ts';
import { mainFeature, type MainFeaturePorts, type MainPart, type ScopedSpec } from '../main-feature.ts';
import { SecretFiles, type WrittenFiles } from './main-files.ts';
import { secretChangeOf, secretsStatusOf } from './words.ts';
import { secretsName, type SecretsSpec, type SecretUse } from './settings.ts';

/** What is asked of the feature; `application` null: of all. */
type SecretsRequest =
  | { readonly kind: 'list' }
  | { readonly kind: 'set'; readonly application: string | null; readonly values: Readonly<Record<string, string>> }
  | { readonly kind: 'remove'; readonly application: string | null; readonly name: string }
  | { readonly kind: 'rotate_key' };

type Ports = Pick<MainFeaturePorts, 'clock' | 'events' | 'launchChanged' | 'random' | 'stateFolder'> & {
  readonly credentials: string | undefined;
};

/** Gives programs of applications their secrets, and changes them. */
class SecretsPart implements MainPart<SecretsSpec> {
  readonly launch: LaunchPart<SecretsSpec>;
  readonly #ports: Ports;
  readonly #files: SecretFiles | null;
  #specs: ReadonlyMap<string, SecretsSpec> = new Map();
  readonly #reader: SecretReader;
  /** By application: of the last store that could be read. */
  readonly #keys = new Map<string, string>();

  constructor(ports: Ports) {
    this.#ports = ports;
    const { stateFolder, random, clock, credentials } = ports;
    const wallTime = (): number => clock.wallTime();
    this.#reader = new SecretReader({ stateFolder, random, wallTime, credentials });
    this.#files = stateFolder === null ? null : new SecretFiles({ stateFolder, random, wallTime });
    this.launch = {
      key: (spec, application) => this.#keyOf(spec, application),
      prepare: (spec, launch) => this.#prepare(spec, launch),
      adopt: (spec, { application }, pid) => {
        const files = this.#files?.filesOf(pid) ?? null;
        const mask = new SecretMask(this.#valuesOf(spec, application).map(([, value]) => value));
        return { mask: (line) => mask.mask(line), ended: () => files?.remove() };
      },
    };
  }

  use(scopes: readonly ScopedSpec<SecretsSpec>[]): void {
    this.#specs = new Map(scopes.map(({ scope, spec }) => [scope.id, spec]));
    this.#files?.sweep();
  }

  async ask(request: object, actor: string): Promise<Result<object, SecretRefusal>> {
    const asked = request as SecretsRequest;
    const opened = this.#reader.openWithKey();
    if (!opened.ok) return opened;
    const store = opened.value;
    switch (asked.kind) {
      case 'list':
        return succeed(secretsStatusOf(store, this.#specs));
      case 'set': {
        const { application, values } = asked;
        const done = store.set(application, new Map(Object.entries(values)), actor);
        if (!done.ok) return done;
        const { changes } = done.value;
        const names = [...changes.added, ...changes.changed];
        const replacing =
          names.length === 0 ? [] : this.#changed(done.value.store, { application, names }, 'set', actor);
        return succeed(secretChangeOf({ ...changes, replacing }));
      }
      case 'remove': {
        const { application, name } = asked;
        const done = store.remove(application, name);
        if (!done.ok) return done;
        const replacing = this.#changed(done.value, { application, names: [name] }, 'removed', actor);
        return succeed(secretChangeOf({ revision: done.value.revision, removed: [name], replacing }));
      }
      case 'rotate_key': {
        const done = store.rotateKey();
        if (!done.ok) return done;
        const { store: rotated, to } = done.value;
        this.#changed(rotated, { application: null, names: [] }, 'key_rotated', actor);
        return succeed(secretChangeOf({ revision: rotated.revision, key: to }));
      }
    }
  }

  /** Takes a changed store, and says which applications get new instances. */
  #changed(
    store: SecretStore,
    { application, names }: { readonly application: string | null; readonly names: readonly string[] },
    to: 'set' | 'removed' | 'key_rotated',
    actor: string,
  ): readonly string[] {
    this.#reader.keep(store);
    const replacing = [...this.#specs].flatMap(([id, spec]) => {
      const before = this.#keys.get(id);
      return before === undefined || before === this.#keyOf(spec, id) ? [] : [id];
    });
    const whose = application === null ? 'all applications' : application;
    const what =
      to === 'key_rotated'
        ? `all secrets are encrypted with the key ${store.keyId}`
        : `${names.join(', ')} of ${whose} ${names.length === 1 ? 'was' : 'were'} ${to}`;
    this.#ports.events.emit({
      ...{ kind: 'secret_changed', subject: 'gateway', actor, to },
      reason: `${what}, by ${actor}`,
      evidence: { application, names, revision: store.revision, replacing },
    });
    for (const id of replacing) this.#ports.launchChanged(id);
    return replacing;
  }

  /** A store that cannot be read replaces no instance: it goes on with what it has. */
  #keyOf({ uses }: SecretsSpec, application: string): string {
    const opened = this.#reader.open();
    if (!opened.ok) return this.#keys.get(application) ?? '';
    const made = uses.map(({ variable, secret, as }) => [
      variable,
      as,
      opened.value.versionFor(application, secret) ?? 'missing',
    ]);
    const key = createHash('sha256').update(JSON.stringify(made)).digest('base64url').slice(0, 22);
    this.#keys.set(application, key);
    return key;
  }

  #prepare(spec: SecretsSpec, launch: Launch): Result<PreparedLaunch, LaunchFailure> {
    // What a build writes is kept in the release.
    if (launch.kind === 'build') return succeed({ command: launch.command, environment: launch.environment });
    const opened = this.#reader.open();
    if (!opened.ok) return failWith(notRead(opened.failure));
    const store = opened.value;
    const values: (readonly [SecretUse, string])[] = [];
    for (const use of spec.uses) {
      const found = store.valueFor(launch.application, use.secret);
      if (!found.ok) return failWith(notRead(found.failure));
      if (found.value === null) return failWith(missing(spec, store, launch.application));
      values.push([use, found.value.value]);
    }
    const mask = new SecretMask(values.map(([, value]) => value));
    const given = values.filter(([{ as }]) => as === 'variable').map(([{ variable }, value]) => [variable, value]);
    const environment = { ...launch.environment, ...Object.fromEntries(given) };
    const inFiles = values
      .filter(([{ as }]) => as === 'file')
      .map(([{ variable }, value]) => [variable, value] as const);
    const { command } = launch;
    const masking = (line: string): string => mask.mask(line);
    if (inFiles.length === 0) return succeed({ command, environment, hold: { mask: masking } });
    const written = this.#write(new Map(inFiles), launch.owner ?? null);
    if (!written.ok) return written;
    const files = written.value;
    return succeed({
      command,
      environment: { ...environment, ...files.paths },
      hold: { mask: masking, started: (pid) => files.started(pid), ended: () => files.remove() },
    });
  }

  #write(values: ReadonlyMap<string, string>, owner: LaunchOwner | null): Result<WrittenFiles, LaunchFailure> {
    // Without a state folder the store could not be read.
    if (this.#files === null) throw new Error('Secrets were read without a state folder.');
    return this.#files.write(values, owner);
  }

  /** Those that can be read. */
  #valuesOf({ uses }: SecretsSpec, application: string): readonly (readonly [SecretUse, string])[] {
    const opened = this.#reader.open();
    if (!opened.ok) return [];
    return uses.flatMap((use) => {
      const found = opened.value.valueFor(application, use.secret);
      return found.ok && found.value !== null ? [[use, found.value.value] as const] : [];
    });
  }
}

function notRead({ reason, step }: SecretRefusal): LaunchFailure {
  return { errno: 'ENOKEY', reason: `its secrets cannot be read: ${reason.replace(/\.$/, '')}; ${step}` };
}

function missing({ uses }: SecretsSpec, store: SecretStore, application: string): LaunchFailure {
  const names = [...new Set(uses.map(({ secret }) => secret))].filter(
    (name) => store.versionFor(application, name) === null,
  );
  const [first = '', ...others] = names;
  const count = others.length === 0 ? `the secret ${first} has` : `the secrets ${names.join(', ')} have`;
  return {
    errno: 'ENOKEY',
    reason: `${count} no value: \`candor secret set ${first} --application ${application}\``,
  };
}

const credentials = (): string | undefined => process.env['CREDENTIALS_DIRECTORY'];

export const secrets = mainFeature<SecretsSpec, SecretsPart>({
  name: secretsName,
  start: (ports) => new SecretsPart({ ...ports, credentials: credentials() }),
  forCommand: (ports) => {
    const { launch } = new SecretsPart({
      ...{ ...ports, credentials: credentials() },
      ...{ events: { emit: () => undefined }, launchChanged: () => undefined },
    });
    return { launch: launch as unknown as LaunchPart };
  },
});
