import type { StickySpec } from '../../policy/sticky-sessions.ts';

export const stickyName = 'sticky';

export interface StickySettings extends StickySpec {
  /** What signs the cookies; null: the key in the state folder, which the main thread gives to workers. */
  readonly key: string | null;
}
