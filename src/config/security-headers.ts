/**
 * `security_headers: strict`: the list of OWASP's Secure Headers Project for pages of one site, but for what needs a decision of its own.
 *
 * - `Strict-Transport-Security` has its key (`tls.hsts`), since browsers remember it.
 * - `Referrer-Policy` is `same-origin` and not `no-referrer`: with that, browsers send `Origin: null` with forms, which protections against forged
 *   requests refuse.
 * - No `Cross-Origin-Embedder-Policy`: it blocks every image of another site, and serves cross-origin isolation alone.
 */
export const strictSecurityHeaders: Readonly<Record<string, string>> = {
  'Content-Security-Policy':
    "default-src 'self'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'; object-src 'none'",
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Permissions-Policy':
    'camera=(), display-capture=(), geolocation=(), hid=(), microphone=(), midi=(), payment=(), serial=(), usb=()',
  'Referrer-Policy': 'same-origin',
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
};
