export const corsName = 'cors';

/** Which pages of other origins may read the responses of a route (Fetch §3.2). */
export interface CorsSpec {
  /** As browsers send them. `https://*.example.org` is every host below it; '*' alone is any origin. */
  readonly origins: readonly string[];
  /** '*' alone: any. */
  readonly methods: readonly string[];
  readonly headers: readonly string[];
  readonly expose: readonly string[];
  readonly credentials: boolean;
  readonly maxAgeS: number;
}
