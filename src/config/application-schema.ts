/** What may be written about applications that Candor runs. */
import * as z from 'zod';
import { applicationFeatureKeys } from '../features/keys.ts';
import { endpointKeys } from './upstream-schema.ts';
import { defaults } from './defaults.ts';
import { checkHeaders, expectation } from './check-schema.ts';
import { parseCheckPath, parseReadinessWord } from './format/path-prefix.ts';
import { duration, parsed, path, whole } from '../schema/leaves.ts';
import { key, section } from '../schema/section.ts';
import { hide } from '../schema/schema-parts.ts';
import { applicationVariables, commandLine, instanceCount, restart } from './program-schema.ts';
import { workers } from './worker-schema.ts';

const readiness = z.union([
  hide(parsed(parseReadinessWord, { kind: 'check', examples: ['/healthz', 'tcp'] }), 'query', 'path'),
  section({
    path: key(
      hide(parsed(parseCheckPath, { kind: 'path' }), 'query'),
      'Asked for by GET; a status from 200 to 299 passes.',
      defaults.readiness.path,
    ),
    tcp: key(
      z.boolean(),
      'Whether a TCP connection is enough, so that nothing is asked: for what answers no GET. `readiness: tcp` says the same.',
      defaults.readiness.tcp,
    ),
    headers: key(
      hide(checkHeaders('remove it: a readiness check asks for the host localhost'), 'header'),
      'Headers that the check sends, by name.',
    ),
    expect: key(expectation, 'What the response must be like to pass.'),
    interval: key(duration, 'Between two checks.', defaults.readiness.interval),
    timeout: key(duration, 'For one check; a timeout is never readiness.', defaults.readiness.timeout),
    passes: key(whole(1, 100), 'How many in a row make an instance ready.', defaults.readiness.passes),
    start_timeout: key(
      duration,
      'For the first readiness after a start; then it is reported.',
      defaults.readiness.startTimeout,
    ),
  }),
]);

const settings = section({
  command: key(
    commandLine.meta({ ...commandLine.meta(), examples: ['node server.js', 'npx vite --port {port}'] }),
    'Program and arguments, as one line or a list. No shell runs. `{port}` is replaced by the port of the instance. Needed, unless the application has workers or jobs: without it no upstream has its name.',
  ),
  directory: key(path, 'Where it runs, from the folder of this file.', defaults.application.directory),
  environment: key(
    applicationVariables,
    'Variables for it, beside those that Candor itself was given. `{port}` in a value is replaced by the port of the instance.',
  ),
  instances: key(
    instanceCount,
    'How many run side by side; `per_core`: one for each core that the gateway may use.',
    defaults.application.instances,
  ),
  port: key(
    z.union([z.enum(['free']), whole(1, 65_535)]),
    'Where it listens, told by PORT; `free` finds one for each instance.',
    defaults.application.port,
  ),
  readiness: key(
    readiness,
    'The path to ask, `tcp`, or how to find out that an instance is ready. Nothing is sent to it before.',
    defaults.readiness.path,
  ),
  http2: key(
    z.boolean(),
    'Whether HTTP/2 is spoken with it, in clear text (h2c), also by the readiness check. Upgrades (WebSockets) still go over HTTP/1.1. gRPC needs it.',
    defaults.application.http2,
  ),
  stop_timeout: key(duration, 'Between SIGTERM and SIGKILL.', defaults.application.stopTimeout),
  restart: key(restart, 'How soon an instance that ended is started again.'),
  workers: key(
    workers,
    'Programs of it that listen on no port and get no requests, by name. They run the same release, in the same directory.',
  ),
  ...applicationFeatureKeys,
  ...endpointKeys,
});

/** One line or a list in its place was meant as its command. */
export const application = hide(settings, 'command');

export type ApplicationRead = z.output<typeof application>;
export type EndpointKeysRead = Pick<
  ApplicationRead,
  'protocol' | 'connections' | 'attempts' | 'balance' | 'when_none_ready' | 'response_head_max' | 'logs'
>;
