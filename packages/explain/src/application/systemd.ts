import { type ApplicationLog, rule } from './application-rule.ts';

const unit = '(?<unit>[\\w@.:\\\\-]{1,200}\\.(?:service|scope))';
const form = (rest: string): RegExp => new RegExp(`^${unit}: ${rest}`);

/** Messages of systemd about units, in the journal and in syslog. */
export const systemdLog: ApplicationLog = {
  product: 'systemd',
  format: 'systemd journal',
  needs: /\.(?:service|scope)\b|^\S.{0,200}systemd(?:\[\d+\])?: /,
  names: [],
  rules: [
    rule(
      'oom_kill',
      form('(?:A process of this unit has been killed by the OOM killer|systemd-oomd killed .{0,80})'),
      'The OOM killer ended a process of {unit}.',
      'Raise the limit of memory of the unit, or find out what needs so much',
      '[Service]\nMemoryMax=1G',
    ),
    rule(
      'oom_kill',
      form("Failed with result 'oom-kill'"),
      '{unit} failed, because the OOM killer had ended a process of it.',
      'Raise the limit of memory of the unit, or find out what needs so much',
      '[Service]\nMemoryMax=1G',
    ),
    rule(
      'crash',
      form('Main process exited, code=(?:killed|dumped), status=(?<why>\\d{1,3}/\\w{2,8})'),
      'The main process of {unit} was ended by a signal ({why}).',
      'Read its own log at that second; status 9/KILL without a reason is often a lack of memory',
      'journalctl -u NAME.service --since "10 minutes ago"',
    ),
    rule(
      'crash',
      form('Main process exited, code=exited, status=(?<why>(?!0/)\\d{1,3}(?:/[\\w/-]{1,30})?)'),
      'The main process of {unit} exited with an error ({why}).',
      'Read its own log at that second',
      'journalctl -u NAME.service --since "10 minutes ago"',
    ),
    rule('exit', form('Main process exited, code=exited, status=0'), 'The main process of {unit} exited.'),
    rule(
      'timeout',
      form('(?:Watchdog timeout|start operation timed out|Start operation timed out)'),
      '{unit} did not answer systemd in time, and was ended.',
    ),
    rule('crash', form("Failed with result '(?<why>[\\w-]{1,40})'"), '{unit} failed ({why}).'),
    rule(
      'crash',
      form('Start request repeated too quickly'),
      'systemd gave up restarting {unit}, since it had failed too often.',
      'Fix why it fails at its start, then start it again',
      'systemctl reset-failed NAME.service && systemctl start NAME.service',
    ),
    rule('restart', form('Scheduled restart job'), 'systemd restarts {unit} after it ended.'),
    rule(null, form('(?:Deactivated successfully|Succeeded|Consumed |Changed |Supervising|Killing process)'), ''),
    rule(
      'stop',
      new RegExp(`^Stopping ${unit}(?: - .*)?\\.\\.\\.$`),
      '{unit} was being stopped or restarted on purpose.',
    ),
    rule('start', new RegExp(`^Started ${unit}(?: - .*)?\\.$`), '{unit} was started.'),
    rule(
      'stop',
      /^Stopping (?<unit>[A-Z][^.]{2,120})\.\.\.$/,
      'The unit "{unit}" was being stopped or restarted on purpose.',
    ),
    rule('start', /^Started (?<unit>[A-Z][^.]{2,120})\.$/, 'The unit "{unit}" was started.'),
    rule(null, new RegExp(`^(?:Stopped|Starting|Reloading|Reloaded) (?:${unit}|[A-Z].{2,160}\\.$)`), ''),
  ],
};
