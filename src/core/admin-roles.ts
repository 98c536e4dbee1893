/** `read`: only requests that change nothing. `operate`: everything. */
export const adminRoles = ['read', 'operate'] as const;

export type AdminRole = (typeof adminRoles)[number];
