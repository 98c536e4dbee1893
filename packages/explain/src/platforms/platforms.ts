import type { Dialect } from '../dialect.ts';
import { flyDialect } from './fly.ts';
import { gcpDialect } from './gcp.ts';
import { herokuDialect } from './heroku.ts';
import { vercelDialect } from './vercel.ts';

/** The logs of platform routers: Heroku, Fly, Vercel, and the load balancers of Google Cloud. */
export const platformDialects: readonly Dialect[] = [herokuDialect, flyDialect, vercelDialect, gcpDialect];
