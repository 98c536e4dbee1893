/** What may be written about every program that Candor runs: of an application and of its workers. */
import * as z from 'zod';
import { defaults } from './defaults.ts';
import { splitCommandLine } from '../schema/format/command-line.ts';
import { duration, parsed, text, whole } from '../schema/leaves.ts';
import { key, section } from '../schema/section.ts';
import { hide } from '../schema/schema-parts.ts';

/** Program and arguments. */
export const commandLine = hide(
  z.union([parsed(splitCommandLine, { kind: 'command line' }), z.array(text).min(1)]),
  'command',
);

const variables = z.record(z.string(), z.union([z.string(), z.number(), z.boolean()]));

export const applicationVariables = hide(variables, 'value');

/** Those of a worker stand by themselves in the configuration, beside all that it has. */
export const workerVariables = hide(variables, 'value', 'ownEnvironment');

export const instanceCount = z.union([whole(1, 256), z.enum(['per_core'])]);

export const restart = section({
  first_delay: key(
    duration,
    'Before the first restart; each further one waits up to twice as long.',
    defaults.restart.firstDelay,
  ),
  max_delay: key(
    duration,
    'The longest wait of an instance that ends at each start. One that was ready for a second waits 1 s at most (or `first_delay` where that is longer).',
    defaults.restart.maxDelay,
  ),
  reset_after: key(duration, 'Running this long makes the next restart a first one.', defaults.restart.resetAfter),
});
