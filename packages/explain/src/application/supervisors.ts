import { type ApplicationLog, rule, ofWorker, seenAs } from './runtimes.ts';

const pool = '\\[pool (?<container>[^\\]]{1,100})\\]';
const head = '^(?:ALERT|ERROR|WARNING|NOTICE): ';

/** The log of php-fpm's main process. */
export const phpLog: ApplicationLog = {
  product: 'php-fpm',
  format: 'php-fpm log',
  needs:
    /\[pool |\bfpm is running|Finishing \.\.\.|(?:NOTICE|ERROR|ALERT|WARNING|DEBUG): (?:Terminating|exiting|ready|reloading|configuration file|using inherited)/,
  names: ['php-fpm', 'php'],
  rules: [
    rule(
      'saturated',
      new RegExp(`${head}${pool} server reached (?:pm\\.)?max_children setting \\((?<why>\\d{1,6})\\)`),
      'All {why} processes of the pool {container} were busy, so further requests waited.',
      'Raise `pm.max_children` as far as the memory allows, or find the slow requests (`slowlog`)',
      'pm.max_children = 20\nrequest_slowlog_timeout = 5s\nslowlog = /var/log/php-fpm-slow.log',
    ),
    rule(
      'saturated',
      new RegExp(`${head}${pool} seems busy \\(you may need to increase`),
      'The pool {container} had too few idle processes.',
      'Raise `pm.start_servers` and `pm.max_spare_servers`, or `pm.max_children`',
    ),
    seenAs(
      'http_response_timeout',
      ofWorker(
        rule(
          'timeout',
          new RegExp(
            `${head}${pool} child (?<pid>\\d{1,10}), script '(?<process>[^']{0,300})'(?: \\(request: "[^"]{0,500}"\\))? execution timed out \\((?<why>[\\d.]{1,12}) sec\\), terminating`,
          ),
          'php-fpm ended the script {process} after {why} s (`request_terminate_timeout`).',
          'Raise `request_terminate_timeout` if the script may take so long; otherwise make it faster',
          'request_terminate_timeout = 120s\nrequest_slowlog_timeout = 5s',
        ),
      ),
    ),
    rule(null, new RegExp(`${head}${pool} child \\d{1,10}, script .{0,600} executing too slow`), ''),
    seenAs(
      'connection_terminated',
      ofWorker(
        rule(
          'crash',
          new RegExp(
            `${head}${pool} child (?<pid>\\d{1,10}) exited on signal (?<why>(?:9|11|7|6|4) \\(SIG\\w{2,6}[^)]{0,20}\\))`,
          ),
          'A process of the pool {container} (pid {pid}) was ended by signal {why}.',
          'Signal 9 without a timeout before it is the OOM killer: read the kernel log. Signal 11 is a crash of PHP or of an extension',
          'dmesg -T | grep -i -E "oom|killed process"',
        ),
      ),
    ),
    ofWorker(
      rule(
        'timeout',
        new RegExp(`${head}${pool} child (?<pid>\\d{1,10}) exited on signal (?<why>15 \\(SIGTERM[^)]{0,20}\\))`),
        'A process of the pool {container} (pid {pid}) was ended by signal {why}, as after a timeout.',
      ),
    ),
    rule(null, new RegExp(`${head}${pool} child \\d{1,10} (?:started|exited with code 0|said into)`), ''),
    rule(
      'stop',
      new RegExp(`${head}(?:Finishing \\.\\.\\.|Terminating \\.\\.\\.|Reloading in progress)`),
      'php-fpm was stopped or restarted on purpose.',
    ),
    rule('start', new RegExp(`${head}ready to handle connections`), 'php-fpm was started.'),
    rule(
      null,
      /^(?:NOTICE|WARNING|ERROR|ALERT|DEBUG): (?:\[pool |fpm |exiting|reloading|configuration file|using inherited|[a-z ]{0,40}(?:php-fpm|FPM))/,
      '',
    ),
  ],
};

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

const object = '(?:pod/|Pod/|pod ?: ?)?(?<pod>[a-z0-9](?:[a-z0-9.-]{0,250}[a-z0-9])?)';
/** `kubectl get events`: an age or a time, type, reason, object, message. With a namespace before them, or without. */
const event = (type: string, reason: string, message = ''): RegExp =>
  new RegExp(
    `^(?:[a-z0-9-]{1,63}\\s{1,20})?(?:\\S{1,24}\\s{1,20}(?:\\(x?[^)]{1,60}\\)\\s{1,20})?)?${type}\\s{1,20}${reason}\\s{1,20}(?:pod/${object}\\s{1,60}|\\S{1,30}\\s{1,20}(?:\\([^)]{1,60}\\)\\s{1,20})?(?:kubelet\\s{1,20})?)?${message}`,
  );

/** Events of Kubernetes: `kubectl get events`, `kubectl describe pod`. */
export const kubernetesLog: ApplicationLog = {
  product: 'kubernetes',
  format: 'Kubernetes events',
  needs: /OOMKill|Unhealthy|BackOff|Back-off restarting|CrashLoop|Killing|probe failed|Evicted|FailedScheduling/,
  names: [],
  rules: [
    rule(
      'oom_kill',
      event('Warning', 'OOMKilling'),
      'A container of {pod} was killed for its memory.',
      'Raise `resources.limits.memory`, or find out what needs so much',
      'resources:\n  limits: { memory: 1Gi }',
    ),
    rule(
      'oom_kill',
      /^\s{0,20}(?:Reason:\s{1,20}OOMKilled|"?reason"?: ?"?OOMKilled)|^(?<pod>[a-z0-9][a-z0-9.-]{2,250})\s{1,40}\d\/\d\s{1,20}OOMKilled\b/,
      'The container was killed for its memory.',
      'Raise `resources.limits.memory`, or find out what needs so much',
      'resources:\n  limits: { memory: 1Gi }',
    ),
    rule(
      'unhealthy',
      event('Warning', 'Unhealthy', '(?<why>(?:Readiness|Liveness|Startup) probe (?:failed|errored)[^,]{0,120})'),
      'A check of {pod} failed: {why}.',
      'A failed liveness probe restarts the container: give it more time (`timeoutSeconds`, `failureThreshold`) if it is only slow',
    ),
    rule(
      'crash',
      event('Warning', 'BackOff', '(?<why>Back-off restarting failed container.{0,120})'),
      'A container of {pod} ends again and again; Kubernetes waits before it starts it.',
      'Read why it ended',
      'kubectl logs POD --previous; kubectl describe pod POD',
    ),
    rule(
      'crash',
      /^Back-off restarting failed container(?: (?<container>\S{1,63}) in pod (?<pod>[a-z0-9][a-z0-9.-]{2,250}))?/,
      'A container ends again and again; Kubernetes waits before it starts it.',
      'Read why it ended',
      'kubectl logs POD --previous; kubectl describe pod POD',
    ),
    rule(
      'unhealthy',
      /^(?<why>(?:Readiness|Liveness|Startup) probe (?:failed|errored): .{1,120})/,
      'A check failed: {why}.',
      'A failed liveness probe restarts the container: give it more time (`timeoutSeconds`, `failureThreshold`) if it is only slow',
    ),
    rule(
      'crash',
      /^(?<pod>[a-z0-9][a-z0-9.-]{2,250})\s{1,40}\d\/\d\s{1,20}CrashLoopBackOff\b/,
      'A container of {pod} ends again and again.',
      'Read why it ended',
      'kubectl logs POD --previous; kubectl describe pod POD',
    ),
    rule(
      'stop',
      event('Normal', 'Killing', '(?:Stopping container|Killing container|Container) (?<container>\\S{1,63})'),
      'Kubernetes stopped the container {container} of {pod}.',
    ),
    rule(
      'stop',
      event('Warning', 'Evicted'),
      '{pod} was evicted from its node.',
      'The node lacked memory or disk: set requests, or add nodes',
    ),
  ],
};
