import type { AdminChoice } from './find-admin.ts';

/** Flags of the commands that ask a running gateway. */
export interface AskFlags extends AdminChoice {
  readonly json: boolean;
}
