import type { Behaviour } from './behaviour.ts';
import type { Flow } from './flows.ts';

/** An application of a play: its processes listen on ports of their own. */
export interface ApplicationSetup {
  /** `others`: processes that a person or another program runs, an upstream. `candor`: the gateway runs them. */
  readonly by: 'others' | 'candor';
  readonly instances: number;
  readonly behaviour?: Behaviour;
  /** Names of processes behind it, which the lab starts. */
  readonly dependencies?: readonly string[];
  /** A relay between the gateway and each process, as a proxy or a network is. */
  readonly hasRelay?: true;
  /** Endpoints are this name; its processes listen on 127.0.67.1, 127.0.67.2 …, all on one port. The name leads to the first `named`. */
  readonly host?: string;
  readonly named?: number;
  readonly tls?: 'usual' | 'expires';
  readonly http2?: true;
  /** Limits of the processes. */
  readonly heapMib?: number;
  readonly memoryMib?: number;
  readonly descriptors?: number;
  /** Of one core, once the lab limits it; it needs a control group. */
  readonly hasCpuGroup?: true;
  /** Keys of the upstream or application in the configuration. */
  readonly keys?: Readonly<Record<string, unknown>>;
}

export interface RouteSetup {
  readonly id: string;
  readonly path: string;
  readonly to: string;
  readonly keys?: Readonly<Record<string, unknown>>;
}

/** Where a play happens. */
export interface Setup {
  readonly applications: Readonly<Record<string, ApplicationSetup>>;
  readonly routes: readonly RouteSetup[];
  readonly hasStore?: true;
  readonly flows: Readonly<Record<string, Flow>>;
  readonly events?: number;
  readonly sockets?: number;
  /** Keys of the file. */
  readonly keys?: Readonly<Record<string, unknown>>;
}
