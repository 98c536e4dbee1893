import type { TlsOptions } from 'node:tls';

/** What a request gets in place of the usual response. */
export interface Deed {
  /** Waits before the response, in place of the usual time. */
  readonly latencyMs?: number;
  /** The usual time is multiplied by it. */
  readonly slower?: number;
  readonly status?: number;
  readonly type?: string;
  readonly body?: string;
  readonly bytes?: number;
  readonly location?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Content-Length is the length of the body multiplied by it. */
  readonly announcedShare?: number;
  /** The body comes in slices over this time. */
  readonly bodyMs?: number;
  /** These bytes are the response, and the connection ends. */
  readonly raw?: string;
  /** The time that the response takes is spent alone: requests with such a deed take turns. */
  readonly isLocked?: true;
  /** How the connection ends in place of a response: a reset, a close in the middle of the body, never, or with other bytes. */
  readonly end?: 'reset' | 'close' | 'cut' | 'hang' | 'garbage';
  /** The event loop stands still meanwhile, without using the processor. */
  readonly blockMs?: number;
  /** The event loop computes meanwhile. */
  readonly burnMs?: number;
  /** The process ends with this code. */
  readonly exit?: number;
  /** A line on standard error. */
  readonly prints?: string;
  /** Writes to a full device first, and answers 500 when that fails. */
  readonly writesToFullDisk?: true;
}

export interface Rule extends Deed {
  /** What the path begins with; every path without it. */
  readonly path?: string;
  readonly method?: string;
  /** Of the requests that it is for; all without it. */
  readonly share?: number;
  /** For so many requests of a process, and no more. */
  readonly times?: number;
  /** The address of the client, or the beginning of it. */
  readonly client?: string;
  /** The body contains it. */
  readonly contains?: string;
  /** A header that the request does not have, in lowercase. */
  readonly lacks?: string;
  /** Only at the beginning of each period. */
  readonly within?: { readonly forMs: number; readonly everyMs: number };
  /** For connections that were idle for so long. */
  readonly idleMs?: number;
  /** When the process has finished nothing for so long, checks apart. */
  readonly quietMs?: number;
}

/** How an application behaves now. The process reads it from its file again and again. */
export interface Behaviour {
  /** The first that is for a request counts. */
  readonly rules?: readonly Rule[];
  /** Requests whose paths begin so need these dependencies, one after the other. */
  readonly needs?: Readonly<Record<string, readonly string[]>>;
  /** Connections to each dependency, and how long a request waits for one and its response; then it gets a 503. */
  readonly pool?: number;
  readonly dependencyTimeoutMs?: number;
  /** Connections to dependencies are never given back with this share. */
  readonly poolLeak?: number;
  /** Requests that are worked on at a time; further ones wait, `queueMax` of them; then they get a 503. */
  readonly capacity?: number;
  readonly queueMax?: number;
  /** Open connections of a process; it closes further ones at once. */
  readonly connectionsMax?: number;
  /** Options of its TLS server, read when it starts. */
  readonly tls?: Pick<TlsOptions, 'requestCert' | 'minVersion' | 'maxVersion'>;
  /** After which time an idle connection is closed. */
  readonly keepAliveMs?: number;
  /** Work of the process besides requests. */
  readonly blockEvery?: { readonly ms: number; readonly everyMs: number };
  readonly burnEvery?: { readonly ms: number; readonly everyMs: number };
  readonly leakMibPerSecond?: number;
  readonly leakDescriptorsPerSecond?: number;
  /** So long after its start the process ends. */
  readonly exitAfterMs?: number;
  readonly exitCode?: number;
  readonly lastWords?: string;
  /** It ends before it listens, or never listens. */
  readonly start?: 'exits' | 'never_listens';
  /** It listens for another protocol. */
  readonly speaks?: 'redis';
  /** How slow responses are at first, while the application fills its cache. */
  readonly coldMs?: number;
  /** Event streams end by themselves after this time. */
  readonly streamMs?: number;
  /** Each event stream ends when this number is another one than before. */
  readonly streamGeneration?: number;
}
