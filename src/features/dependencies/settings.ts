import type { EndpointAddress } from '../../core/endpoint.ts';
import type { GatewayStatus } from '../../core/schemas/status.ts';

export const dependenciesName = 'dependencies';

/** As the status has it. */
export type DependencyKind = GatewayStatus['dependencies'][number]['kind'];

/** What a check of each kind knows. */
export const dependencyKinds = {
  postgres: { hasLogin: true, hasReplicas: true },
  mysql: { hasLogin: true, hasReplicas: false },
  redis: { hasLogin: true, hasReplicas: true },
  http: { hasLogin: false, hasReplicas: false },
  tcp: { hasLogin: false, hasReplicas: false },
} as const satisfies Readonly<Record<DependencyKind, object>>;

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

export type DependencyStatus = GatewayStatus['dependencies'][number];

export type DependenciesStatus = Pick<GatewayStatus, 'dependencies'>;
