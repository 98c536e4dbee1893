import { type ApplicationLog, rule } from './application-rule.ts';

export const javaLog: ApplicationLog = {
  product: 'jvm',
  format: 'Java output',
  needs: /OutOfMemoryError|Java Runtime Environment|hs_err_pid/,
  names: ['java'],
  rules: [
    rule(
      'crash',
      /^(?:Terminating|Aborting) due to java\.lang\.OutOfMemoryError(?:: (?<why>.{1,80}))?/,
      'The Java virtual machine ended itself, since it had no memory left ({why}).',
      'Raise `-Xmx` below the limit of the container, or find out what keeps so much (`-XX:+HeapDumpOnOutOfMemoryError`)',
      'java -XX:MaxRAMPercentage=75 -XX:+HeapDumpOnOutOfMemoryError -jar app.jar',
    ),
    rule(
      'crash',
      /^(?:.{0,200}[\s:([])?java\.lang\.OutOfMemoryError(?:: (?<why>[\w ]{1,60}))?/,
      'A program of Java had no memory left ({why}). It may go on without the thread that failed.',
      'Raise `-Xmx` below the limit of the container, and end the program at this error (`-XX:+ExitOnOutOfMemoryError`)',
      'java -XX:MaxRAMPercentage=75 -XX:+ExitOnOutOfMemoryError -jar app.jar',
    ),
    rule(
      'crash',
      /^# A fatal error has been detected by the Java Runtime Environment/,
      'The Java virtual machine crashed.',
      'Read the file hs_err_pid….log that it has written',
    ),
    rule(
      'crash',
      /^# There is insufficient memory for the Java Runtime Environment to continue/,
      'The Java virtual machine ended, because the system gave it no more memory.',
      'Lower `-Xmx`, or give the container more memory',
    ),
    rule(null, /^# (?:An error report file with more information is saved as|.{0,120}hs_err_pid)/, ''),
  ],
};
