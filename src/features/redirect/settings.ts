export const redirectName = 'redirect';

/** Where requests of the route are sent. */
export interface RedirectSpec {
  readonly status: number;
  /** It may have variables. Null: requests that the map does not have go on, or are 404. */
  readonly location: string | null;
  /** Absent: the location is for every request. */
  readonly map?: RedirectMapSpec;
}

export interface RedirectMapSpec {
  /** Of the file, for people. */
  readonly name: string;
  readonly count: number;
  /** Lines of `from status to`; what stands for a path is in its normal form. */
  readonly lines: string;
}
