export const redirectName = 'redirect';

/** Where every request of the route is sent. */
export interface RedirectSpec {
  readonly status: number;
  /** It may have `{path}`, `{query}` and `{host}`, which are replaced by those of the request. */
  readonly location: string;
}
