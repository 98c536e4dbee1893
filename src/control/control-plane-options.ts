import type { GatewayOptions } from './gateway-options.ts';

export interface ControlPlaneOptions extends GatewayOptions {
  /** The file that a worker thread runs. */
  readonly workerModule: URL;
  /** The file that the thread of the log runs. */
  readonly loggerModule: URL;
  /** The file that the thread of the store runs. */
  readonly storeModule: URL;
  /** The file that the thread of the exporter of OTLP runs. */
  readonly otlpModule: URL;
}
