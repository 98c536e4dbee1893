import type { EndpointAddress } from '../../core/endpoint.ts';

export const dependenciesName = 'dependencies';

export type DependencyKind = 'postgres' | 'mysql' | 'redis' | 'http' | 'tcp';

/** What an application needs besides itself. */
export interface DependencySpec {
  readonly name: string;
  /** May have a password. */
  readonly url: string;
  readonly kind: DependencyKind;
  /** Scheme, host, port and database: what people may see. */
  readonly shown: string;
  readonly intervalMs: number;
  readonly timeoutMs: number;
  /** Null: the password is in the URL, or comes from the store of secrets, or there is none. */
  readonly passwordFile: string | null;
  /** Null: the password is no secret of the store. */
  readonly passwordSecret: PasswordSecret | null;
  /** Its applications only read: a replica serves them as well. */
  readonly readOnly: boolean;
}

/** A secret of the store. */
export interface PasswordSecret {
  readonly secret: string;
  /** Whose it is; null: of the first application that depends on it. */
  readonly application: string | null;
}

/** What its URL says. */
export interface DependencyTarget {
  readonly kind: DependencyKind;
  readonly address: EndpointAddress;
  readonly shown: string;
  /** Of an https URL, and where its own protocol begins with TLS (`rediss`) or asks for it (`sslmode=require`). */
  readonly tls: boolean;
  /** Of a check over HTTP: the path with its query, and the Host header. */
  readonly path: string;
  readonly host: string;
  /** '': none is given. */
  readonly user: string;
  readonly database: string;
  readonly password: string | null;
}

/** Of the file. */
export interface DependenciesSpec {
  readonly dependencies: readonly DependencySpec[];
}

/** Of an application. */
export interface DependsOnSpec {
  readonly names: readonly string[];
}

/** `unknown`: no check has ended yet. `degraded`: it says itself that it does not do all that it should. */
export type DependencyState = 'unknown' | 'up' | 'degraded' | 'down';

/** Of one dependency, as the status has it. */
export interface DependencyStatus {
  readonly name: string;
  readonly kind: DependencyKind;
  readonly address: string;
  readonly state: DependencyState;
  /** Why it is not up, one clause that begins with a verb; of one that is up, what the check has seen. */
  readonly reason: string;
  readonly nextStep: string | null;
  readonly sinceS: number;
  /** How long the last check took; null: none has ended. */
  readonly checkMs: number | null;
  readonly dependents: readonly string[];
}

export interface DependenciesStatus {
  readonly dependencies: readonly DependencyStatus[];
}
