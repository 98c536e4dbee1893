import { type ApplicationLog, ofWorker, rule } from './application-rule.ts';

const gunicornHead = '^(?:\\[\\d{1,10}\\] )?\\[(?:CRITICAL|ERROR|WARNING|INFO)\\] ';

export const gunicornLog: ApplicationLog = {
  product: 'gunicorn',
  format: 'gunicorn log',
  needs:
    /WORKER TIMEOUT|Worker \(pid:|Worker exiting|Handling signal|Starting gunicorn|Listening at:|Shutting down: Master|Booting worker|Worker failed to boot|Exception in worker/,
  names: ['gunicorn', 'python'],
  rules: [
    ofWorker(
      rule(
        'timeout',
        new RegExp(`${gunicornHead}WORKER TIMEOUT \\(pid:(?<pid>\\d{1,10})\\)`),
        'gunicorn ended a worker (pid {pid}) that had not answered for `--timeout` seconds.',
        'Raise `--timeout` if requests may take so long, or use threads or another worker class',
        'gunicorn --timeout 120 --threads 4 app:app',
      ),
    ),
    ofWorker(
      rule(
        'oom_kill',
        new RegExp(`${gunicornHead}Worker \\(pid:(?<pid>\\d{1,10})\\) was sent SIGKILL! Perhaps out of memory\\?`),
        'A worker of gunicorn (pid {pid}) was killed: after a timeout by gunicorn itself, otherwise probably by the OOM killer.',
        'Look for the OOM killer in the kernel log; give it more memory, or use fewer workers',
        'dmesg -T | grep -i -E "oom|killed process"',
      ),
    ),
    ofWorker(
      rule(
        'crash',
        new RegExp(
          `${gunicornHead}Worker \\(pid:(?<pid>\\d{1,10})\\) was sent (?<why>SIG(?!TERM|INT|QUIT|HUP|KILL)\\w{2,6})!`,
        ),
        'A worker of gunicorn (pid {pid}) was ended by {why}.',
        'A native module has crashed; update it',
      ),
    ),
    rule(
      'crash',
      new RegExp(
        `${gunicornHead}(?:Reason: Worker failed to boot|Worker \\(pid:(?<pid>\\d{1,10})\\) exited with code (?!0)\\d+|Exception in worker process)`,
      ),
      'A worker of gunicorn failed.',
      'Read the lines around it: they have the error of Python',
    ),
    rule(
      'stop',
      new RegExp(`${gunicornHead}(?:Handling signal: (?:term|int|quit|hup|usr2)|Shutting down: Master)`),
      'gunicorn was stopped or restarted on purpose.',
    ),
    rule(
      'start',
      new RegExp(`${gunicornHead}(?:Starting gunicorn|Listening at: (?<listen>[^\\s,]{3,200}))`),
      'gunicorn was started.',
    ),
    rule(
      null,
      new RegExp(`${gunicornHead}(?:Booting worker|Worker exiting|Worker \\(pid:\\d{1,10}\\) was sent SIG)`),
      '',
    ),
  ],
};

export const uwsgiLog: ApplicationLog = {
  product: 'uwsgi',
  format: 'uWSGI log',
  needs:
    /HARAKIRI|DAMN !|listen queue|uWSGI|SIGINT\/SIGTERM received|gracefully killing|Respawned uWSGI|SIGPIPE: writing|\*\*\* no app/,
  names: ['uwsgi', 'python'],
  rules: [
    ofWorker(
      rule(
        'timeout',
        /^\*\*\* HARAKIRI ON WORKER (?<why>\d{1,5}) \(pid: (?<pid>\d{1,10})/,
        'uWSGI ended worker {why} (pid {pid}), whose request took longer than `harakiri`.',
        'Raise `harakiri` if requests may take so long; otherwise make them faster',
        'harakiri = 120',
      ),
    ),
    rule(null, /^(?:HARAKIRI: |HARAKIRI !!! |-- |HARAKIRI \[core)/, ''),
    ofWorker(
      rule(
        'crash',
        /^DAMN ! worker (?<why>\d{1,5}) \(pid: (?<pid>\d{1,10})\) died, killed by signal 9/,
        'Worker {why} of uWSGI (pid {pid}) was killed by signal 9: by `harakiri`, or by the OOM killer.',
        'Without a line about HARAKIRI before it, look for the OOM killer in the kernel log',
        'dmesg -T | grep -i -E "oom|killed process"',
      ),
    ),
    ofWorker(
      rule(
        'crash',
        /^DAMN ! worker (?<why>\d{1,5}) \(pid: (?<pid>\d{1,10})\) died/,
        'Worker {why} of uWSGI (pid {pid}) crashed.',
        'A native module has crashed; update it',
      ),
    ),
    rule(
      'saturated',
      /^\*\*\* uWSGI listen queue of socket (?:"(?<listen>[^"]{1,200})")?.{0,200}full/,
      'The listen queue of uWSGI was full: all workers were busy.',
      'Raise the number of `processes` or `threads`, then `listen` and `net.core.somaxconn`',
      'processes = 8\nthreads = 4\nlisten = 1024',
    ),
    rule(
      'stop',
      /^(?:SIGINT\/SIGTERM received|\.\.\.gracefully killing workers|Gracefully killing worker|SIGTERM received)/,
      'uWSGI was stopped or restarted on purpose.',
    ),
    rule('start', /^\*\*\* Starting uWSGI/, 'uWSGI was started.'),
    rule(
      null,
      /^(?:SIGPIPE: writing to a closed pipe|Respawned uWSGI|spawned uWSGI|goodbye to uWSGI|worker \d+ (?:killed successfully|buried))/,
      '',
    ),
  ],
};
