import type { ApplicationSpec, Configuration } from '../core/configuration.ts';
import type { Release, ReleasedWorkers } from '../core/release.ts';
import type { NotInForce, ReleasePlan } from '../core/schemas/releases.ts';
import type { TextRedactor } from '../redact/text-redactor.ts';

/** As the API shows it. */
export function commandText(
  { command, secretWords = [] }: Pick<ApplicationSpec, 'command' | 'secretWords'>,
  redactor: TextRedactor,
): string {
  const words = redactor.redactCommand(command);
  return words.map((word, at) => (secretWords.includes(at) ? '***' : word)).join(' ');
}

/** What a release has of the workers of an application. */
export function workersOf({ applications }: Pick<Configuration, 'applications'>, application: string): ReleasedWorkers {
  const workers = applications.filter(({ of }) => of === application);
  return Object.fromEntries(
    workers.map(({ id, command, ownEnvironment: environment = {} }) => [id, { command, environment }]),
  );
}

export function hasSameProgram(one: ApplicationSpec, other: ApplicationSpec): boolean {
  const programOf = ({ command, directory }: ApplicationSpec): string => JSON.stringify([command, directory]);
  return programOf(one) === programOf(other) && allChanged(one.environment, other.environment).length === 0;
}

type Variables = Readonly<Record<string, string>>;

/** Names of variables that differ in any way. */
export function allChanged(old: Variables, fresh: Variables): readonly string[] {
  const { added, removed, changed } = changedNames(old, fresh);
  return [...added, ...removed, ...changed];
}

export function changedNames(old: Variables, fresh: Variables): ReleasePlan['environment'] {
  const names = Object.keys(fresh);
  return {
    added: names.filter((name) => !Object.hasOwn(old, name)),
    removed: Object.keys(old).filter((name) => !Object.hasOwn(fresh, name)),
    changed: names.filter((name) => Object.hasOwn(old, name) && old[name] !== fresh[name]),
  };
}

/** What the configuration has otherwise than the release; null: nothing. */
export function notInForce(
  { command, environment }: Pick<ApplicationSpec, 'command' | 'environment'>,
  release: Pick<Release, 'command' | 'environment'>,
): NotInForce | null {
  const hasCommand = JSON.stringify(command) !== JSON.stringify(release.command);
  const names = allChanged(release.environment, environment);
  return hasCommand || names.length > 0 ? { command: hasCommand, environment: names } : null;
}
