export const recordingName = 'recording';

/** What the log has of the exchanges of a route. */
export interface RecordingSpec {
  /** The share of successes that are logged; 0: none. Failures are logged always. */
  readonly share: number;
  /** Further values of each record, by name: texts with variables. */
  readonly fields: Readonly<Record<string, string>>;
}
