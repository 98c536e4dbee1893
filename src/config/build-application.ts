import { resolve } from 'node:path';
import type { ApplicationSpec, ProgramReadiness, ReadinessSpec } from '../core/configuration.ts';
import type { ApplicationId } from '../core/endpoint.ts';
import { isSecretName } from '../redact/secret-name.ts';
import { count, ms } from '../schema/fallback.ts';
import type { Path } from '../schema/findings.ts';
import type { ApplicationRead } from './application-schema.ts';
import type { BuildContext } from './build-context.ts';
import { applicationAnswer, applicationFeatures, upstreamFeatures } from './build-features.ts';
import { buildExpectation, protocolOf } from './build-upstream.ts';
import { defaults } from './defaults.ts';
import type { WorkerRead, WorkerReadyRead } from './worker-schema.ts';

/** Whether an upstream has its name. */
export function answersRequests({ command }: Pick<ApplicationRead, 'command'>): boolean {
  return command !== undefined;
}

/** The application, then its workers. */
export function buildApplication(name: string, read: ApplicationRead, context: BuildContext): ApplicationSpec[] {
  const application = buildServer(name, read, context);
  const workers = Object.entries(read.workers ?? {});
  return [application, ...workers.map(([worker, own]) => buildWorker(application, worker, own, context))];
}

/** How people call a worker of an application. */
export function workerId(application: string, worker: string): string {
  return `${application}.${worker}`;
}

function buildServer(name: string, read: ApplicationRead, context: BuildContext): ApplicationSpec {
  const { command = [] } = read;
  return {
    id: name as ApplicationId,
    command,
    ...secretWordsOf(command, ['applications', name, 'command'], context),
    directory: resolve(context.directory, read.directory ?? defaults.application.directory.written),
    environment: buildVariables(read.environment, ['applications', name, 'environment'], context),
    instances: answersRequests(read) ? buildInstances(read.instances, context) : 0,
    port: typeof read.port === 'number' ? read.port : null,
    readiness: buildReadiness(read),
    stopMs: ms(read.stop_timeout, defaults.application.stopTimeout),
    restart: buildRestart(read.restart),
    ...(answersRequests(read) ? {} : { ...endpointFeatures(name, read, context), ...answeredBy(name, read, context) }),
    ...applicationFeatures(name, read, context),
  };
}

function answeredBy(name: string, read: ApplicationRead, context: BuildContext): Partial<ApplicationSpec> {
  const answer = applicationAnswer(name, read, {}, context);
  return answer === null ? {} : { answeredBy: answer.feature };
}

/** What the upstream of its name would have. */
function endpointFeatures(name: string, read: ApplicationRead, context: BuildContext): Partial<ApplicationSpec> {
  const { features } = upstreamFeatures(name, read, context);
  return features === undefined ? {} : { endpointFeatures: features };
}

function buildWorker(
  { id: of, directory, environment, features }: ApplicationSpec,
  worker: string,
  read: WorkerRead,
  context: BuildContext,
): ApplicationSpec {
  const path: Path = ['applications', of, 'workers', worker];
  const ownEnvironment = buildVariables(read.environment, [...path, 'environment'], context);
  return {
    ...{ id: workerId(of, worker) as ApplicationId, of, directory, command: read.command, ownEnvironment },
    ...secretWordsOf(read.command, [...path, 'command'], context),
    environment: { ...environment, ...ownEnvironment },
    instances: buildInstances(read.instances, context),
    port: null,
    readiness: buildReady(read.ready ?? {}),
    stopMs: ms(read.stop_timeout, defaults.application.stopTimeout),
    restart: buildRestart(read.restart),
    ...(read.replace === 'stop_first' ? { replace: read.replace } : {}),
    ...(features === undefined ? {} : { features }),
  };
}

function buildReady(read: WorkerReadyRead): ReadinessSpec {
  return {
    path: defaults.readiness.path.written,
    intervalMs: ms(read.interval, defaults.worker.interval),
    timeoutMs: ms(read.timeout, defaults.worker.timeout),
    passes: 1,
    startMs: ms(read.start_timeout, defaults.readiness.startTimeout),
    program: programReadiness(read),
  };
}

function programReadiness({ line, file, command, after }: WorkerReadyRead): ProgramReadiness {
  if (line !== undefined) {
    const pattern = patternIn(line);
    return { kind: 'line', text: pattern ?? line, isPattern: pattern !== null };
  }
  if (file !== undefined) return { kind: 'file', path: file };
  if (command !== undefined) return { kind: 'command', command };
  return { kind: 'after', afterMs: ms(after, defaults.worker.after) };
}

/** What stands between slashes; null: nothing does. */
export function patternIn(line: string): string | null {
  return /^\/(.+)\/$/s.exec(line)?.[1] ?? null;
}

function buildInstances(read: number | 'per_core' | undefined, { cores = 1 }: BuildContext): number {
  return read === 'per_core' ? Math.min(cores, instancesMax) : count(read, defaults.application.instances);
}

/** As many as can be written. */
const instancesMax = 256;

function buildRestart(read: ApplicationRead['restart']): ApplicationSpec['restart'] {
  return {
    firstMs: ms(read?.first_delay, defaults.restart.firstDelay),
    maxMs: ms(read?.max_delay, defaults.restart.maxDelay),
    resetAfterMs: ms(read?.reset_after, defaults.restart.resetAfter),
  };
}

function buildVariables(
  read: ApplicationRead['environment'],
  path: Path,
  { positions }: BuildContext,
): Readonly<Record<string, string>> {
  const variables = Object.entries(read ?? {}).map(([key, value]) => {
    const written = positions.written([...path, key]);
    return [key, typeof value === 'string' ? value : (written ?? String(value))];
  });
  return Object.fromEntries(variables);
}

/** Of a command in one line, the words that have what the variables gave. */
function secretWordsOf(
  command: readonly string[],
  path: Path,
  { positions }: BuildContext,
): Pick<ApplicationSpec, 'secretWords'> {
  const secretsAt = (at: Path): string[] =>
    positions.fills(at).flatMap(({ name, value }) => (isSecretName(name) && value !== '' ? [value] : []));
  const inLine = secretsAt(path).flatMap((value) => value.split(/\s+/));
  const secretWords = command.flatMap((word, at) => {
    const isSecret = secretsAt([...path, at]).length > 0 || inLine.some((part) => part !== '' && word.includes(part));
    return isSecret ? [at] : [];
  });
  return secretWords.length === 0 ? {} : { secretWords };
}

function buildReadiness({ readiness: read = {}, ...written }: ApplicationRead): ReadinessSpec {
  const readiness = read === 'tcp' ? { tcp: true } : typeof read === 'string' ? { path: read } : read;
  return {
    path: readiness.path ?? defaults.readiness.path.written,
    ...protocolOf(written),
    ...(readiness.tcp === true || written.protocol === 'fastcgi' ? { tcp: true as const } : {}),
    ...(readiness.headers === undefined ? {} : { headers: readiness.headers }),
    ...buildExpectation(readiness.expect),
    intervalMs: ms(readiness.interval, defaults.readiness.interval),
    timeoutMs: ms(readiness.timeout, defaults.readiness.timeout),
    passes: count(readiness.passes, defaults.readiness.passes),
    startMs: ms(readiness.start_timeout, defaults.readiness.startTimeout),
  };
}
