import { awsDialects } from './aws/aws.ts';
import type { Dialect } from './dialect.ts';
import { haproxyDialects } from './haproxy/haproxy.ts';

/** In the order in which they are asked: where two are equally sure of a line, the earlier one reads it. */
export const allDialects: readonly Dialect[] = [...haproxyDialects, ...awsDialects];
