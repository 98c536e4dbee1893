import type { Dialect } from '../dialect.ts';
import { albDialect } from './alb.ts';
import { clbDialect } from './clb.ts';

/** Access logs of Elastic Load Balancing: Application and Classic Load Balancers. */
export const awsDialects: readonly Dialect[] = [albDialect, clbDialect];
