import type { ConfigurationReload } from '../gateway/gateway.ts';
import type { ConfigurationError } from '../config/configuration-errors.ts';
import { configurationErrorLine, inputName } from './configuration-read.ts';
import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from 'node:worker_threads';
import { siblingModule } from '../core/sibling-module.ts';
import { inTurns } from '../core/turns.ts';
import type { ReadContext, ServedRead } from './configuration-read.ts';
import { withCompileCache } from '../system/compile-cache.ts';
import type { Configuration } from '../core/configuration.ts';

/**
 * Reads a configuration like `readToServe`, in a thread of its own. What reads and checks configurations (the parser of YAML, the schema and
 * its package) then takes memory for as long as it reads, and a large file does not keep the main thread from answering requests of an operator: 5,000 routes
 * take half a second. `text` is returned only if it has errors or warnings, which are shown in it. If the thread cannot run, the main thread reads the file.
 */
export async function readInThread(file: string, context: ReadContext): Promise<ServedRead> {
  const read = await readBeside(file, context);
  if (read !== null) return read;
  const { readToServe } = await import('./read-configuration.ts');
  return readToServe(file, context);
}

async function readBeside(file: string, { directory, env, clock }: ReadContext): Promise<ServedRead | null> {
  const { port1: ours, port2: parts } = new MessageChannel();
  const workerData: ConfigurationThreadInit = { file, directory, env: { ...env }, parts };
  const thread = startThread(workerData);
  if (thread === null) {
    ours.close();
    return null;
  }
  const hasRead = await new Promise<boolean>((settle) => {
    thread.once('message', () => settle(true));
    thread.once('error', () => settle(false));
    thread.once('exit', () => settle(false));
  });
  const joined = new JoinedRead();
  try {
    if (hasRead) await inTurns(received(ours), clock, (part) => joined.add(part));
  } finally {
    ours.close();
    await thread.terminate();
  }
  return joined.read;
}

/** Null if the system has no thread or descriptors for it. */
function startThread(workerData: ConfigurationThreadInit): Worker | null {
  const options = { workerData, transferList: [workerData.parts], name: 'candor configuration', ...withCompileCache() };
  try {
    return new Worker(new URL(siblingModule(import.meta.url, '../cli/configuration-thread')), options);
  } catch {
    return null;
  }
}

/** The parts are cloned as they are taken: a listener would get all of them in one turn of the event loop. */
function* received(port: MessagePort): Generator<ConfigurationPart> {
  for (let next = receiveMessageOnPort(port); next !== undefined; next = receiveMessageOnPort(port))
    yield next.message as ConfigurationPart;
}

/** What the thread reads, and where it puts the parts. */
export interface ConfigurationThreadInit {
  readonly file: string;
  readonly directory: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly parts: MessagePort;
}

/** What the thread that reads a configuration sends: first a `head`, then the lists of its configuration in parts. */
type ConfigurationPart =
  /** The configuration without its routes and upstreams. */
  | { readonly kind: 'head'; readonly read: ServedRead }
  | { readonly kind: 'upstreams'; readonly upstreams: Configuration['upstreams'] }
  | { readonly kind: 'routes'; readonly routes: Configuration['routes'] };

/** Routes in one part, and a tenth as many upstreams, since an upstream has many endpoints. Cloning a part takes about a millisecond. */
export const partMax = 100;

/** Divides what was read, so that no thread clones thousands of routes at once. */
export function* splitRead(read: ServedRead): Generator<ConfigurationPart> {
  const { configuration } = read;
  if (configuration === null) return yield { kind: 'head', read };
  yield { kind: 'head', read: { ...read, configuration: { ...configuration, upstreams: [], routes: [] } } };
  for (const upstreams of slicesOf(configuration.upstreams, partMax / 10)) yield { kind: 'upstreams', upstreams };
  for (const routes of slicesOf(configuration.routes, partMax)) yield { kind: 'routes', routes };
}

function* slicesOf<T>(items: readonly T[], size: number): Generator<readonly T[]> {
  for (let at = 0; at < items.length; at += size) yield items.slice(at, at + size);
}

/** Puts the parts of a configuration together again. */
export class JoinedRead {
  #read: ServedRead | null = null;
  readonly #upstreams: Configuration['upstreams'][number][] = [];
  readonly #routes: Configuration['routes'][number][] = [];

  add(part: ConfigurationPart): void {
    if (part.kind === 'head') this.#read = part.read;
    else if (part.kind === 'upstreams') this.#upstreams.push(...part.upstreams);
    else this.#routes.push(...part.routes);
  }

  /** Null if no head was added. */
  get read(): ServedRead | null {
    const configuration = this.#read?.configuration ?? null;
    if (this.#read === null || configuration === null) return this.#read;
    const { upstreams, routes } = { upstreams: this.#upstreams, routes: this.#routes };
    return { ...this.#read, configuration: { ...configuration, upstreams, routes } };
  }
}

/** Reads the same file again; each error becomes one line. Standard input cannot be read twice. */
export function reloadFrom(file: string, context: ReadContext): ConfigurationReload {
  return async () => {
    if (file === inputName) return { ok: false, kind: 'refused', errors: [readOnce] };
    const { configuration, errors, leftOpen, shown, isMissing } = await readInThread(file, context);
    // A start has it from its own reading; the thread starts sooner without.
    const { adjustPaths } = await import('./adjust-paths.ts');
    const errorLine = (error: ConfigurationError): string =>
      configurationErrorLine(isMissing ? { ...error, suggestion: putItBack } : error);
    return configuration === null
      ? {
          ok: false,
          kind: 'invalid',
          errors: errors.filter(({ severity }) => severity === 'error').map(errorLine),
          shown,
        }
      : { ok: true, configuration: adjustPaths(configuration, leftOpen, context.env).configuration, shown };
  };
}

const putItBack = 'put it back where it was, or start Candor with -c and another file';

const readOnce =
  'The configuration came through standard input, which cannot be read again: restart Candor, or start it with -c <file>.';
