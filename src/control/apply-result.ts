import type { ListenProblem, OpenListener } from '../core/worker-messages.ts';

/**
 * The result of applying a snapshot: all workers apply it; a worker cannot listen (`problems`); or workers are not available
 * (`why`), because one was lost, too many have not ended yet, or the gateway is stopping.
 */
export type ApplyResult =
  | { readonly ok: true; readonly listeners: readonly OpenListener[] }
  | { readonly ok: false; readonly workersUnavailable: false; readonly problems: readonly ListenProblem[] }
  | { readonly ok: false; readonly workersUnavailable: true; readonly why: string };
