/**
 * Each may do what those before it may. `read`: only requests that change nothing. `operate`: everything but bringing code to the machine. `deploy`: that
 * too.
 */
export const adminRoles = ['read', 'operate', 'deploy'] as const;

export type AdminRole = (typeof adminRoles)[number];
