import type { GatewayProduct } from '../finding.ts';

/** The gateways that are built on nginx and write its lines. */
export type NginxProduct = Extract<GatewayProduct, 'nginx' | 'openresty' | 'ingress-nginx' | 'kong' | 'apisix'>;
