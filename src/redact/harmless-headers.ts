import { isSecretName } from './secret-name.ts';

/**
 * Headers whose values carry no credentials by what they are for: standards say how they look, and clients may see them.
 * The values of all others are hidden in configurations: whoever writes `X-Origin-Verify: …` shares a secret with an
 * application, and its name does not show it.
 */
export const harmlessHeaders: readonly string[] = [
  ...['accept', 'accept-ch', 'accept-charset', 'accept-encoding', 'accept-language', 'accept-ranges'],
  ...['access-control-allow-credentials', 'access-control-allow-headers', 'access-control-allow-methods'],
  ...['access-control-allow-origin', 'access-control-allow-private-network', 'access-control-expose-headers'],
  ...['access-control-max-age', 'age', 'allow', 'alt-svc', 'cache-control', 'cdn-cache-control', 'clear-site-data'],
  ...['content-disposition', 'content-encoding', 'content-language', 'content-security-policy'],
  ...['content-security-policy-report-only', 'content-type', 'critical-ch', 'cross-origin-embedder-policy'],
  ...['cross-origin-opener-policy', 'cross-origin-resource-policy', 'date', 'deprecation', 'dnt', 'early-data'],
  ...['expect-ct', 'expires', 'forwarded', 'from', 'host', 'last-modified', 'nel', 'origin', 'origin-agent-cluster'],
  ...['permissions-policy', 'pragma', 'priority', 'referrer-policy', 'report-to', 'reporting-endpoints'],
  ...['retry-after', 'save-data', 'sec-gpc', 'server', 'server-timing', 'service-worker-allowed', 'sourcemap'],
  ...['strict-transport-security', 'sunset', 'surrogate-control', 'timing-allow-origin', 'tk', 'user-agent', 'vary'],
  ...['x-accel-buffering', 'x-content-type-options', 'x-dns-prefetch-control', 'x-download-options'],
  ...['x-forwarded-for', 'x-forwarded-host', 'x-forwarded-port', 'x-forwarded-prefix', 'x-forwarded-proto'],
  ...['x-frame-options', 'x-permitted-cross-domain-policies', 'x-powered-by', 'x-real-ip', 'x-requested-with'],
  ...['x-robots-tag', 'x-ua-compatible', 'x-xss-protection'],
];

const harmless: ReadonlySet<string> = new Set(harmlessHeaders);

/** `secret`: headers that a configuration names as secret, lowercase. */
export function isHarmlessHeader(name: string, secret: readonly string[]): boolean {
  const lower = name.toLowerCase();
  return harmless.has(lower) && !isSecretName(lower) && !secret.includes(lower);
}
