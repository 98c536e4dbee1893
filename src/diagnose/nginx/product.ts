import type { Gateway } from '../finding.ts';

/** The gateways that are nginx within, and write its lines. */
export type NginxProduct = Extract<Gateway, 'nginx' | 'openresty' | 'ingress-nginx' | 'kong' | 'apisix'>;
