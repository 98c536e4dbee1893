import { type ApplicationLog, rule } from './application-rule.ts';

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
