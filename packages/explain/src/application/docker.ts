import { type ApplicationLog, rule } from './application-rule.ts';

/** `docker events`: `container die 3f2a… (exitCode=137, image=shop, name=web)`, or the same as JSON. */
const named = (action: string, attributes = ''): RegExp =>
  new RegExp(
    `^container ${action} [0-9a-f]{12,64} \\((?=.{0,2000}\\bimage=(?<image>[^,)]{1,200}))(?=.{0,2000}\\bname=(?<container>[^,)]{1,200}))${attributes}`,
  );
const json = (action: string, attributes = ''): RegExp =>
  new RegExp(
    `^\\{(?=.{0,4000}"Type":"container")(?=.{0,4000}"(?:Action|status)":"${action}")(?=.{0,4000}"name":"(?<container>[^"]{1,200})")${attributes}`,
  );

const killedSentence =
  'The container {container} was killed (137): by the OOM killer, or since it did not stop in time.';
const killedFix = 'Look for an event `oom` beside it, and for the OOM killer in the kernel log';
const failedSentence = 'The container {container} ended with exit code {why}.';
const logsCommand = 'docker logs --tail 100 NAME';
const outOfMemory = 'A process in the container {container} was killed for its memory.';
const memoryFix = 'Raise the limit of memory of the container, or find out what needs so much';

export const dockerLog: ApplicationLog = {
  product: 'docker',
  format: 'Docker events',
  needs: /container (?:die|oom|kill|stop|start|restart) |"Type":"container"/,
  names: [],
  rules: [
    rule('oom_kill', named('oom'), outOfMemory, memoryFix, 'docker run --memory 1g IMAGE'),
    rule('crash', named('die', '(?=.{0,2000}\\bexitCode=137\\b)'), killedSentence, killedFix),
    rule('exit', named('die', '(?=.{0,2000}\\bexitCode=(?:0|143)\\b)'), 'The container {container} ended.'),
    rule(
      'crash',
      named('die', '(?=.{0,2000}\\bexitCode=(?<why>\\d{1,3}))'),
      failedSentence,
      'Read its log',
      logsCommand,
    ),
    rule('stop', named('(?:stop|restart)'), 'The container {container} was stopped or restarted on purpose.'),
    rule(
      'stop',
      named('kill', '(?=.{0,2000}\\bsignal=(?:15|SIGTERM|2|3)\\b)'),
      'The container {container} was stopped on purpose.',
    ),
    rule('start', named('start'), 'The container {container} was started.'),
    rule('oom_kill', json('oom'), outOfMemory, memoryFix, 'docker run --memory 1g IMAGE'),
    rule('crash', json('die', '(?=.{0,4000}"exitCode":"137")'), killedSentence, killedFix),
    rule('exit', json('die', '(?=.{0,4000}"exitCode":"(?:0|143)")'), 'The container {container} ended.'),
    rule(
      'crash',
      json('die', '(?=.{0,4000}"exitCode":"(?<why>\\d{1,3}))'),
      failedSentence,
      'Read its log',
      logsCommand,
    ),
    rule('stop', json('(?:stop|restart)'), 'The container {container} was stopped or restarted on purpose.'),
    rule('start', json('start'), 'The container {container} was started.'),
  ],
};
