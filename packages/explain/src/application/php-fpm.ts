import { type ApplicationLog, ofWorker, rule, seenAs } from './application-rule.ts';

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
