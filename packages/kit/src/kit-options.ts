import { constants } from 'node:os';
import type { Checks } from './health-checks.ts';
import { knownOptions, milliseconds } from './option-checks.ts';
import type { OutgoingRule } from './outgoing-headers.ts';

export interface KitOptions {
  /** Of the health document. */
  readonly name?: string;
  readonly version?: string;
  /** What the application depends on, by name. */
  readonly checks?: Checks;
  /** Where the documents are. Defaults: /healthz and /readyz. */
  readonly paths?: { readonly health?: string; readonly ready?: string };
  /** How long the gateway keeps idle connections. The application keeps them five seconds longer. Default 60000. */
  readonly gatewayIdleMs?: number;
  readonly drain?: DrainOptions;
  /** Closes what the application has opened, after the last response. */
  readonly onClose?: () => unknown;
  /** A drain begins: time to tell WebSockets and event streams. */
  readonly onDrain?: () => unknown;
  /** Which hosts get the id and the trace of the request with calls that the application makes. False: none. Default: all. */
  readonly outgoing?: OutgoingRule | false;
  /** Signals that begin a drain. Default SIGTERM and SIGINT; an empty list leaves signals alone. */
  readonly signals?: readonly NodeJS.Signals[];
  /** Whether the process ends after a drain. Default true. */
  readonly exit?: boolean;
  /** Takes the lines of the kit itself. Default: stderr. */
  readonly log?: (line: string) => void;
}

interface DrainOptions {
  /** From "not ready" until the listener closes: the time in which gateways find out. Default 5000, and 0 where Candor has started the program. */
  readonly noticeMs?: number;
  /** Idle connections live so much longer than the listener. Default 1000. */
  readonly idleMs?: number;
  /** For all of it. Default 9000: Candor and Docker kill after 10 s. */
  readonly timeoutMs?: number;
}

export interface ListenOptions extends KitOptions {
  /** Default: PORT of the environment, else 3000. */
  readonly port?: number;
  /** Default: HOST of the environment, else every address. */
  readonly host?: string;
}

export interface DrainTimes {
  readonly noticeMs: number;
  readonly idleMs: number;
  readonly timeoutMs: number;
}

const ofKit: Readonly<Record<keyof ListenOptions, true>> = {
  ...{ port: true, host: true, name: true, version: true, checks: true, paths: true, gatewayIdleMs: true },
  ...{ drain: true, onDrain: true, onClose: true, outgoing: true, signals: true, exit: true, log: true },
};
const ofDrain: Readonly<Record<keyof DrainOptions, true>> = { noticeMs: true, idleMs: true, timeoutMs: true };

/** Throws for options that the kit does not have. */
export function checkNames(options: ListenOptions): void {
  knownOptions('the kit', options, ofKit);
  knownOptions('drain', options.drain ?? {}, ofDrain);
}

/** Takes the lines of the kit. A log that fails must not end a drain. */
export function logOf({ log = (line) => process.stderr.write(`${line}\n`) }: KitOptions): (line: string) => void {
  return (line) => {
    try {
      log(line);
    } catch {}
  };
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Throws where the times cannot be kept, and says which. */
export function drainTimes(options: DrainOptions = {}, environment: Environment = process.env): DrainTimes {
  const isOfCandor = environment['CANDOR_START'] !== undefined;
  const { noticeMs = isOfCandor ? 0 : 5000, idleMs = 1000, timeoutMs = 9000 } = options;
  for (const [name, value] of Object.entries({ noticeMs, idleMs, timeoutMs })) milliseconds(`drain.${name}`, value);
  if (noticeMs + idleMs > timeoutMs)
    throw new RangeError(
      `drain.timeoutMs (${timeoutMs}) is less than noticeMs (${noticeMs}) and idleMs (${idleMs}) together: no time would be left for requests in flight; raise timeoutMs, and what waits before SIGKILL (stop_timeout of Candor, terminationGracePeriodSeconds of Kubernetes)`,
    );
  return { noticeMs, idleMs, timeoutMs };
}

/** Where to listen. Throws for a PORT that is no port. */
export function listenAddress(
  { port, host }: ListenOptions,
  environment: Environment = process.env,
): { readonly port: number; readonly host?: string } {
  const given = port ?? Number(environment['PORT'] || 3000);
  if (!Number.isInteger(given) || given < 0 || given > 65_535)
    throw new RangeError(`the port is ${port ?? `PORT=${environment['PORT']}`}: write a number from 0 to 65535`);
  const address = host ?? (environment['HOST'] || undefined);
  return { port: given, ...(address === undefined ? {} : { host: address }) };
}

/** The application closes idle connections later than the gateway: then no request meets a closed one. */
export function connectionTimeouts(gatewayIdleMs = 60_000): { keepAliveTimeout: number; headersTimeout: number } {
  milliseconds('gatewayIdleMs', gatewayIdleMs);
  return { keepAliveTimeout: gatewayIdleMs + 5000, headersTimeout: gatewayIdleMs + 6000 };
}

/** Where the documents are. Throws for a path that no request has. */
export function documentPaths({ health = '/healthz', ready = '/readyz' }: NonNullable<KitOptions['paths']> = {}): {
  readonly health: string;
  readonly ready: string;
} {
  for (const [name, path] of Object.entries({ health, ready }))
    if (!/^\/[^?#]*$/.test(path)) throw new RangeError(`paths.${name} is "${path}": write a path such as /healthz`);
  return { health, ready };
}

/** Throws for what is no signal, which would end the program without a drain. */
export function drainSignals(names: readonly NodeJS.Signals[] = ['SIGTERM', 'SIGINT']): readonly NodeJS.Signals[] {
  for (const name of names)
    if (!(name in constants.signals) || name === 'SIGKILL' || name === 'SIGSTOP')
      throw new RangeError(
        `signals has "${name}": write a list of signals that a program may take, such as ['SIGTERM']`,
      );
  return names;
}
