import type { AdminChoice } from './find-admin.ts';

/** The commands that ask a running gateway. */
export interface AskFlags extends AdminChoice {
  readonly json: boolean;
}
