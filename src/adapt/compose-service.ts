import type { LocatedMap } from './located.ts';
import type { PublishedPort } from './published-ports.ts';

/** A service of a compose file. */
export interface ComposeService {
  readonly name: string;
  readonly line: number;
  readonly map: LocatedMap;
  readonly image: string;
  /** Ports that it offers to the machine. */
  readonly published: readonly PublishedPort[];
  /** Whose application it is part of: its own name where it is none's. */
  application: string;
  kind: 'web' | 'worker' | 'dependency' | 'gateway' | 'upstream' | 'left_out';
}
