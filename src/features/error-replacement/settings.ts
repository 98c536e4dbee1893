export const errorReplacementName = 'replace_errors';

export interface ErrorReplacementSpec {
  /** Statuses ('404') and classes ('5xx') of responses of endpoints. */
  readonly statuses: readonly string[];
}
