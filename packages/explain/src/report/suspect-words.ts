import type { SuspectName } from '../summary-report.ts';

export const suspectWords: Record<SuspectName, string> = {
  keep_alive_race: 'keep-alive race',
  saturation: 'saturation',
  header_too_large: 'header too large',
  wrong_address_or_port: 'wrong address or port',
  sni: 'name in the TLS handshake (SNI)',
  dns: 'names that cannot be looked up',
  deploy: 'a deploy, or restarts',
};
