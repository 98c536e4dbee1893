import type { ListenProblem, OpenListener } from '../core/worker-messages.ts';

/** The result of a snapshot: applied, rejected by a worker that cannot listen, or not applied because a worker was lost. */
export type ApplyResult =
  | { readonly ok: true; readonly listeners: readonly OpenListener[] }
  | { readonly ok: false; readonly lost: false; readonly problems: readonly ListenProblem[] }
  | { readonly ok: false; readonly lost: true; readonly why: string };
