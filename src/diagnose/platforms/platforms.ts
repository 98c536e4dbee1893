import type { Dialect } from '../dialect.ts';
import { flyDialect } from './fly.ts';
import { gcpDialect } from './gcp.ts';
import { herokuDialect } from './heroku.ts';
import { vercelDialect } from './vercel.ts';

/** What the routers of platforms write: Heroku, Fly, Vercel, and the load balancers of Google Cloud. */
export const platformDialects: readonly Dialect[] = [herokuDialect, flyDialect, vercelDialect, gcpDialect];
