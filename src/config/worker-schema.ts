/** What may be written about the workers of an application: programs beside its server that listen on no port. */
import * as z from 'zod';
import { commandLine, instanceCount, restart, workerVariables } from './program-schema.ts';
import { defaults } from './defaults.ts';
import { duration, name, path, text } from '../schema/leaves.ts';
import { key, section } from '../schema/section.ts';
import { hide } from '../schema/schema-parts.ts';

const ready = section({
  line: key(
    text,
    'It is ready when it prints a line that has this text, or matches this regular expression between slashes: `/^started/`.',
  ),
  file: key(path, 'It is ready when it has written this file. A relative path begins at its directory.'),
  command: key(
    commandLine,
    'It is ready when this command exits with 0. It runs in the same directory, with the same variables.',
  ),
  after: key(duration, 'It is ready when it has stayed up for so long.', defaults.worker.after),
  interval: key(
    duration,
    'Between two looks at the file, or two runs of the command, while it starts.',
    defaults.worker.interval,
  ),
  timeout: key(duration, 'For one run of the command.', defaults.worker.timeout),
  start_timeout: key(
    duration,
    'For the first readiness after a start; then it is reported.',
    defaults.readiness.startTimeout,
  ),
});

const worker = section({
  command: commandLine.meta({
    ...commandLine.meta(),
    description: 'Program and arguments, as one line or a list. No shell runs.',
    examples: ['python3 worker.py'],
  }),
  instances: key(
    instanceCount,
    'How many run side by side; `per_core`: one for each core that the gateway may use.',
    defaults.application.instances,
  ),
  environment: key(workerVariables, 'Variables for it, beside those of its application, over which they win.'),
  ready: key(ready, 'How it shows that it is ready: one of `line`, `file`, `command` and `after`.'),
  replace: key(
    z.enum(['start_first', 'stop_first']),
    '`start_first`: an instance that is replaced is stopped when the new one is ready; `stop_first`: before the new one starts.',
    defaults.worker.replace,
  ),
  stop_timeout: key(duration, 'Between SIGTERM and SIGKILL.', defaults.application.stopTimeout),
  restart: key(restart, 'How soon an instance that ended is started again.'),
});

/** By name. One line or a list in the place of a worker was meant as its command. */
export const workers = z.record(name, hide(worker, 'command'));

export type WorkerRead = z.output<typeof worker>;
export type WorkerReadyRead = z.output<typeof ready>;
